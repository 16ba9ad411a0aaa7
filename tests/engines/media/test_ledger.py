"""The ledger: every picture once, whatever is lost between packets and pictures."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.media.ledger import Ledger

PERIOD, SECOND = Fraction(512), 12800


def ledger(period: Fraction | None = PERIOD) -> Ledger:
    return Ledger(period, SECOND)


@given(
    st.lists(st.sampled_from(["whole", "packet lost", "picture lost"]), min_size=2, max_size=60),
    st.integers(0, 4),
    st.booleans(),
)
def test_the_count_is_right_whatever_is_lost(fates: list[str], delay: int, gaps: bool) -> None:
    if not gaps:  # without a constant rate, a lost packet leaves no trace
        fates = ["picture lost" if fate == "packet lost" else fate for fate in fates]
    fates = ["whole", *fates, "whole"]
    book = ledger(PERIOD if gaps else None)
    placed: list[int] = []
    for index in range(len(fates) + delay):
        if index < len(fates) and fates[index] != "packet lost":
            book.expect(index * 512)
        shown = index - delay  # the decoder holds some pictures back
        if shown >= 0 and fates[shown] == "whole":
            placed += book.place(shown * 512, trouble=True) or []
    assert placed == [index * 512 for index in range(len(fates))]


def test_a_late_picture_has_been_placed_already() -> None:
    book = ledger()
    for pts in (0, 1024, 512):
        book.expect(pts)
    assert book.place(0, trouble=False) == [0]
    assert book.place(1024, trouble=False) == [512, 1024]
    assert book.place(512, trouble=False) is None


def test_two_packets_of_one_time_are_two_pictures() -> None:
    book = ledger()
    book.expect(0)
    book.expect(0)
    assert book.place(0, trouble=False) == [0]
    assert book.place(0, trouble=False) == [0]
    assert book.place(0, trouble=False) is None


def test_a_leap_is_a_loss_only_in_trouble() -> None:
    for trouble, expected in ((False, 1), (True, 39)):
        book = ledger()
        book.expect(0)
        book.place(0, trouble=False)
        book.expect(39 * 512)
        placed = book.place(39 * 512, trouble=trouble)
        assert placed is not None
        assert len(placed) == expected


def test_what_is_due_at_the_end() -> None:
    book = ledger()
    for pts in (0, 512, 1024):
        book.expect(pts)
    book.place(0, trouble=False)
    assert book.rest() == [512, 1024]


def test_a_clock_that_is_set_back_goes_on() -> None:
    book = ledger()
    assert [book.shift(clock) for clock in (0, 512, 20000, 0, 512)] == [0, 0, 0, 20512, 20512]
