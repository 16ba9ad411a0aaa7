"""PQ, HLG and SDR against BT.2087, ST 2084, BT.2100, BT.1886 in float64, and the light levels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, get_args

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr_engines.media import OutputSettings, PqPicture
from lrhdr_engines.media.signal import Chroma, Kind, LightMeter, SignalEncoder, checked
from lrhdr_engines.media.signal.kinds import SDR_PEAK_NITS
from lrhdr_engines.media.sink import Tone
from lrhdr_engines.tonemap import curve

# BT.2087-0, to the digits printed there: enough for a quarter of a 10-bit code.
PRINTED = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
KINDS, CHROMAS, DEPTHS = get_args(Kind), get_args(Chroma), (8, 10, 12, 16)
Floats = NDArray[np.float64]


def exact_matrix() -> Floats:
    """BT.709 to BT.2020 through XYZ, from the chromaticities."""

    def to_xyz(corners: list[tuple[float, float]]) -> Floats:
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in corners]).T
        return columns * np.linalg.solve(columns, [0.3127 / 0.3290, 1, 0.3583 / 0.3290])

    bt709 = to_xyz([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)])
    bt2020 = to_xyz([(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)])
    return np.linalg.inv(bt2020) @ bt709


def pq(nits: Floats) -> Floats:
    y = (np.clip(nits, 0, 10000) / 10000) ** 0.1593017578125
    result: Floats = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    return result


def hlg(nits: Floats) -> Floats:
    """The inverse OOTF of a display of 1000 cd/m2, then the OETF, of BT.2100-2 table 5."""
    display = np.maximum(nits, 0) / 1000
    luminance = np.maximum(nits @ [0.2627, 0.6780, 0.0593], 0)[..., None] / 1000
    with np.errstate(divide="ignore", invalid="ignore"):
        scene = np.where(luminance > 0, display * luminance ** ((1 - 1.2) / 1.2), 0)
    scene = np.clip(scene, 0, 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    upper = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


def sdr(nits: Floats, tone: Tone) -> Floats:
    brightest = np.maximum(nits.max(axis=2, keepdims=True), 1e-9)
    shown = np.maximum(nits, 0) * (curve(tone, SDR_PEAK_NITS)(brightest) / brightest)
    result: Floats = np.clip(shown, 0, 1) ** (1 / 2.4)
    return result


def signal_of(kind: Kind, radiance: NDArray[Any], white: float, tone: Tone) -> Floats:
    light = np.asarray(radiance, np.float64) * white
    match kind:
        case "pq":
            return pq(light @ exact_matrix().T)
        case "hlg":
            return hlg(light @ exact_matrix().T)
        case "sdr":
            return sdr(light, tone)


def coded(signal: Floats, kind: Kind, chroma: Chroma, bits: int) -> list[Floats]:
    """Y, Cb, Cr as unrounded codes, with chroma where the standards put it."""
    height, width = signal.shape[:2]
    below, right = height % 2 if chroma == "420" else 0, width % 2 if chroma != "444" else 0
    grown = np.pad(signal, [(0, below), (0, right), (0, 0)], mode="edge")
    kr, kb = (0.2126, 0.0722) if kind == "sdr" else (0.2627, 0.0593)
    r, g, b = np.moveaxis(grown, 2, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    unit = 2 ** (bits - 8)
    planes = [(219 * y + 16) * unit]
    for full in ((b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)):
        plane = (224 * full + 128) * unit
        if chroma != "444":
            p = np.pad(plane, [(0, 0), (1, 1)], mode="edge")
            plane = ((p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]) / 4)[:, ::2]
        if chroma == "420" and kind == "sdr":
            plane = (plane[::2] + plane[1::2]) / 2
        elif chroma == "420":
            p = np.pad(plane, [(1, 1), (0, 0)], mode="edge")
            plane = ((p[:-2] + 2 * p[1:-1] + p[2:]) / 4)[::2]
        planes.append(plane)
    return planes


def output(height: int, width: int) -> OutputSettings:
    return OutputSettings(width=width, height=height, frame_rate=Fraction(24))


def encode(radiance: NDArray[Any], white: float = 203.0, kind: Kind = "pq") -> list[NDArray[Any]]:
    encoder = SignalEncoder(kind, chroma="420", bits=10, white_nits=white)
    return encoder.planes(radiance, output(*radiance.shape[:2]))


def some_light(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Every magnitude from far below the first code to beyond PQ's peak, with all colours."""
    pixels = 10.0 ** rng.uniform(-7, 2, (height, width, 3))
    pixels[rng.random((height, width, 3)) < 0.05] = 0.0
    return pixels.astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chroma", CHROMAS)
