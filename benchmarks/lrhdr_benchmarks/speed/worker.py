"""The child process of one subject.

It is started as python -m lrhdr_benchmarks.speed.worker. Requests come on standard input, answers
go to standard output. Whatever else is printed there, by any library, goes to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import IO

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed import clips, memory
from lrhdr_benchmarks.speed.messages import (
    Answer,
    End,
    Ended,
    Failed,
    Made,
    Open,
    Opened,
    Output,
    Request,
    Turn,
    receive,
    send,
)
from lrhdr_benchmarks.speed.rest import come_to_rest
from lrhdr_benchmarks.speed.subject import Picture, Subject


class Worker:
    """Meets requests for one subject."""

    def __init__(self) -> None:
        self._subject: Subject | None = None
        self._taken_before = 0.0  # of the GPU's memory, by others

    def meet(self, request: Request) -> Answer:
        """Do what is asked; whatever prevents it becomes an answer too."""
        try:
            match request:
                case Open():
                    return self._open(request)
                case Turn():
                    return self._turn(request)
                case End():
                    return self._end()
        except LrhdrError as error:
            return Failed(reason=str(error))
        except ModuleNotFoundError as error:
            return Failed(reason=f"the package {error.name} is not installed")
        except MemoryError:
            return Failed(reason="there is not enough memory")
        except Exception as error:  # noqa: BLE001 - whatever it is, the subject cannot be timed
            return Failed(reason=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")

    def _open(self, request: Open) -> Opened:
        if request.cpus:
            os.sched_setaffinity(0, request.cpus)
        case = request.case
        clips.frames(case.width, case.height, case.exposures)  # the clip is made before the clock
        self._taken_before = memory.device_mb() or 0.0
        began = time.perf_counter()
        subject = request.opener(case, threads=request.threads, hdrflow=request.hdrflow)
        taken = time.perf_counter() - began
        self._subject = subject
        return Opened(load_s=taken, ahead=subject.ahead, in_flight=subject.in_flight)

    def _turn(self, turn: Turn) -> Made:
        subject = self._opened()
        for _ in range(turn.lead):
            subject.output()
        outputs: list[Output] = []
        picture: Picture | None = None
        for _ in range(turn.outputs):
            began = time.perf_counter()
            picture = subject.output()
            wall = 1e3 * (time.perf_counter() - began)
            outputs.append(Output(wall=wall, stages=subject.stages(), graphs=subject.graph_ms()))
        come_to_rest()
        return Made(outputs=outputs, picture=picture if turn.keep else None)

    def _end(self) -> Ended:
        taken = memory.device_mb()
        self._opened().close()
        return Ended(
            resident_mb=memory.greatest_resident_mb(),
            device_mb=None if taken is None else taken - self._taken_before,
        )

    def _opened(self) -> Subject:
        if self._subject is None:
            raise RuntimeError("nothing was opened")
        return self._subject


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until the subject is closed or fails, or nobody asks any more."""
    worker = Worker()
    with suppress(EOFError, BrokenPipeError):  # the parent is gone
        while True:
            answer = worker.meet(receive(requests))
            send(answers, answer)
            if isinstance(answer, Ended | Failed):
                return


def main() -> None:
    """See above."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends all children
    memory.be_killed_first()
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as answers:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is what is wanted
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        serve(requests, answers)
    sys.stderr.flush()
    os._exit(0)  # a library that hangs at exit would keep the parent waiting


if __name__ == "__main__":
    main()
