"""What TensorRT calls while it works: a logger and a progress monitor.

Their base classes live in the package that is used, so they are made from it.
"""

from __future__ import annotations

import threading
from typing import Any

from lrhdr_engines.build.settings import Report

_ERRORS = ("INTERNAL_ERROR", "ERROR")
_MOST = 200  # a parser that stumbles may repeat itself for every node


def collecting_logger(trt: Any) -> Any:
    """A logger that keeps errors and warnings, in `errors` and `warnings`, and prints nothing."""

    class CollectingLogger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.clear()

        def clear(self) -> None:
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            kept = {"WARNING": self.warnings} | dict.fromkeys(_ERRORS, self.errors)
            lines = kept.get(severity.name)
            if lines is not None and len(lines) < _MOST:
                lines.append(" ".join(message.split()))

    return CollectingLogger()


def progress_monitor(trt: Any, report: Report) -> Any:
    """A monitor that reports the phases of a build, outermost and one below.

    TensorRT calls it from threads of its own, where an exception would end the process: what
    `report` raises is kept in `failure`, and the build is asked to stop.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.failure: BaseException | None = None
            self._depth: dict[str, int] = {}
            self._lock = threading.Lock()

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            with self._lock:
                depth = self._depth.get(parent, 0) + 1 if parent else 0
                self._depth[phase] = depth
                if depth <= 1 and self.failure is None:
                    self._tell(f"{phase} ({steps} step{'' if steps == 1 else 's'})")

        def step_complete(self, phase: str, step: int) -> bool:
            return self.failure is None

        def phase_finish(self, phase: str) -> None:
            with self._lock:
                self._depth.pop(phase, None)

        def _tell(self, line: str) -> None:
            try:
                report(line)
            except BaseException as error:  # noqa: BLE001 - raised again after the build
                self.failure = error

    return Monitor()