@pytest.mark.parametrize("bits", DEPTHS)
@settings(max_examples=6, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 40),
    white=st.sampled_from([100.0, 203.0, 1000.0]),
    tone=st.sampled_from(get_args(Tone)),
    threads=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_within_one_code_of_float64(
    kind: Kind,
    chroma: Chroma,
    bits: int,
    height: int,
    width: int,
    white: float,
    tone: Tone,
    threads: int,
    seed: int,
) -> None:
    radiance = some_light(np.random.default_rng(seed), height, width)
    encoder = SignalEncoder(
        kind, chroma=chroma, bits=bits, white_nits=white, tone=tone, threads=threads
    )
    found = encoder.planes(radiance, output(height, width))
    expected = coded(signal_of(kind, radiance, white, tone), kind, chroma, bits)
    for plane, exact in zip(found, expected, strict=True):
        assert plane.shape == exact.shape
        assert np.abs(plane - np.rint(exact)).max() <= 1


@pytest.mark.parametrize("chroma", CHROMAS)
@pytest.mark.parametrize("bits", DEPTHS)
def test_codes_of_a_gpu_become_the_same_picture(chroma: Chroma, bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 65536, (71, 45, 3), np.uint16)
    picture = PqPicture(codes=codes, brightest_nits=123.4, mean_nits=5.6, repaired=7)
    encoder = SignalEncoder("pq", chroma=chroma, bits=bits, white_nits=203.0)
    found = encoder.planes(picture, output(71, 45))
    for plane, exact in zip(found, coded(codes / 65535, "pq", chroma, bits), strict=True):
        assert np.abs(plane - exact).max() < 0.51
    assert (encoder.meter.brightest, encoder.meter.brightest_mean) == (123.4, 5.6)
    assert encoder.repaired == 7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("bits", "least"), [(8, 0.99), (10, 0.975), (12, 0.999), (16, 0.995)])
def test_most_codes_are_those_of_float64(kind: Kind, bits: int, least: float) -> None:
    # Light that a display can show: outside of it every code is exact.
    rng = np.random.default_rng(bits)
    radiance = (10.0 ** rng.uniform(-4, 0.6, (200, 200, 3))).astype(np.float32)
    found = SignalEncoder(kind, chroma="420", bits=bits, white_nits=203.0).planes(
        radiance, output(200, 200)
    )
    expected = coded(signal_of(kind, radiance, 203.0, "bt2390"), kind, "420", bits)
    for plane, exact in zip(found, expected, strict=True):
        assert np.mean(plane == np.rint(exact)) > least


@pytest.mark.parametrize(
    ("kind", "radiance", "code"),
    [
        *(("pq", 1.0, 573), ("pq", 0.0, 64), ("pq", 1e6, 940), ("hlg", 1.0, 721), ("hlg", 0.0, 64)),
        *(("hlg", 1000 / 203, 940), ("hlg", 1e6, 940), ("sdr", 0.0, 64), ("sdr", 1e6, 940)),
    ],
)
def test_anchors(kind: Kind, radiance: float, code: int) -> None:
    # BT.2408: diffuse white at 203 cd/m2 is PQ 58 % and HLG 75 %. Grey has no chroma.
    y, cb, cr = encode(np.full((4, 6, 3), radiance, np.float32), kind=kind)
    assert np.unique(y).tolist() == [code]
    assert np.unique([cb, cr]).tolist() == [512]


