"""Our own engines as subjects: `lrhdr_engines`' stream, its graphs timed where they are run.

On the CPU a backend's sessions are wrapped, so that every run of a graph is noted; the rest of an
output is what the host does before the fusion (`pre`: the window, normalising, padding, naming) and
after it (`post`: cropping, interleaving). The stages of an output add up to it.

A CPU engine is there twice: with one graph after the other, and `overlapped` as lrhdr-run has it,
whose graphs run beside each other and are not timed by themselves; in bf16 once, as lrhdr-run
overlaps nothing there. A GPU stream times its copies and all of its graphs together (`compute`), by
events on the device; it was not run on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, WINDOWS, Precision
from lrhdr.errors import BackendError
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Picture
from lrhdr_engines import open_model
from lrhdr_engines.api import Model
from lrhdr_engines.backends import BACKENDS, Backend, BackendName, Session, open_backend
from lrhdr_engines.backends.protocol import JOINED, Arithmetic, Tensors
from lrhdr_engines.backends.registry import check_backend
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.settings import Builder
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.layout import IN_FLIGHT
from lrhdr_engines.engine import Engine
from lrhdr_engines.streaming import StreamingModel

REFERENCE = "onnxruntime fp32"  # what errors are measured against
STAGES = {
    EXTRACT: "extract",
    FLOW: "synthesize",
    FUSE: "synthesize",
    LRHDR: "lrhdr",
    JOINED: "synthesize and lrhdr",
}
_ENGINES: tuple[Arithmetic, ...] = get_args(Arithmetic)
_OVERLAPPED, _BF16 = "overlapped", "bf16"
_STREAMING_BACKENDS: tuple[str, ...] = get_args(Builder)  # on a GPU, with pictures in flight


def engine_subjects() -> list[str]:
    """The engines that open here, each with the precisions that are fast on it."""
    return [
        subject
        for name in _backends()
        if _why_not(name) is None
        for precision in _ENGINES
        if precision == "fp32" or streams_on_gpu(name) or open_backend(name).fastest == precision
        for subject in (f"{name} {precision}", f"{name} {precision} {_OVERLAPPED}")
        if is_engine(subject)
    ]


def missing_engines() -> dict[str, str]:
    """The backends that cannot run here, and why."""
    found = {name: _why_not(name) for name in _backends()}
    return {name: why for name, why in found.items() if why is not None}


def is_engine(subject: str) -> bool:
    """Whether the subject is one of ours: "BACKEND PRECISION", on the CPU also "... overlapped"."""
    backend, precision, *rest = (*subject.split(" "), "")
    known = backend in _backends() and precision in _ENGINES
    known = known and (precision != _BF16 or backend == "openvino")
    return known and (rest == [""] or (rest == [_OVERLAPPED, ""] and not _alone(subject)))


def as_run(subject: str) -> str:
    """The same engine as lrhdr-run has it."""
    alone = _alone(subject) or subject.endswith(_OVERLAPPED)
    return subject if alone else f"{subject} {_OVERLAPPED}"


def graph_precision(subject: str) -> Precision:
    """Of the graphs that a subject runs or, not being one of ours, stands beside."""
    return "fp16" if is_engine(subject) and subject.split(" ")[1] == "fp16" else "fp32"


def _alone(subject: str) -> bool:
    """Whether nothing is ever overlapped in it."""
    return streams_on_gpu(subject) or subject.split(" ")[1] == _BF16


def streams_on_gpu(subject: str) -> bool:
    """Whether the subject works ahead on a GPU while nobody waits for it."""
    return subject.partition(" ")[0] in _STREAMING_BACKENDS


class EngineSubject:
    """See `Subject`."""

    def __init__(self, case: Case, threads: int | None) -> None:
        """Open the model.

        Args:
            case: its subject is an engine's name.
            threads: CPU threads; None lets the backend choose.

        Raises:
            LrhdrError: the backend or the bundle cannot be opened.
        """
        if not is_engine(case.subject):
            raise BackendError(
                f"engine {case.subject!r}",
                expected=f"one of: {', '.join(_backends())}; one of: {', '.join(_ENGINES)}",
            )
        backend, precision = cast(tuple[BackendName, Arithmetic], tuple(case.subject.split()[:2]))
        ev = clips.ev(case.exposures)
        self.in_flight = 0
        self._runs = _Runs()
        self._on_device: dict[str, float] = {}
        self._model: StreamingModel
        if streams_on_gpu(backend):
            self.in_flight = IN_FLIGHT - 1
            self._model = open_model(
                case.model, case.exposures, engine=precision, backend=backend, threads=threads
            )
        elif as_run(case.subject) == case.subject and precision != _BF16:
            model = open_model(
                case.model, case.exposures, engine=precision, backend=backend, threads=threads
            )
            if isinstance(model, Model):
                model.engine.arrange(case.width * case.height)
                self.in_flight = int(model.engine.overlaps)
            self._model = model
        else:
            bundle = Bundle.open(case.model, case.exposures)
            files = graph_precision(case.subject)
            timed = _TimedBackend(open_backend(backend), bundle, files, self._runs)
            self._model = Model(Engine(bundle, timed, precision, threads=threads))
        self.ahead: int | None = WINDOWS[case.exposures].offsets[-1] + self.in_flight
        frames = clips.frames(case.width, case.height, case.exposures)
        self._stream = self._model.stream(frames, ev)

    def output(self) -> Picture:
        """See `Subject`."""
        self._runs.begin()
        made = next(self._stream)
        picture, self._on_device = made.hdr, made.stages
        self._runs.end()
        return picture

    def stages(self) -> dict[str, float]:
        """See `Subject`."""
        return self._runs.stages() or self._on_device

    def graph_ms(self) -> dict[str, float]:
        """See `Subject`."""
        return self._runs.graph_ms()

    def close(self) -> None:
        """See `Subject`."""
        self._model.close()


@dataclass(slots=True)
class _Runs:
    """The runs of graphs within one output: (graph, began, ended), in seconds."""

    runs: list[tuple[str, float, float]] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    def begin(self) -> None:
        self.runs.clear()
        self.began = time.perf_counter()

    def end(self) -> None:
        self.ended = time.perf_counter()

    def graph_ms(self) -> dict[str, float]:
        """0 for a graph that did not run."""
        return self._sums({graph: graph for graph in STAGES})

    def stages(self) -> dict[str, float]:
        """All of the output: what is before the fusion and no graph is `pre`; after it `post`."""
        if not self.runs:
            return {}
        inside = self._sums(STAGES)
        _, fused, last = self.runs[-1]
        before = sum(end - start for _, start, end in self.runs[:-1])
        pre, post = fused - self.began - before, self.ended - last
        return {"pre": 1e3 * pre, **inside, "post": 1e3 * post}

    def _sums(self, names: Mapping[str, str]) -> dict[str, float]:
        """Milliseconds of the runs, by the name that each graph has in `names`."""
        if not self.runs:
            return {}
        joined = JOINED in (graph for graph, _, _ in self.runs)
        graphs = (EXTRACT, JOINED) if joined else STREAMING
        sums = dict.fromkeys((names[graph] for graph in graphs), 0.0)
        for graph, start, end in self.runs:
            sums[names[graph]] = sums.get(names[graph], 0.0) + 1e3 * (end - start)
        return sums


class _TimedBackend:
    """A backend whose sessions note their runs."""

    def __init__(self, backend: Backend, bundle: Bundle, precision: Precision, runs: _Runs) -> None:
        self.name, self.device = backend.name, backend.device
        self.fastest = backend.fastest
        self._backend = backend
        self._graphs = {bundle.graph(name, precision): name for name in STREAMING}
        self._runs = runs

    def load(self, model: Path, arithmetic: Arithmetic, threads: int | None) -> _TimedSession:
        session = self._backend.load(model, arithmetic, threads)
        return _TimedSession(session, self._graphs[model], self._runs)

    def join(
        self, flow: Path, films: Sequence[Path], fusion: Path, threads: int | None
    ) -> Session | None:
        session = self._backend.join(flow, films, fusion, threads)
        return None if session is None else _TimedSession(session, JOINED, self._runs)


class _TimedSession:
    def __init__(self, session: Session, graph: str, runs: _Runs) -> None:
        self._session, self._graph, self._runs = session, graph, runs

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        began = time.perf_counter()
        results = self._session.run(feeds)
        self._runs.runs.append((self._graph, began, time.perf_counter()))
        return results

    def rest(self) -> None:
        self._session.rest()


def _backends() -> tuple[str, ...]:
    return tuple(name for name in BACKENDS if name != "auto")


@cache
def _why_not(name: str) -> str | None:
    try:
        check_backend(cast(BackendName, name))
    except BackendError as error:
        return str(error)
    return None
