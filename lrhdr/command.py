"""How the commands for training and export end: our own errors are one line, not a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from lrhdr.errors import LrhdrError

# What the extras `train` and `export` add, by the names that are imported.
_EXTRA_MODULES = ("onnx", "onnxscript", "safetensors", "torch")


def run_command(app: Callable[[], object], program: str, extra: str) -> None:
    """Run a command line and leave with its exit code.

    Args:
        app: parses the arguments and does the work.
        program: its name, for messages.
        extra: of this package that it needs; named where one of its modules is missing.
    """
    try:
        app()
    except LrhdrError as error:
        failure = error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA_MODULES:
            raise
        failure = LrhdrError(
            f"the package {error.name} is not installed",
            next_step=f"In a clone, run: pip install '.[{extra}]' -c constraints.txt",
        )
    else:
        return
    print(f"{program}: {failure}", file=sys.stderr)
    raise SystemExit(failure.exit_code)