def test_hlg_is_that_of_colour_science() -> None:
    colour = pytest.importorskip("colour")
    rng = np.random.default_rng(0)
    nits = 10.0 ** rng.uniform(-3, 2.9, (50, 50, 3))
    theirs = colour.models.oetf_BT2100_HLG(
        colour.models.ootf_inverse_BT2100_HLG(nits, L_B=0, L_W=1000, gamma=1.2)
    )
    clipped = np.clip(theirs, 0, 1)
    assert np.abs(hlg(nits) - clipped).max() < 1e-6
    assert np.abs(pq(nits) - colour.models.eotf_inverse_ST2084(nits)).max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_negative_radiance_is_black(kind: Kind) -> None:
    y, *_ = encode(np.full((2, 2, 3), -1.0, np.float32), kind=kind)
    assert np.unique(y).tolist() == [64]


def test_primaries_are_converted_not_tagged() -> None:
    # A pure BT.709 red has green and blue in BT.2020, by the matrix as it is printed.
    red = np.zeros((2, 2, 3), np.float32)
    red[..., 0] = 1
    y, _, cr = encode(red)
    merely_tagged = pq(np.array([203.0, 0, 0]))
    assert abs(int(y[0, 0]) - (64 + 876 * 0.2627 * merely_tagged[0])) > 50
    luma = pq(203 * PRINTED[:, 0]) @ [0.2627, 0.6780, 0.0593]
    assert y[0, 0] == pytest.approx(64 + 876 * luma, abs=1)
    assert cr[0, 0] > 512


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", DEPTHS)
def test_frames_hold_the_planes_and_say_what_they_are(kind: Kind, bits: int) -> None:
    radiance = some_light(np.random.default_rng(1), 37, 51)
    encoder = SignalEncoder(kind, chroma="420", bits=bits, white_nits=203.0)
    frame = encoder.frame(radiance, output(37, 51))
    assert frame.format.name == encoder.pixel_format
    assert encoder.pixel_format == ("yuv420p" if bits == 8 else f"yuv420p{bits}le")
    assert (frame.width, frame.height, frame.pts) == (52, 38, None)
    tags = {"pq": (9, 16, 9), "hlg": (9, 18, 9), "sdr": (1, 1, 1)}[kind]
    assert (frame.color_primaries, frame.color_trc, frame.colorspace) == tags
    assert frame.color_range == av.video.reformatter.ColorRange.MPEG
    for plane, codes in zip(frame.planes, encoder.planes(radiance, output(37, 51)), strict=True):
        rows = np.frombuffer(memoryview(plane), codes.dtype).reshape(plane.height, -1)
        np.testing.assert_array_equal(rows[:, : plane.width], codes)


def test_planes_in_memory_are_read_as_they_lie() -> None:
    radiance = some_light(np.random.default_rng(2), 41, 33)
    planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(radiance, 2, 0)), 0, 2)
    cut = np.pad(radiance, [(0, 3), (0, 5), (0, 0)])[:41, :33]
    for same in (planar, cut, radiance[::-1].copy()[::-1]):
        for found, expected in zip(encode(same), encode(radiance), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_threads_change_nothing() -> None:
    radiance = some_light(np.random.default_rng(3), 500, 64)
    settings_ = output(500, 64)
    encoders = [
        SignalEncoder("pq", chroma="420", bits=10, white_nits=203.0, threads=n) for n in (1, 4)
    ]
    one, four = (encoder.planes(radiance, settings_) for encoder in encoders)
    assert [p.tobytes() for p in one] == [p.tobytes() for p in four]
    # A sum, whose order follows where an array happens to lie in memory.
    mean = encoders[1].meter.brightest_mean
    assert encoders[0].meter.brightest_mean == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_light_levels_are_measured(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.uniform(-0.5, scale, (135, 21, 3)) for scale in (1, 4, 60)]
    encoder = SignalEncoder(kind, chroma="420", bits=10, white_nits=203.0)
    matrix = np.eye(3) if kind == "sdr" else PRINTED
    brightest = []
    for frame in frames:
        encoder.planes(frame.astype(np.float32), output(135, 21))
        brightest.append(np.clip(frame @ matrix.T * 203, 0, 10000).max(axis=2))
    assert encoder.meter.brightest == max(b.max() for b in brightest) == 10000
    assert encoder.meter.brightest_mean == pytest.approx(max(b.mean() for b in brightest), abs=1)


def test_light_levels_of_black_are_not_unknown() -> None:
    meter = LightMeter()
    meter.add(0.0, 0.0)
    assert (meter.max_cll, meter.max_fall) == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 63, 64, 65])  # also in rows that two bands see
