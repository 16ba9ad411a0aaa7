"""What was found is said in sentences that name the frames."""

from __future__ import annotations

from lrhdr_engines.findings import Findings


def test_nothing_found_says_nothing() -> None:
    assert Findings().sentences() == []
    assert not any(Findings().facts().values())


def test_runs_of_frames_are_drawn_together() -> None:
    found = Findings(concealed=[3, 7, 8, 9], rerun=[5])
    assert found.sentences() == [
        "frames 3, 7-9 damaged in the input, concealed by a neighbour",
        "frame 5 made again in FP32, as the first result could not be trusted",
    ]


def test_a_long_list_is_cut_and_counted() -> None:
    (sentence,) = Findings(held=list(range(0, 40, 2))).sentences()
    assert sentence.startswith("frames 0, 2, 4, 6, 8, 10, 12, 14 and more (20 in all) made")
