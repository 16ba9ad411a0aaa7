"""How near both kernels are to a device-to-device copy, interleaved in one run.

Not run on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.gpu_check.library import NAME, DeviceKernels
from lrhdr_benchmarks.gpu_check.record import Row, Task
from lrhdr_engines.plugin.traffic import entmax_plugin, fusion_plugin

_PIXELS = 3840 * 2160  # more than any cache holds
_ALPHA = 1.75
_ROUNDS = 15
_FLOAT, _HALF = 4, 2


def measure(
    kernels: DeviceKernels, *, pixels: int = _PIXELS, rounds: int = _ROUNDS
) -> Iterator[Row]:
    """A row for each exposure cycle and precision.

    GB/s count what each operator must read and write, as `plugin.traffic` does. A ratio is the
    median over the rounds of the operator's to the copy's in the same round.
    """
    for (exposures, window), half in product(WINDOWS.items(), (False, True)):
        count, images = window.candidates, len(window.offsets) + len(window.interpolations)
        taken = kernels.times(pixels, count, images, _ALPHA, half=half, rounds=rounds)
        size = _HALF if half else _FLOAT
        entmax, fusion = entmax_plugin(count)[0], fusion_plugin(count)[0]
        moved = np.array(
            [
                2 * count * size,
                (sum(entmax.reads) + sum(entmax.writes)) * size,
                sum(fusion.reads) * size + sum(fusion.writes) * _FLOAT,
            ]
        )
        # Bytes a pixel, times pixels, over milliseconds, in 10^9 bytes a second.
        rates = moved * pixels / taken / 1e6
        copy, plain, fused = np.median(rates, axis=0)
        yield {
            "cycle": f"{exposures}E",
            "precision": "fp16" if half else "fp32",
            "copy GB/s": round(float(copy)),
            "Entmax GB/s": round(float(plain)),
            "Entmax / copy": round(float(np.median(rates[:, 1] / rates[:, 0])), 3),
            "EntmaxFusion GB/s": round(float(fused)),
            "EntmaxFusion / copy": round(float(np.median(rates[:, 2] / rates[:, 0])), 3),
        }


def run(task: Task) -> Iterator[Row]:
    """The step."""
    yield from measure(DeviceKernels(task.folder / NAME))
