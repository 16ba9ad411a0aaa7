"""The video formats: what each is made of, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lrhdr_engines.media import obu, sei
from lrhdr_engines.media.signal import Chroma, Kind
from lrhdr_engines.media.signal.planes import Layout

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_X26X = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
# An encoder's own messages would repeat its settings; open GOPs would reach over a joint.
_X265 = "log-level=none:info=0:open-gop=0:chromaloc=2"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSpec:
    """One format.

    Attributes:
        codec: the CPU encoder, by FFmpeg's name.
        nvenc: the GPU's encoder of the same codec; None where there is none.
        kind: the transfer function; see `SignalEncoder`, as for `chroma` and `bits`.
        suffixes: of the containers that hold it.
        tag: the codec's tag in MP4 and MOV; None leaves it to the muxer.
        matroska_id: the codec's name in Matroska.
        options: of the CPU encoder.
        private: name and value of the option that hands it parameters of its own.
        presets: the words or numbers for its speed, the default first; () where it has none.
        crf: default, least and greatest quality; None where it has none.
        least_size: the smallest width and height that it takes.
        correct: puts MaxCLL and MaxFALL into an encoded frame that has the placeholders.
    """

    name: str
    codec: str
    nvenc: str | None = None
    kind: Kind = "pq"
    chroma: Chroma = "420"
    bits: int = 10
    suffixes: tuple[str, ...] = (".mp4", ".mov", ".mkv")
    tag: str | None = None
    matroska_id: str
    options: tuple[tuple[str, str], ...] = ()
    private: tuple[str, str] | None = None
    presets: tuple[str, ...] = ()
    crf: tuple[int, int, int] | None = None
    least_size: int = 1
    correct: Callable[[bytes, int, int], bytes] | None = None


def _hevc(name: str, kind: Kind, parameters: str) -> VideoSpec:
    return VideoSpec(
        name=name,
        codec="libx265",
        nvenc="hevc_nvenc",
        kind=kind,
        tag="hvc1",  # Apple's players refuse the default, hev1
        matroska_id="V_MPEGH/ISO/HEVC",
        private=("x265-params", f"{_X265}:{parameters}".rstrip(":")),
        presets=("fast", *_X26X),
        crf=(18, 0, 51),
        least_size=16,
        correct=sei.correct,
    )


def _prores(name: str, profile: str, chroma: Chroma, tag: str) -> VideoSpec:
    return VideoSpec(
        name=name,
        codec="prores_ks",
        chroma=chroma,
        suffixes=(".mov", ".mkv"),
        tag=tag,
        matroska_id="V_PRORES",
        options=(("profile", profile), ("vendor", "apl0")),
    )


VIDEO_FORMATS = {
    spec.name: spec
    for spec in (
        _hevc("hdr10", "pq", f"hdr10=1:{sei.x265_parameters()}"),
        _hevc("hlg", "hlg", ""),
        VideoSpec(
            name="av1",
            codec="libsvtav1",
            nvenc="av1_nvenc",
            suffixes=(".mp4", ".mkv"),
            matroska_id="V_AV1",
            private=("svtav1-params", obu.svt_parameters()),
            presets=("8", *(str(n) for n in range(-2, 14))),
            crf=(25, 0, 63),
            least_size=4,
            correct=obu.correct,
        ),
        _prores("prores", "hq", "422", "apch"),
        _prores("prores4444", "4444", "444", "ap4h"),
        VideoSpec(
            name="ffv1",
            codec="ffv1",
            chroma="444",
            bits=16,
            suffixes=(".mkv",),
            matroska_id="V_FFV1",
            # Every frame on its own, with a checksum of each slice.
            options=(("level", "3"), ("g", "1"), ("slices", "16"), ("slicecrc", "1")),
            least_size=4,
        ),
        VideoSpec(
            name="sdr",
            codec="libx264",
            kind="sdr",
            bits=8,
            matroska_id="V_MPEG4/ISO/AVC",
            presets=("fast", *_X26X),
            crf=(20, 0, 51),
            least_size=2,
        ),
    )
}

# H.273: primaries, transfer, matrix; as the frames have them.
COLOUR: dict[Kind, tuple[int, int, int]] = {
    "pq": (9, 16, 9),  # BT.2020, PQ, BT.2020 non-constant luminance
    "hlg": (9, 18, 9),
    "sdr": (1, 1, 1),  # BT.709
}
LIMITED = 1


def coded_size(width: int, height: int, chroma: Chroma) -> tuple[int, int]:
    """The size with the column and row that subsampled chroma needs.

    4:2:0 cannot describe odd sizes, not even by cropping (H.265, 7.4.3.2.1: the
    conformance window counts chroma samples).
    """
    rows, columns = Layout(chroma=chroma, bits=8, cosited=True).grown(height, width)
    return columns, rows
