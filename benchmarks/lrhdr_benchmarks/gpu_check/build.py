"""The plugin for the GPU at hand; and the library of `device.cpp`, which only a GPU needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from lrhdr.errors import BackendError
from lrhdr_benchmarks.gpu_check.library import NAME, compile_library
from lrhdr_benchmarks.gpu_check.record import NotRunError, Row, Task
from lrhdr_engines.build.gpu import current_gpu
from lrhdr_engines.plugin import LIBRARY, Plugin, build_plugin
from lrhdr_engines.plugin.record import read_record
from lrhdr_engines.plugin.sources import source_folder, source_hash
from lrhdr_engines.plugin.toolkit import Toolkit

_WITHOUT_GPU = 89


def plugin_library(task: Task) -> Path:
    """Where the step leaves the plugin."""
    return task.folder / "plugin" / LIBRARY


def run(task: Task) -> Iterator[Row]:
    """The step. Without a GPU the plugin is compiled for SM 89. What is there is kept."""
    gpu = current_gpu()
    sm = _WITHOUT_GPU if gpu is None else gpu.sm
    path = plugin_library(task)

    def existing() -> Plugin | None:
        found = read_record(path)
        fits = found is not None and found.sources == source_hash(source_folder())
        return found if found is not None and fits and sm in found.architectures else None

    try:
        Toolkit.find()
    except BackendError as error:
        raise NotRunError(str(error)) from error
    began = time.monotonic()
    plugin = build_plugin(path.parent, (sm,), existing=existing)
    used = plugin.resources.get(sm)
    yield {
        "library": LIBRARY,
        "SM": sm,
        "nvcc": plugin.nvcc,
        "TensorRT headers": plugin.headers,
        "registers": used and used.registers,
        "spilled bytes": used and used.spilled_bytes,
        "s": round(time.monotonic() - began, 1),
    }
    if gpu is not None:
        began = time.monotonic()
        compile_library(task.folder, sm)
        yield {"library": NAME, "SM": sm, "s": round(time.monotonic() - began, 1)}
