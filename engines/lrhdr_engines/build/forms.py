"""The forms that a graph's engine can have: its precision, and what an FP16 one keeps in FP32.

| form | file | computes in FP16 | inputs and outputs |
| --- | --- | --- | --- |
| fp32 | fp32 | nothing | FP32 |
| fp16 | fp16 | all but warps, registration, Gamma, entmax, the weighted sum | fp16's |
| fp16-wide | fp16 | convolutions alone | fp16's |

The islands of FP32 are in the exported file, so "fp16" takes it as it is; "fp16-wide" widens them
while the engine is built (`islands.widen`).

There is no form with narrower islands. TensorRT's GridSample takes its coordinates in the type of
its image, and coordinates in FP16 are off by up to side / 2 * 2^-12 pixels: 0.03 at the golden
window's 256, which would accept it, and 0.23 at 1920, which nobody would have looked at.
"""

from __future__ import annotations

from typing import Literal

from lrhdr.contract import Precision

Form = Literal["fp32", "fp16", "fp16-wide"]
FORMS: tuple[Form, ...] = ("fp32", "fp16", "fp16-wide")


def precision_of(form: Form) -> Precision:
    """Of the graph's file, and so of its inputs and outputs."""
    return "fp32" if form == "fp32" else "fp16"


def widened(form: Form) -> Form:
    """The same with wide islands, where there is such a form."""
    return "fp32" if form == "fp32" else "fp16-wide"
