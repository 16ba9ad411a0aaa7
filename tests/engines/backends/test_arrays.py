from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.backends.arrays import Arrays

FLOAT = np.dtype(np.float32)


def test_what_was_let_go_is_used_again() -> None:
    arrays = Arrays((2, 3), FLOAT)
    first = arrays.take()
    place = first.ctypes.data
    second = arrays.take()
    assert second.ctypes.data != place
    assert (first.shape, first.dtype) == ((2, 3), FLOAT)
    del first
    assert arrays.take().ctypes.data == place


def test_a_view_is_enough_to_keep_it() -> None:
    arrays = Arrays((4, 4), FLOAT)
    view = arrays.take()[1:, ::2]
    view[:] = 7.0
    arrays.take()[:] = 0.0
    assert (view == 7.0).all()


def test_what_is_forgotten_is_left_to_whoever_has_it() -> None:
    arrays = Arrays((2,), FLOAT)
    held = arrays.take()
    held[:] = 7.0
    arrays.forget()
    arrays.take()[:] = 0.0
    assert (held == 7.0).all()


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_nobody_gets_what_another_has(turns: list[int]) -> None:
    """A turn >= 0 takes an array; one below drops one of those that are held."""
    arrays = Arrays((3,), FLOAT)
    held: list[Any] = []
    most = 0
    for number, turn in enumerate(turns):
        if turn >= 0 or not held:
            array = arrays.take()
            array[:] = number
            held.append((number, array))
            del array
        else:
            del held[turn % len(held)]
        most = max(most, len(held))
        assert all((array == number).all() for number, array in held)
        assert len(arrays._made) == most