def test_numbers_that_are_not_finite_are_replaced_and_counted(kind: Kind, at: int) -> None:
    frame = np.full((100, 4, 3), 0.5, np.float32)
    encoder = SignalEncoder(kind, chroma="420", bits=10, white_nits=203.0)
    mended = frame.copy()
    for column, (bad, good) in enumerate([(np.nan, 0), (np.inf, 65504), (-np.inf, 0)]):
        frame[at, column, column], mended[at, column, column] = bad, good
    found = encoder.planes(frame, output(100, 4))
    assert encoder.repaired == 3
    for plane, expected in zip(found, encoder.planes(mended, output(100, 4)), strict=True):
        np.testing.assert_array_equal(plane, expected)
    assert encoder.repaired == 3


@pytest.mark.parametrize("kind", KINDS)
def test_large_but_finite_light_is_white(kind: Kind) -> None:
    y, cb, cr = encode(np.full((2, 2, 3), 3e38, np.float32), kind=kind)
    assert np.unique(y).tolist() == [940]
    assert np.unique([cb, cr]).tolist() == [512]


def test_radiance_is_checked_for_outputs_that_store_it() -> None:
    frame = np.full((2, 3, 3), 1e30, np.float32)  # its squares overflow
    same, bad = checked(frame, output(2, 3))
    assert same is frame
    assert bad == 0
    frame[0, 0] = np.nan, np.inf, -np.inf
    repaired, bad = checked(frame, output(2, 3))
    assert bad == 3
    assert repaired[0, 0].tolist() == [0, 65504, 0]
    np.testing.assert_array_equal(repaired[1], frame[1])
    with pytest.raises(ValueError, match=r"\(3, 2, 3\)"):
        checked(frame, output(3, 2))


def test_what_cannot_be_encoded_is_refused() -> None:
    encoder = SignalEncoder("hlg", chroma="420", bits=10, white_nits=203.0)
    with pytest.raises(ValueError, match=r"\(3, 2, 3\)"):
        encoder.planes(np.zeros((3, 2, 3), np.float32), output(2, 3))
    codes = PqPicture(
        codes=np.zeros((2, 3, 3), np.uint16), brightest_nits=0.0, mean_nits=0.0, repaired=0
    )
    assert not encoder.takes_pq
    with pytest.raises(ValueError, match="PQ codes"):
        encoder.planes(codes, output(2, 3))
    with pytest.raises(ValueError, match="9 bits"):
        SignalEncoder("pq", chroma="420", bits=9, white_nits=203.0)


@pytest.mark.parametrize("axis", [0, 1])
def test_chroma_lies_on_the_top_left_sample(axis: int) -> None:
    # Along an even ramp the filter gives what is at its centre: every other full-size sample.
    steps = np.broadcast_to(np.expand_dims(np.linspace(0.2, 0.8, 64), 1 - axis), (64, 64))
    half = np.full_like(steps, 0.5)
    codes = np.rint(np.stack([steps, half, half], axis=2) * 65535).astype(np.uint16)
    picture = PqPicture(codes=codes, brightest_nits=1.0, mean_nits=1.0, repaired=0)
    chromas: tuple[Chroma, Chroma] = ("420", "444")
    small, large = (
        SignalEncoder("pq", chroma=chroma, bits=16, white_nits=203.0)
        .planes(picture, output(64, 64))[2]
        .astype(int)
        for chroma in chromas
    )
    assert np.abs(small[1:-1, 1:-1] - large[2:-2:2, 2:-2:2]).max() <= 2
    assert np.abs(small[1:-1, 1:-1] - large[3:-2:2, 3:-2:2]).min() > 50
