"""Configuration of the network and its two presets, `paper` and `lite`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lrhdr.contract import WINDOWS, Pyramids

Preset = Literal["paper", "lite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """The interpolator. The defaults are FILM as released (34.4 M parameters).

    Attributes:
        pyramid_levels: levels of the image pyramid.
        fusion_levels: levels that the decoder fuses.
        specialized_levels: decoder widths double up to this level.
        sub_levels: depth of the shared feature sub-tree.
        filters: width of the first convolution.
        flow_convs: 3x3 convolutions of each flow predictor, finest first; the last is shared.
        flow_filters: width of each flow predictor.
        finest_flow: finest level with a flow predictor of its own; finer levels upsample.
        registration: Lucas-Kanade steps before each flow predictor (0: plain FILM).
        blend: the decoder gives weights of the two aligned frames and a residual,
            not the picture itself.
        guide_steps: corrections of the flow by the reference frame (0: plain FILM).
        guide_width: width of a correction's convolutions.
    """

    pyramid_levels: int = 7
    fusion_levels: int = 5
    specialized_levels: int = 3
    sub_levels: int = 4
    filters: int = 64
    flow_convs: tuple[int, ...] = (3, 3, 3, 3)
    flow_filters: tuple[int, ...] = (32, 64, 128, 256)
    finest_flow: int = 0
    registration: int = 0
    blend: bool = False
    guide_steps: int = 0
    guide_width: int = 32

    def __post_init__(self) -> None:
        """Reject plans whose layers could not be shared or connected."""
        if len(self.flow_convs) != len(self.flow_filters):
            raise ValueError(f"flow_convs {self.flow_convs} and flow_filters {self.flow_filters}")
        if self.finest_flow + len(self.flow_filters) < self.sub_levels:
            raise ValueError("the shared flow predictor needs levels of equal width")
        if not self.finest_flow < self.fusion_levels <= self.pyramid_levels:
            raise ValueError("need finest_flow < fusion_levels <= pyramid_levels")
        if self.guide_steps and self.finest_flow != 1:
            raise ValueError("the guide corrects a flow at half resolution: finest_flow must be 1")
        if not self.flow_convs:
            raise ValueError("at least one flow predictor is needed")

    def feature_channels(self, level: int) -> int:
        """Width of the cascaded features at a level."""
        return sum(self.filters << j for j in range(min(level + 1, self.sub_levels)))

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return int(2 ** (self.pyramid_levels - 1))

    @property
    def pyramids(self) -> Pyramids:
        """What the graphs exchange (`lrhdr.contract`)."""
        return Pyramids(
            channels=tuple(3 + self.feature_channels(i) for i in range(self.pyramid_levels)),
            fusion_levels=self.fusion_levels,
            finest_flow=self.finest_flow,
            guided=self.guide_steps > 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrConfig:
    """ACCR (section 3.1). `eic` and `rm` are the ablation switches of Table 2.

    Attributes:
        width: C, channels at half resolution.
        eic: the exposure-aware encoder (off: a plain strided convolution).
        rm: the representation mapper (off: features pass unchanged).
        mix: a 1x1 convolution before HF's channel split, which else mixes R with G sub-pixels.
        residual: decode a residual on T(Gamma(L)) instead of the radiance itself.
        complete: that residual is on a stream whose clipped channels are taken from the others.
        tonemapped_cues: cues as differences of T(Gamma(L)) instead of Gamma(L) (Eq. 8).
    """

    width: int = 64
    eic: bool = True
    rm: bool = True
    mix: bool = False
    residual: bool = False
    complete: bool = False
    tonemapped_cues: bool = False

    def __post_init__(self) -> None:
        """Reject a switch that would do nothing."""
        if self.complete and not self.residual:
            raise ValueError("complete changes what the residual is added to: residual must be on")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApswfConfig:
    """APSWF (section 3.2): U-Net with triplet attention, a head per scale, entmax.

    Attributes:
        widths: channels at 1, 1/2, 1/4, 1/8.
        convs: 3x3 convolutions in each encoder and decoder stage.
        alpha: of entmax.
        dense: Table 3's alternative: one head, sigmoid weights divided by their sum.
        prior: logits are added to those of the classical merge by luma.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    convs: tuple[int, ...] = (2, 2, 2, 2)
    alpha: float = 1.75
    dense: bool = False
    prior: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The whole network for 2 or 3 exposures. `accr=None` is Table 2's Base row."""

    preset: Preset
    exposures: int
    film: FilmConfig
    accr: AccrConfig | None
    apswf: ApswfConfig

    @property
    def candidates(self) -> int:
        """N: 4 Ne - 2 with ACCR, and without its outputs Ne fewer."""
        window = WINDOWS[self.exposures]
        return window.candidates - (0 if self.accr else self.exposures)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, read back by `from_dict`."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ModelConfig:
        """The inverse of `to_dict`, after a trip through JSON as well."""

        def tuples(section: object) -> dict[str, Any]:
            if not isinstance(section, dict):
                raise TypeError(f"a section of the configuration is {section!r}")
            return {k: tuple(v) if isinstance(v, list) else v for k, v in section.items()}

        return ModelConfig(
            preset=data["preset"],
            exposures=data["exposures"],
            film=FilmConfig(**tuples(data["film"])),
            accr=AccrConfig(**tuples(data["accr"])) if data["accr"] else None,
            apswf=ApswfConfig(**tuples(data["apswf"])),
        )


def paper(exposures: int) -> ModelConfig:
    """The network of the paper: released FILM, C = 64, APSWF 32/64/128/256."""
    return ModelConfig(
        preset="paper",
        exposures=exposures,
        film=FilmConfig(),
        accr=AccrConfig(),
        apswf=ApswfConfig(),
    )


def lite(exposures: int) -> ModelConfig:
    """The network that ships: at most 190 GFLOP a megapixel of output (2E, streaming)."""
    return ModelConfig(
        preset="lite",
        exposures=exposures,
        film=FilmConfig(
            pyramid_levels=6,
            fusion_levels=4,
            specialized_levels=2,
            sub_levels=3,
            filters=8,
            flow_convs=(2, 2, 2),
            flow_filters=(24, 32, 48),
            finest_flow=1,
            registration=2,
            blend=True,
            guide_steps=2,
            guide_width=32,
        ),
        accr=AccrConfig(width=16, mix=True, residual=True, complete=True, tonemapped_cues=True),
        apswf=ApswfConfig(widths=(16, 32, 48, 64), convs=(1, 2, 2, 2), prior=True),
    )


def preset(name: Preset, exposures: int) -> ModelConfig:
    """The preset of that name for 2 or 3 exposures."""
    return {"paper": paper, "lite": lite}[name](exposures)


def without(config: ModelConfig, *parts: Literal["accr", "eic", "rm", "sparse"]) -> ModelConfig:
    """An ablation row of Tables 2 and 3: the same network without some parts."""
    accr, apswf = config.accr, config.apswf
    for part in parts:
        if part == "accr":
            accr = None
        elif part == "sparse":
            apswf = replace(apswf, dense=True)
        elif accr is not None:
            accr = replace(accr, eic=False) if part == "eic" else replace(accr, rm=False)
    return replace(config, accr=accr, apswf=apswf)
