"""Classical ways to merge a window, without learning: the marks that a model has to beat.

All but `debevec_merge` share one rule. With Y the reference's luma,
H = Gamma(L_t) + w_dark (longer - Gamma(L_t)) + w_bright (shorter - Gamma(L_t)):
`longer` mends what is too dark in the reference, `shorter` what is clipped.
They differ in where `longer` and `shorter` come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS, Window
from lrhdr.errors import InputError
from lrhdr.light import expose, linearise, luma
from lrhdr.metrics import WELL_EXPOSED

Picture = NDArray[np.float32]
Baseline = Callable[[Sequence[Picture], Sequence[float]], Picture]
"""(frames, exposures) -> H. Frames: the window's slots in time order (3 for two exposures, 5 for
three), each (H, W, 3) float32 in gamma space, [0, 1], the reference in the middle. Exposures:
e >= 1 of every slot, relative to the shortest. H: (H, W, 3) float32, linear, [0, 1]."""

# OpenCV's DIS matches 8x8 patches and fails on anything smaller than this.
SMALLEST_SIDE = 9


def reference_only(frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
    """Gamma(L_t) alone: what a camera without alternation has."""
    reference = _window(frames, exposures).reference
    return _radiance(frames[reference], exposures[reference])


def unaligned_merge(frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
    """The merge of the two adjacent frames as they are: ghosts wherever something moves."""
    reference = _window(frames, exposures).reference
    neighbours = (
        (_radiance(frames[k], exposures[k]), exposures[k]) for k in (reference - 1, reference + 1)
    )
    return _merge(frames[reference], exposures[reference], neighbours)


def dis_aligned_merge(frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
    """The merge of the two adjacent frames, each warped to the reference by DIS optical flow."""
    reference = _window(frames, exposures).reference
    frame, exposure = frames[reference], exposures[reference]
    neighbours = (
        (
            _warp(
                _radiance(frames[k], exposures[k]),
                _flow(frame, exposure, frames[k], exposures[k]),
            ),
            exposures[k],
        )
        for k in (reference - 1, reference + 1)
    )
    return _merge(frame, exposure, neighbours)


def dis_midframe_merge(frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
    """The merge with `midframes`."""
    window = _window(frames, exposures)
    shot_at = [exposures[pair.a] for pair in window.interpolations]
    interpolated = zip(midframes(frames, exposures), shot_at, strict=True)
    return _merge(frames[window.reference], exposures[window.reference], interpolated)


def midframes(frames: Sequence[Picture], exposures: Sequence[float]) -> list[Picture]:
    """Radiance interpolated at the reference's time, blind to the reference.

    The flow runs between two frames of one exposure (2E: t-1 and t+1; 3E: the
    pairs that the model interpolates too). Both are warped along it to the time
    of the reference, as if the flow there were the flow at the pair's first
    frame, and averaged with weights by nearness.
    """
    window = _window(frames, exposures)
    interpolated = []
    for pair in window.interpolations:
        exposure = exposures[pair.a]
        flow = _flow(frames[pair.a], exposure, frames[pair.b], exposures[pair.b])
        first = _warp(_radiance(frames[pair.a], exposure), -pair.time * flow)
        second = _warp(_radiance(frames[pair.b], exposures[pair.b]), (1.0 - pair.time) * flow)
        middle = (1.0 - pair.time) * first + pair.time * second
        interpolated.append(middle.astype(np.float32))
    return interpolated


def debevec_merge(frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
    """OpenCV's MergeDebevec of the reference and the two adjacent frames as they are.

    The usual merge of an exposure bracket, in which nothing may move. The frames are rounded
    to 8 bits, as it requires. log H is the mean of log(Gamma(L_k)) over the three frames. A
    frame weighs min(code, 255 - code), averaged over the channels: so a clipped frame counts
    for nothing, but one clipped channel of a coloured light counts as if it were right, and
    is too dark. So is what all three frames clip (their geometric mean).

    The response is the known one, gamma 2.2, and times are e, so H is 1 where the shortest
    exposure saturates; it is clipped to [0, 1].
    """
    reference = _window(frames, exposures).reference
    near = slice(reference - 1, reference + 2)
    codes = [np.rint(np.clip(frame, 0.0, 1.0) * 255.0).astype(np.uint8) for frame in frames[near]]
    levels = np.arange(256) / 255.0
    levels[0] = 0.25 / 255.0  # the middle of what is rounded to 0, which has no logarithm
    response = np.broadcast_to(linearise(levels, 1.0)[:, np.newaxis, np.newaxis], (256, 1, 3))
    merged = cv2.createMergeDebevec().process(
        codes, np.array(exposures[near], np.float32), response.astype(np.float32)
    )
    radiance: Picture = np.clip(merged, 0.0, 1.0).astype(np.float32)
    return radiance


BASELINES: dict[str, Baseline] = {
    "ref": reference_only,
    "merge": unaligned_merge,
    "dis": dis_aligned_merge,
    "dis-mid": dis_midframe_merge,
    "debevec": debevec_merge,
}


def _window(frames: Sequence[Picture], exposures: Sequence[float]) -> Window:
    """The window that these frames fill, after checking them."""
    for window in WINDOWS.values():
        if len(frames) == len(exposures) == window.frames:
            break
    else:
        raise InputError(
            f"a window of {len(frames)} frames with {len(exposures)} exposures",
            expected="3 of each (two exposures) or 5 of each (three exposures)",
        )
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1 or frames[0].ndim != 3 or frames[0].shape[2] != 3:
        raise InputError(f"frames of shapes {sorted(shapes)}", expected="one shape (H, W, 3)")
    return window


def _radiance(frame: Picture, exposure: float) -> Picture:
    return linearise(frame, exposure).astype(np.float32)


def _merge(frame: Picture, exposure: float, others: Iterable[tuple[Picture, float]]) -> Picture:
    """The common rule: `others` are radiances (H, W, 3) with the exposure each was taken at."""
    sides: dict[bool, list[Picture]] = {True: [], False: []}
    for radiance, other in others:
        if other != exposure:
            sides[other > exposure].append(radiance)
    y = luma(frame)[..., np.newaxis]
    low, high = WELL_EXPOSED
    weights = {
        True: np.clip((low - y) / low, 0.0, 1.0),
        False: np.clip((y - high) / (1.0 - high), 0.0, 1.0),
    }
    own = _radiance(frame, exposure)
    merged = own.copy()
    for longer, radiances in sides.items():
        if radiances:
            merged += weights[longer] * (np.mean(radiances, axis=0) - own)
    return merged


def _flow(a: Picture, exposure_a: float, b: Picture, exposure_b: float) -> Picture:
    """(H, W, 2) in pixels, x then y: what a shows at (x, y) is in b at (x, y) + flow."""
    height, width = a.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"optical flow between {width}x{height} frames",
            expected=f"at least {SMALLEST_SIDE} pixels each way",
        )
    longest = max(exposure_a, exposure_b)
    codes_a = _luma_codes(a, exposure_a, longest)
    codes_b = _luma_codes(b, exposure_b, longest)
    flow: Picture = np.zeros((height, width, 2), dtype=np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return dis.calc(codes_a, codes_b, flow).astype(np.float32, copy=False)


def _luma_codes(frame: Picture, exposure: float, target: float) -> NDArray[np.uint8]:
    """8-bit luma of a frame brought to the exposure `target`, so that pairs look alike."""
    exposed = expose(linearise(frame, exposure), target)
    codes: NDArray[np.uint8] = np.rint(luma(exposed) * 255.0).astype(np.uint8)
    return codes


def _warp(radiance: Picture, flow: Picture) -> Picture:
    """Bilinear samples of `radiance` at every pixel + flow, the border replicated."""
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, np.newaxis] + flow[..., 1]
    warped = cv2.remap(radiance, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped.astype(np.float32, copy=False)
