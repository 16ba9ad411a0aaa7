"""The contract between export and runtime: graphs, tensor names, shapes, dtypes, the window.

Export writes a bundle's manifest from these definitions; the runtime wires
the graphs together by these names and needs nothing else.

Legend: Ne exposures in a cycle (2 or 3), F = 2 Ne - 1 frames in a window,
I = Ne - 1 interpolated frames, N = 4 Ne - 2 candidates, C_l channels at
pyramid level l (level l is 2^-l of the frame's size).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1

Precision = Literal["fp32", "fp16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")
# "compute" is float16 in an fp16 graph and float32 in an fp32 graph. Frames,
# flows, exposures and radiance stay float32 in both: an FP16 flow of 100 px
# has a step of 1/16 px, and 8-bit black is below FP16's smallest normal.
TensorType = Literal["float32", "compute"]

EXTRACT, FLOW, FUSE = "film_extract", "film_flow", "film_fuse"
FILM, LRHDR, LRHDR_MASKS = "film", "lrhdr", "lrhdr_masks"

MANIFEST, WEIGHTS, GOLDENS = "manifest.json", "weights.safetensors", "goldens.npz"

# Two operators of our own, each with an ONNX function body: a runtime with the plugin library
# runs that, every other the body. `lrhdr` fuses, `lrhdr_masks` shows the masks.
PLUGIN_DOMAIN, PLUGIN_VERSION = "lrhdr", "1"
ENTMAX_OP, FUSION_OP = "Entmax", "EntmaxFusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input or output. Dimensions are numbers or "H", "W", "H/4", "W/4", ..."""

    name: str
    shape: tuple[str, ...]
    dtype: TensorType = "float32"
    range: tuple[float, float] | None = None

    def sized(self, height: int, width: int) -> tuple[int, ...]:
        """The shape for frames of a size that the model's multiple divides."""
        return tuple(_dimension(text, height, width) for text in self.shape)

    def type_at(self, precision: Precision) -> Literal["float32", "float16"]:
        """The element type in a graph of this precision, as numpy names it."""
        return "float16" if self.dtype == "compute" and precision == "fp16" else "float32"


def _dimension(text: str, height: int, width: int) -> int:
    base, _, divisor = text.partition("/")
    sides = {"H": height, "W": width}
    return sides[base] // int(divisor or 1) if base in sides else int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolation:
    """One interpolated frame of a window: FILM between slots `a` and `b` at `time` from a to b."""

    a: int
    b: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The frames that one output needs: slot k holds frame t + offsets[k]."""

    exposures: int
    offsets: tuple[int, ...]
    interpolations: tuple[Interpolation, ...]

    @property
    def frames(self) -> int:
        """F, the number of slots."""
        return len(self.offsets)

    @property
    def reference(self) -> int:
        """The slot of the frame that is reconstructed."""
        return self.offsets.index(0)

    @property
    def candidates(self) -> int:
        """N: every frame, every interpolated frame, and ACCR's output for each exposure."""
        return self.frames + len(self.interpolations) + self.exposures

    @property
    def candidate_names(self) -> tuple[str, ...]:
        """Names in mask order: frames, interpolated frames, ACCR outputs (reference first)."""
        frames = tuple("L(t)" if o == 0 else f"L(t{o:+d})" for o in self.offsets)
        count = len(self.interpolations)
        films = tuple("film" + "ab"[i] if count > 1 else "film" for i in range(count))
        accrs = ("accr(t)", *(f"accr({name})" for name in films))
        return frames + films + accrs


WINDOWS: dict[int, Window] = {
    2: Window(
        exposures=2,
        offsets=(-1, 0, 1),
        interpolations=(Interpolation(a=0, b=2, time=0.5),),
    ),
    3: Window(
        exposures=3,
        offsets=(-2, -1, 0, 1, 2),
        interpolations=(
            Interpolation(a=0, b=3, time=2 / 3),
            Interpolation(a=1, b=4, time=1 / 3),
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramids:
    """What the interpolator's graphs exchange.

    channels[l] is C_l, image and features together. Plain FILM hands over
    flows from `finest_flow` to `fusion_levels - 1`. A `guided` one corrects
    the finest flow by the reference frame and derives the coarser from it.
    """

    channels: tuple[int, ...]
    fusion_levels: int
    finest_flow: int
    guided: bool

    @property
    def flow_levels(self) -> range:
        """Levels whose flow `film_flow` hands to `film_fuse`."""
        return range(self.finest_flow, self.finest_flow + 1 if self.guided else self.fusion_levels)


def _size(level: int) -> tuple[str, str]:
    return ("H", "W") if level == 0 else (f"H/{2**level}", f"W/{2**level}")


def _image(name: str) -> Tensor:
    return Tensor(name=name, shape=("1", "3", "H", "W"), range=(0.0, 1.0))


def _pyramid(prefix: str, p: Pyramids, levels: range) -> list[Tensor]:
    return [
        Tensor(
            name=f"{prefix}_{level}",
            shape=("1", str(p.channels[level]), *_size(level)),
            dtype="compute",
        )
        for level in levels
    ]


def _flows(p: Pyramids) -> list[Tensor]:
    return [
        Tensor(name=f"flow_{way}_{level}", shape=("1", "2", *_size(level)))
        for way in ("ab", "ba")
        for level in p.flow_levels
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Inputs and outputs of one graph, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def signatures(exposures: Literal[2, 3] | int, p: Pyramids) -> dict[str, Signature]:
    """Every graph of a bundle by name.

    Exposures are e >= 1, relative to the shortest. `film_fuse` takes those of
    the reference and of the interpolated frame; `lrhdr` those of every slot.
    """
    window = WINDOWS[exposures]
    everything = range(len(p.channels))
    flow_in = range(p.finest_flow, len(p.channels))
    fuse_in = range(p.fusion_levels)
    time = Tensor(name="time", shape=("1",), range=(0.0, 1.0))
    guide = [_image("reference"), Tensor(name="exposures", shape=("2",))] if p.guided else []
    frames = [_image(f"frame_{k}") for k in range(window.frames)]
    films = [_image(f"interpolated_{k}") for k in range(len(window.interpolations))]
    hdr = _image("hdr")
    masks = Tensor(name="masks", shape=("1", str(window.candidates), "H", "W"), range=(0.0, 1.0))
    lrhdr_inputs = (*frames, *films, Tensor(name="exposures", shape=(str(window.frames),)))
    return {
        EXTRACT: Signature(
            inputs=(_image("frame"),), outputs=tuple(_pyramid("pyramid", p, everything))
        ),
        FLOW: Signature(
            inputs=(*_pyramid("a", p, flow_in), *_pyramid("b", p, flow_in)),
            outputs=tuple(_flows(p)),
        ),
        FUSE: Signature(
            inputs=(
                *_pyramid("a", p, fuse_in),
                *_pyramid("b", p, fuse_in),
                *_flows(p),
                time,
                *guide,
            ),
            outputs=(_image("interpolated"),),
        ),
        FILM: Signature(
            inputs=(_image("a"), _image("b"), time, *guide), outputs=(_image("interpolated"),)
        ),
        LRHDR: Signature(inputs=lrhdr_inputs, outputs=(hdr,)),
        LRHDR_MASKS: Signature(inputs=lrhdr_inputs, outputs=(hdr, masks)),
    }
