"""How commands end: our own errors in one line, no traceback; Ctrl-C when the work can end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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


class Interrupt(threading.Event):
    """Set once the work is asked to end.

    Attributes:
        over: set it to True where there is nothing left to stop.
    """

    over = False


@contextmanager
def interruptible(said: str, again: str) -> Iterator[Interrupt]:
    """Ctrl-C and SIGTERM set the event, for the work to end when it can.

    A second one raises KeyboardInterrupt at once; none does anything where the work is over. Only
    the main thread hears of signals: in another the event stays as it is.

    Args:
        said: what to say on stderr meanwhile.
        again: what a second one does.
    """
    event = Interrupt()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if event.over:
            return
        if event.is_set():
            raise KeyboardInterrupt
        event.set()
        # Straight to the file: a handler must not meet a lock that the main thread holds.
        os.write(2, f"\n{said}; Ctrl-C again {again}\n".encode())

    heard = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if heard else ()
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
