"""Where each fault takes hold: of the system where it can be had there, else of one call."""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from lrhdr_benchmarks.faults.case import GUARDED
from lrhdr_benchmarks.faults.standin import StandIn
from lrhdr_benchmarks.faults.system import (
    BALLAST,
    fail_reads,
    fill,
    interrupt_twice,
    limit_files,
    send,
    truncate,
)
from lrhdr_benchmarks.faults.trigger import Trigger
from lrhdr_engines import execute
from lrhdr_engines.backends import onnxruntime_backend, openvino_backend
from lrhdr_engines.media import exr, video_sink
from lrhdr_engines.media.several import Sinks
from lrhdr_engines.media.video import VideoSource

_SLOW_FRAMES = 10


def hook(trigger: Trigger) -> None:
    """Prepare the fault of the trigger's plan."""
    fault = trigger.plan.fault
    _note_writes(trigger)
    _model(trigger)
    _source(trigger)
    if fault == "read error":
        fail_reads(trigger)
    elif fault == "encoder fails":
        _encoders(trigger)
    elif fault is not None:
        actions: dict[str, Callable[[], None]] = {
            "disk full": lambda: fill(Path(trigger.plan.folder) / BALLAST, trigger),
            "file size limit": lambda: limit_files(trigger),
            "clip truncated": lambda: truncate(trigger),
            "SIGINT twice": lambda: interrupt_twice(trigger),
            "SIGKILL twice": lambda: send(trigger, signal.SIGKILL),
        }
        if fault in ("SIGINT", "SIGTERM", "SIGKILL"):
            trigger.action = lambda: send(trigger, signal.Signals[fault])
        trigger.action = actions.get(fault, trigger.action)


def _swap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put in the place of an attribute what `make` makes of it."""
    setattr(owner, name, make(getattr(owner, name)))


def _worker(trigger: Trigger) -> str:
    """The one that raises."""
    if trigger.plan.fault != "worker raises":
        return ""
    return ("decode", "infer", "encode")[int(3 * trigger.plan.amount)]


def _note_writes(trigger: Trigger) -> None:
    plan = trigger.plan

    def noting(write: Any) -> Any:
        def noted(sinks: Sinks, index: int, picture: Any, shown: Any) -> None:
            if trigger.armed.is_set() and _worker(trigger) == "encode":
                trigger.fired()
                raise MemoryError("injected into the encoder's thread")
            if trigger.armed.is_set() and plan.fault == "slow sink":
                if index == plan.frame + 1:
                    trigger.fired()
                if index <= plan.frame + _SLOW_FRAMES:
                    time.sleep(0.3 * plan.amount)
            write(sinks, index, picture, shown)
            trigger.written(index)

        return noted

    _swap(Sinks, "write", noting)


class _Model:
    """The model, whose outputs pass by."""

    def __init__(self, model: Any, trigger: Trigger) -> None:
        self._model, self._trigger = model, trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        trigger, plan = self._trigger, self._trigger.plan
        for output in self._model.stream(*arguments, **options):
            if trigger.armed.is_set() and _worker(trigger) == "infer":
                trigger.fired()
                raise MemoryError("injected into inference")
            if plan.fault in GUARDED and output.index == plan.frame:
                trigger.fired()
                factor = {"not finite": np.nan, "black": 1e-4, "blown": 1e3}[plan.fault]
                output = replace(output, picture=output.picture * np.float32(factor))
            yield output


class _Failing:
    """What a backend runs a graph by, of whatever library; it fails once the trigger is armed."""

    def __init__(self, inner: Any, trigger: Trigger) -> None:
        self._inner, self._trigger = inner, trigger

    def __getattr__(self, name: str) -> Any:
        if name in ("run", "create_infer_request") and self._trigger.armed.is_set():
            self._trigger.fired()
            raise RuntimeError("injected into inference")
        return getattr(self._inner, name)


def _model(trigger: Trigger) -> None:
    plan = trigger.plan
    fails = plan.fault == "inference fails"

    def opening(opened: Any) -> Any:
        def model(*words: Any, **options: Any) -> _Model:
            if plan.stand_in:
                return _Model(StandIn(trigger if fails else None), trigger)
            return _Model(opened(*words, **options), trigger)

        return model

    def failing(begin: Any) -> Any:
        return lambda self, session: begin(self, _Failing(session, trigger))

    def compiled(ready: Any) -> Any:
        return lambda self, shapes: _Failing(ready(self, shapes), trigger)

    _swap(execute, "open_model", opening)
    if fails:
        _swap(onnxruntime_backend.OnnxRuntimeSession, "__init__", failing)
        _swap(openvino_backend.OpenVinoSession, "_ready", compiled)


def _source(trigger: Trigger) -> None:
    plan = trigger.plan
    raises = plan.fault == "decoder raises" or _worker(trigger) == "decode"
    slow = plan.fault == "slow source"

    def hooking(frames: Any) -> Any:
        def hooked(self: VideoSource, start: int = 0) -> Iterator[Any]:
            if plan.event is None and plan.frame < 0:  # while the exposures are looked for
                trigger.pull()
            slept = 0
            for frame in frames(self, start):
                if trigger.armed.is_set() and raises:
                    trigger.fired()
                    raise RuntimeError("injected into the reader")
                if trigger.armed.is_set() and slow and slept < _SLOW_FRAMES:
                    trigger.fired()
                    slept += 1
                    time.sleep(0.3 * plan.amount)
                yield frame

        return hooked

    _swap(VideoSource, "frames", hooking)


class _Encoder:
    """An encoder that fails."""

    def __init__(self, encoder: Any, trigger: Trigger) -> None:
        self._encoder, self._trigger = encoder, trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, frame: Any = None) -> Any:
        if self._trigger.armed.is_set():
            self._trigger.fired()
            raise av.ExternalError(-542398533, "Generic error in an external library", "injected")
        return self._encoder.encode(frame)


def _encoders(trigger: Trigger) -> None:
    def failing(write: Any) -> Any:
        def written(*arguments: Any) -> None:
            if trigger.armed.is_set():
                trigger.fired()
                raise OSError(errno.EIO, "injected into the EXR writer")
            write(*arguments)

        return written

    _swap(video_sink, "open_encoder", lambda opened: lambda *w: _Encoder(opened(*w), trigger))
    _swap(exr, "write_image", failing)
