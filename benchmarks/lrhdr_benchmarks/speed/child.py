"""A subject in a process of its own: its memory is its own, and so is its end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, TypeVar

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed.messages import (
    Answer,
    End,
    Ended,
    Failed,
    Made,
    Open,
    Opened,
    Request,
    Turn,
    receive,
    send,
)

_COMMAND = (sys.executable, "-m", "lrhdr_benchmarks.speed.worker")
_ENDS_IN_S = 10.0

T = TypeVar("T", Opened, Made, Ended)


class ChildError(LrhdrError):
    """A child cannot go on; the message says why."""


class Child:
    """The parent's side of `worker`. As a context it leaves no process behind.

    Every request raises ChildError where the subject fails, its process ends, or it does not
    answer in time.
    """

    def __init__(self, opening: Open, *, patience_s: float) -> None:
        """Start the process; `open` opens the subject.

        Args:
            opening: the subject.
            patience_s: for how long an answer is waited for.
        """
        self._opening = opening
        self.patience_s = patience_s
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - `kill` closes it
        self._process = subprocess.Popen(
            _COMMAND,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        stream = self._process.stdout
        threading.Thread(target=_listen, args=(stream, self._answers), daemon=True).start()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Of the process; None while it runs."""
        return self._process.poll()

    def open(self) -> Opened:
        """Open the subject; the first request."""
        return self._ask(self._opening, Opened)

    def turn(self, turn: Turn) -> Made:
        """Make outputs."""
        return self._ask(turn, Made)

    def end(self) -> Ended:
        """Close the subject; the last request."""
        ended = self._ask(End(), Ended)
        self.kill()
        return ended

    def kill(self) -> None:
        """End the process, whatever it does; safe when called again."""
        self._process.kill()
        self._process.wait()
        self.hang_up()
        self._said.close()

    def hang_up(self) -> None:
        """Ask nothing any more; the process ends when it has met the last request."""
        with suppress(OSError):  # what was not sent any more
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _ask(self, request: Request, kind: type[T]) -> T:
        try:
            if self._process.stdin is None:
                raise RuntimeError("the child was started without a pipe")
            send(self._process.stdin, request)
            answer = self._answers.get(timeout=self.patience_s)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            self.kill()
            raise ChildError(f"no answer within {self.patience_s:g} s") from None
        if isinstance(answer, kind):
            return answer
        reason = answer.reason if isinstance(answer, Failed) else self._last_words()
        self.kill()
        raise ChildError(reason)

    def _last_words(self) -> str:
        """Why the process ended."""
        try:
            code = self._process.wait(_ENDS_IN_S)
        except subprocess.TimeoutExpired:
            return "its answers cannot be understood"
        if code == -signal.SIGKILL:
            return "its process was killed, as where memory runs out"
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return f"its process ended with code {code}: {lines[-1][:300] if lines else 'no word'}"


def _listen(stream: IO[bytes], answers: queue.SimpleQueue[Any]) -> None:
    """Pass on every answer, and None after the last."""
    with stream, suppress(Exception):  # whatever cannot be read ends the conversation
        while True:
            answers.put(receive(stream))
    answers.put(None)
