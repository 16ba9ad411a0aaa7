"""ColorVideoVDP (package `cvvdp`), the visible difference between a result and the truth.

The frames are still pictures, 30 pixels a degree, on an HDR display in a dark room that
shows H = 1 at `lrhdr.metrics.PEAK_NITS` and not more; 10 JOD is no visible difference.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from lrhdr.metrics import PEAK_NITS
from lrhdr_benchmarks.evaluate.measures import Domains, Meter

PIXELS_PER_DEGREE = 30.0
_CONTRAST = 1_000_000.0  # of the display: black at 0.001 cd/m2
_RESOLUTION = (3840, 2160)  # has no part in the result where the pixels per degree are given


def open_cvvdp() -> tuple[Meter | None, str]:
    """The meter, and a note on it: why there is none, if so."""
    try:
        # Not by an import statement: it is in no extra, and brings torchvision and more.
        pycvvdp = import_module("pycvvdp")
    except ImportError as error:
        return None, f"ColorVideoVDP is left out: pip install cvvdp ({error})"
    except (RuntimeError, OSError) as error:  # a torchvision that was built for another torch
        return None, f"ColorVideoVDP is left out: cvvdp cannot be imported ({error})"
    metric = pycvvdp.cvvdp(
        display_photometry=pycvvdp.vvdp_display_photo_eotf(
            Y_peak=PEAK_NITS, contrast=_CONTRAST, source_colorspace="BT.709-linear", E_ambient=0.0
        ),
        display_geometry=pycvvdp.vvdp_display_geometry(_RESOLUTION, ppd=PIXELS_PER_DEGREE),
        quiet=True,
    )
    note = f"ColorVideoVDP: {PIXELS_PER_DEGREE:g} pixels per degree, {PEAK_NITS:g} cd/m2 at H = 1"
    return _meter(metric), note


def _meter(metric: Any) -> Meter:
    def measure(prediction: Domains, truth: Domains) -> dict[str, float]:
        test, reference = (
            (picture.linear * PEAK_NITS).astype(np.float32) for picture in (prediction, truth)
        )
        jod, _ = metric.predict(test, reference, dim_order="HWC")
        return {"cvvdp": float(jod)}

    return measure
