"""The checkpoint of a run: replaced as a whole or not at all, and only for the same settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from lrhdr.errors import OutputError, TrainingError


def write(path: Path, state: dict[str, Any]) -> None:
    """Write beside the name and rename, so that there is always a whole checkpoint.

    Raises:
        OutputError: it cannot be written; the one before is still there.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        # What torch says of a file that it could not write hides the system's error.
        system = error.__context__ if isinstance(error.__context__, OSError) else error
        raise OutputError(
            f"{path} cannot be written ({_line(system)})",
            next_step="Make room and call again: the checkpoint before it is kept",
        ) from error


def read(path: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The state that `write` was given, on the CPU.

    Args:
        path: the checkpoint.
        plan: what decides the course of this run; the checkpoint's "plan" must be the same.

    Raises:
        TrainingError: the file is damaged, or of a run with other settings.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before = _leaves(state["plan"])
    except Exception as error:  # what unpickling raises is anything
        raise TrainingError(
            f"{path} cannot be read as a checkpoint ({_line(error)})",
            expected="one that this version of lrhdr-train wrote",
            next_step="Remove it to begin anew, or name another --out",
        ) from error
    now = _leaves(plan)
    changed = [
        f"{name} {before.get(name)} -> {now.get(name)}"
        for name in [*now, *(name for name in before if name not in now)]
        if before.get(name) != now.get(name)
    ]
    if changed:
        raise TrainingError(
            f"the run in {path.parent} was started with other settings ({', '.join(changed)})",
            next_step="Go on with the same ones, or name another --out",
        )
    return state


def _leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted names."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{prefix}{name}.")
        else:
            leaves[prefix + name] = value
    return leaves


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
