"""The plugins' kernels on the device against float64. Not run on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from lrhdr_benchmarks.gpu_check import oracle
from lrhdr_benchmarks.gpu_check.library import NAME, DeviceKernels
from lrhdr_benchmarks.gpu_check.oracle import Array
from lrhdr_benchmarks.gpu_check.record import FailedError, Row, Task

_ALPHAS = (1.2, 1.5, 1.6, 1.75, 2.0)
_PIXELS = (1, 7, 255, 256, 1024, 4099)  # below, at and beyond a warp's and a block's share
_LARGE = 1280 * 721
_SPREADS = (0.0, 0.3, 3.0, 100.0)  # of logits: from all equal to one clear winner
_EXPOSURES = np.array([1.0, 8.0, 64.0], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One launch of both operators. `shift` elements take the pointers off 16 bytes."""

    count: int
    alpha: float
    pixels: int
    half: bool
    batch: int = 1
    shift: int = 0

    def __str__(self) -> str:
        """For messages."""
        kind = "fp16" if self.half else "fp32"
        return (
            f"N {self.count}, alpha {self.alpha}, {kind}, {self.batch} x {self.pixels} pixels, "
            f"shift {self.shift}"
        )


def all_cases() -> Iterator[Case]:
    """Every N and type with every alpha; sizes, batches and shifts take turns; large ones last."""
    for turn, (count, half, alpha) in enumerate(product(range(2, 17), (False, True), _ALPHAS)):
        for pixels in (_PIXELS[turn % len(_PIXELS)], _PIXELS[(turn + 3) % len(_PIXELS)]):
            yield Case(
                count=count,
                alpha=alpha,
                pixels=pixels,
                half=half,
                batch=1 + turn % 3,
                shift=turn // 2 % 4,
            )
    for count, half in product((6, 10), (False, True)):
        yield Case(count=count, alpha=1.75, pixels=_LARGE, half=half)


def few_cases() -> Iterator[Case]:
    """What the sanitizer sees: both paths, the shipped N and the extremes."""
    for count, half, pixels in product((2, 6, 10, 16), (False, True), (7, 1024)):
        yield Case(count=count, alpha=1.75, pixels=pixels, half=half, batch=2, shift=pixels % 2)


@dataclass(slots=True)
class Worst:
    """The largest error of an operator at a precision, as a share of its bound."""

    cases: int = 0
    share: float = 0.0
    case: str = ""

    def note(self, case: Case, found: Array, exact: Array, bound: Array | float) -> None:
        """Compare; what is not finite is infinitely wrong."""
        with np.errstate(invalid="ignore"):
            error = np.abs(found.astype(np.float64) - exact)
            error /= np.maximum(bound, np.finfo(np.float64).tiny)
        share = float(np.nan_to_num(error, nan=np.inf).max())
        self.cases += 1
        if share >= self.share:
            self.share, self.case = share, str(case)


def check(kernels: DeviceKernels, cases: Iterator[Case]) -> Iterator[Row]:
    """A row for each operator and precision.

    Raises:
        FailedError: CUDA fails, or an error is beyond its bound; after all cases.
    """
    found: dict[tuple[str, str], Worst] = {}
    for seed, case in enumerate(cases):
        rng = np.random.default_rng(seed)
        kind = "fp16" if case.half else "fp32"
        _entmax(kernels, case, rng, found.setdefault(("Entmax", kind), Worst()))
        _fusion(kernels, case, rng, found.setdefault(("EntmaxFusion", kind), Worst()))
    for (operator, kind), worst in found.items():
        yield {
            "operator": operator,
            "precision": kind,
            "cases": worst.cases,
            "worst share of bound": round(worst.share, 3),
            "at": worst.case,
        }
    wrong = [f"{name} at {worst.case}" for name, worst in found.items() if worst.share > 1.0]
    if wrong:
        raise FailedError(f"beyond the bound: {'; '.join(wrong)}")


def _entmax(kernels: DeviceKernels, case: Case, rng: np.random.Generator, worst: Worst) -> None:
    logits = _logits(case, rng, (case.batch, case.count, case.pixels))
    masks = kernels.entmax(logits, case.alpha, case.shift)
    exact = oracle.masks(logits, _stored(case.alpha))
    worst.note(case, masks, exact, oracle.mask_bound(case.alpha, half=case.half))


def _fusion(kernels: DeviceKernels, case: Case, rng: np.random.Generator, worst: Worst) -> None:
    logits = _logits(case, rng, (case.count, case.pixels))
    exposures = rng.choice(_EXPOSURES, 1 + int(rng.integers(case.count)))
    shape = (case.count, 3, case.pixels)
    # Gamma space from below 0, which counts as 0; radiance as small as 8-bit black.
    candidates = rng.uniform(-0.1, 1.0, shape)
    candidates[len(exposures) :] = 10.0 ** rng.uniform(-6.0, 0.0, shape)[len(exposures) :]
    given = candidates.astype(logits.dtype)
    hdr, masks = kernels.fusion(logits, given, exposures, case.alpha, case.shift)
    exact = oracle.masks(logits, _stored(case.alpha))
    worst.note(case, masks, exact, oracle.mask_bound(case.alpha, half=False))
    lights = oracle.light(given, exposures)
    fused = np.einsum("np,ncp->cp", exact, lights)
    worst.note(case, hdr, fused, oracle.hdr_bound(lights, exact, case.alpha))


def _logits(case: Case, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    kind = np.float16 if case.half else np.float32
    logits: Array = (rng.normal(size=shape) * rng.choice(_SPREADS)).astype(kind)
    return logits


def _stored(alpha: float) -> float:
    """The alpha that the kernel gets, in FP32."""
    return float(np.float32(alpha))


def run(task: Task) -> Iterator[Row]:
    """The step."""
    yield from check(DeviceKernels(task.folder / NAME), all_cases())
