"""What a user may choose about a build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lrhdr.errors import InputError

Builder = Literal["tensorrt", "tensorrt-rtx"]
BUILDERS: tuple[Builder, ...] = ("tensorrt", "tensorrt-rtx")
PACKAGES: dict[Builder, str] = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}

Report = Callable[[str], None]

# What TensorRT knows: 0 builds fastest, 5 searches longest; its own default is 3.
OPTIMISATION_LEVELS = range(6)
# What TensorRT-RTX builds by default runs on this compute capability and all newer ones.
FIRST_PORTABLE_SM = 80
# 64 TiB: beyond it the number of bytes is a slip of the hand.
_MOST_WORKSPACE_MB = 1 << 26


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How an engine is built.

    Attributes:
        builder: the package that builds it.
        sms: compute capabilities that one plan is made for, as 89 for 8.9, in growing order.
            TensorRT-RTX builds for those without a GPU; empty leaves the choice to it (8.0 and
            newer). TensorRT builds for the GPU at hand and takes none.
        optimisation_level: 0 to 5; None leaves it to TensorRT.
        workspace_mb: most memory in MiB that a layer may use for itself; None: all there is.
        timing_cache: file that keeps TensorRT's measurements from build to build.
    """

    builder: Builder = "tensorrt-rtx"
    sms: tuple[int, ...] = ()
    optimisation_level: int | None = None
    workspace_mb: int | None = None
    timing_cache: Path | None = None

    def __post_init__(self) -> None:
        if self.builder not in BUILDERS:
            raise InputError(f"the builder {self.builder}", expected=" or ".join(BUILDERS))
        if self.builder == "tensorrt" and self.sms:
            raise InputError(
                f"TensorRT is asked for an engine for SM {', '.join(map(str, self.sms))}",
                expected="none named: it builds for the GPU it runs on",
                next_step="Leave out --sm, or choose --backend tensorrt-rtx",
            )
        if list(self.sms) != sorted(set(self.sms)):
            raise InputError(f"the SMs {self.sms}", expected="each once, in growing order")
        level = self.optimisation_level
        if level is not None and level not in OPTIMISATION_LEVELS:
            raise InputError(f"the optimisation level {level}", expected="0 to 5")
        if self.workspace_mb is not None and not 1 <= self.workspace_mb <= _MOST_WORKSPACE_MB:
            raise InputError(
                f"a workspace of {self.workspace_mb} MiB", expected=f"1 to {_MOST_WORKSPACE_MB}"
            )


def parse_sms(text: str) -> tuple[int, ...]:
    """Read "75,86,8.9" as (75, 86, 89).

    Raises:
        InputError: an entry is no compute capability.
    """
    found = set()
    for part in text.split(","):
        digits = part.strip().lower().removeprefix("sm").removeprefix("_").replace(".", "")
        if not digits.isdecimal() or not 2 <= len(digits) <= 3:
            raise InputError(
                f"the compute capability {part.strip()!r}",
                expected="numbers as 75,86,89,120",
                next_step="Look yours up: nvidia-smi --query-gpu=compute_cap --format=csv",
            )
        found.add(int(digits))
    return tuple(sorted(found))


def plans(sms: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Which SMs share a plan of TensorRT-RTX.

    One plan runs on all of Ampere and newer. Turing in the same plan would cost the others speed
    (NVIDIA's support matrix says so), and gets its own.
    """
    turing = tuple(sm for sm in sms if sm < FIRST_PORTABLE_SM)
    newer = tuple(sm for sm in sms if sm >= FIRST_PORTABLE_SM)
    return [group for group in (turing, newer) if group] or [()]
