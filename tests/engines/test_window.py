from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError
from lrhdr_engines.window import FilledWindow, SlidingWindow, context

EXPOSURES = st.sampled_from([2, 3])


def stream(
    exposures: int, count: int, start: int = 0, stop: int | None = None
) -> list[FilledWindow[int]]:
    """Push a clip of `count` frames, each its own index, as a reader would."""
    first, end = context(exposures, start, stop)
    sliding = SlidingWindow[int](exposures, first=first, start=start, stop=stop)
    windows: list[FilledWindow[int]] = []
    for frame in range(first, count if end is None else min(count, end)):
        windows += sliding.push(frame)
    return windows + list(sliding.finish())


@given(exposures=EXPOSURES, extra=st.integers(0, 20))
def test_one_window_for_every_frame_in_order(exposures: int, extra: int) -> None:
    count = exposures + extra
    assert [w.index for w in stream(exposures, count)] == list(range(count))


@given(exposures=EXPOSURES, extra=st.integers(0, 20))
def test_slots_hold_the_nearest_frame_of_their_exposure(exposures: int, extra: int) -> None:
    count = exposures + extra
    for window in stream(exposures, count):
        assert window.frames == window.slots
        for slot, offset in zip(window.slots, WINDOWS[exposures].offsets, strict=True):
            wanted = window.index + offset
            assert 0 <= slot < count
            assert slot % exposures == wanted % exposures
            same_exposure = [i for i in range(count) if i % exposures == wanted % exposures]
            assert abs(slot - wanted) == min(abs(i - wanted) for i in same_exposure)


@given(
    exposures=EXPOSURES,
    extra=st.integers(0, 20),
    start=st.integers(0, 20),
    length=st.none() | st.integers(1, 20),
)
def test_a_part_of_a_clip_has_the_windows_of_the_whole(
    exposures: int, extra: int, start: int, length: int | None
) -> None:
    count = exposures + extra
    start = min(start, count - 1)
    stop = None if length is None else start + length
    assert stream(exposures, count, start, stop) == stream(exposures, count)[start:stop]


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_window_comes_as_soon_as_its_last_frame(exposures: int) -> None:
    sliding = SlidingWindow[int](exposures)
    for frame in range(10):
        ready = [window.index for window in sliding.push(frame)]
        assert ready == ([frame - exposures + 1] if frame >= exposures - 1 else [])


@given(exposures=EXPOSURES, count=st.integers(1, 200))
def test_memory_does_not_grow(exposures: int, count: int) -> None:
    sliding = SlidingWindow[int](exposures)
    for frame in range(count):
        sliding.push(frame)
        assert len(sliding._held) <= WINDOWS[exposures].frames


def test_ends_of_a_two_exposure_clip() -> None:
    windows = stream(2, 4)
    assert windows[0].slots == (1, 0, 1)
    assert windows[3].slots == (2, 3, 2)


def test_ends_of_a_three_exposure_clip() -> None:
    windows = stream(3, 5)
    assert windows[0].slots == (1, 2, 0, 1, 2)
    assert windows[1].slots == (2, 0, 1, 2, 3)
    assert windows[4].slots == (2, 3, 4, 2, 3)


@pytest.mark.parametrize(("exposures", "count"), [(2, 0), (2, 1), (3, 0), (3, 2)])
def test_a_clip_shorter_than_a_cycle_is_refused(exposures: int, count: int) -> None:
    with pytest.raises(InputError, match=f"{count} frame.*at least {exposures}"):
        stream(exposures, count)


@pytest.mark.parametrize("start", [10, 11, 12, 50])
def test_a_start_behind_the_end_is_refused(start: int) -> None:
    with pytest.raises(InputError, match=f"ends before frame {start}"):
        stream(2, 10, start)


def test_missing_context_is_refused() -> None:
    with pytest.raises(InputError, match="frames from 4 on"):
        SlidingWindow[int](2, first=5, start=5)
