"""Frame sizes of an engine, and the shapes that a graph's tensors have at them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lrhdr.contract import Tensor
from lrhdr.errors import InputError
from lrhdr_engines.padding import padded

# Every dimension of a tensor stays far below 2^31 elements in the widest pyramid.
LARGEST_SIDE = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Width and height in pixels, each from 1 to 16384."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if not all(1 <= side <= LARGEST_SIDE for side in (self.width, self.height)):
            raise InputError(
                f"the size {self}", expected=f"sides from 1 to {LARGEST_SIDE} pixels, as 1920x1080"
            )

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read "1920x1080".

        Raises:
            InputError: it is no size.
        """
        found = re.fullmatch(r"\s*(\d{1,6})\s*[xX×]\s*(\d{1,6})\s*", text)
        if found is None:
            raise InputError(f"the size {text!r}", expected="WIDTHxHEIGHT, as in 1920x1080")
        return cls(width=int(found[1]), height=int(found[2]))

    def padded(self, multiple: int) -> Size:
        """The size that a frame of this size has after `padding.pad`."""
        height, width = padded(self.height, self.width, multiple)
        return Size(width=width, height=height)

    def of(self, tensor: Tensor) -> tuple[int, ...]:
        """The tensor's shape at this size, which is padded."""
        return tensor.sized(self.height, self.width)

    def __str__(self) -> str:
        """As it is parsed."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """The sizes that one engine takes; where all three are the same its shapes are static."""

    smallest: Size
    optimal: Size
    largest: Size

    def __post_init__(self) -> None:
        for side in ("width", "height"):
            low, best, high = (
                getattr(size, side) for size in (self.smallest, self.optimal, self.largest)
            )
            if not low <= best <= high:
                raise InputError(
                    f"a profile with {side}s {low}, {best} and {high}",
                    expected="MIN,OPT,MAX in growing order, as in 640x360,1920x1080,3840x2160",
                )

    @classmethod
    def fixed(cls, size: Size) -> Shapes:
        """One size alone."""
        return cls(smallest=size, optimal=size, largest=size)

    @classmethod
    def parse(cls, text: str) -> Shapes:
        """Read "MIN,OPT,MAX".

        Raises:
            InputError: these are not three sizes in growing order.
        """
        parts = text.split(",")
        if len(parts) != 3:
            raise InputError(
                f"the profile {text!r}",
                expected="three sizes MIN,OPT,MAX, as in 640x360,1920x1080,3840x2160",
            )
        smallest, optimal, largest = map(Size.parse, parts)
        return cls(smallest=smallest, optimal=optimal, largest=largest)

    @property
    def static(self) -> bool:
        """Whether the engine takes one size only."""
        return self.smallest == self.largest

    def padded(self, multiple: int) -> Shapes:
        """Every size, padded."""
        return Shapes(
            smallest=self.smallest.padded(multiple),
            optimal=self.optimal.padded(multiple),
            largest=self.largest.padded(multiple),
        )

    def of(self, tensor: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The tensor's smallest, optimal and largest shape."""
        return (
            self.smallest.of(tensor),
            self.optimal.of(tensor),
            self.largest.of(tensor),
        )

    def __str__(self) -> str:
        """One size, or three joined by "-"."""
        if self.static:
            return str(self.optimal)
        return f"{self.smallest}-{self.optimal}-{self.largest}"
