"""Which library to use: LRHDR_PLUGIN, then the cache, then the package; else a new one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lrhdr.errors import BackendError
from lrhdr_engines.build.location import cache_root
from lrhdr_engines.build.settings import Report
from lrhdr_engines.plugin.build import ARCHITECTURES, build_plugin, parse_architectures
from lrhdr_engines.plugin.record import LIBRARY, Plugin, read_record, sidecar
from lrhdr_engines.plugin.sources import source_folder, source_hash

VARIABLE = "LRHDR_PLUGIN"
_PACKAGED = Path(__file__).resolve().parent / "lib"


def plugin_folder() -> Path:
    """Where a library that was built by itself is kept. It need not exist yet."""
    return cache_root() / "plugin"


def located_plugin() -> Path | None:
    """The library to use, if there is one already.

    One that LRHDR_PLUGIN names is taken as it is, but not if it was damaged since it was built.
    Others must be whole and built from the sources at hand.

    Raises:
        BackendError: LRHDR_PLUGIN names no library, or a damaged one.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return _named(Path(named).expanduser().absolute())
    for folder in (plugin_folder(), _PACKAGED):
        found = _current(folder / LIBRARY)
        if found is not None:
            return found.path
    return None


def find_plugin(*, sm: int | None = None, report: Report = lambda _: None) -> Path:
    """The library to use; built into the cache where there is none.

    Args:
        sm: compute capability of the GPU that will run it, as 89; None if none will.
        report: told why it is built, and how far it is.

    Raises:
        BackendError: it must be built and cannot be; says what to install. Or there is one, and it
            was built for other GPUs.
        OutputError: the cache cannot be written.
    """
    found = located_plugin()
    if found is not None:
        if sm is not None:
            _require(found, sm, report)
        return found
    kept = plugin_folder() / LIBRARY
    report(
        f"{kept} is damaged or of other sources: building it again"
        if kept.exists()
        else "there is no plugin library yet"
    )
    return build_plugin(kept.parent, report=report, existing=lambda: _current(kept)).path


def make_plugin(out: Path | None, sm: str | None, report: Report) -> Plugin:
    """What `lrhdr-export plugin` does: build, whether or not there is a library.

    Args:
        out: folder of the library; None: the cache, where it is found by itself.
        sm: "75,86,89"; None: every architecture.
        report: takes lines for the user, a summary last.

    Raises:
        InputError: `sm` is not a list of architectures.
        BackendError: a tool is missing or failed.
        OutputError: the folder cannot be written.
    """
    chosen: Sequence[int] = ARCHITECTURES if sm is None else parse_architectures(sm)
    plugin = build_plugin(out or plugin_folder(), chosen, report=report)
    for architecture, found in plugin.resources.items():
        report(
            f"  SM {architecture}: {found.kernels} kernels, at most {found.registers} registers, "
            f"{found.spilled_bytes} bytes spilled"
        )
    if out is not None:
        report(f"use it: export {VARIABLE}={plugin.path.absolute()}")
    return plugin


def _require(path: Path, sm: int, report: Report) -> None:
    """Refuse a library that was built for other GPUs: it was asked for, so it is not replaced."""
    record = read_record(path)
    if record is None:  # one that LRHDR_PLUGIN names: what it holds, only CUDA's tools can tell
        report(f"{path} has no {sidecar(path).name}: whether it is for SM {sm} shows when it runs")
    elif not record.runs_on(sm):
        sms = ", ".join(map(str, record.architectures))
        raise BackendError(
            f"{path} is built for SM {sms}, with PTX of SM {record.architectures[-1]}",
            expected=f"code for SM {sm}, the GPU at hand",
            next_step=f"Build it for this GPU: lrhdr-export plugin --sm {sm}"
            + (f" (and unset {VARIABLE})" if os.environ.get(VARIABLE) else ""),
        )


def _named(path: Path) -> Path:
    if not path.is_file():
        raise BackendError(
            f"{VARIABLE} is {path}, which is not a file",
            expected=LIBRARY,
            next_step="Build it (lrhdr-export plugin -o DIR), or unset the variable",
        )
    if sidecar(path).exists() and read_record(path) is None:
        raise BackendError(
            f"{path} is not the library that {sidecar(path).name} describes",
            next_step="Build it again: lrhdr-export plugin -o DIR",
        )
    return path


def _current(path: Path) -> Plugin | None:
    found = read_record(path)
    wanted = source_hash(source_folder())
    return found if found is not None and found.sources == wanted else None
