from __future__ import annotations

import pytest

from lrhdr import errors
from lrhdr.errors import IncompleteError, InputError, LrhdrError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LrhdrError)
]


@pytest.mark.parametrize(
    ("expected", "next_step", "message"),
    [
        ("", "", "3 frames."),
        ("at least 4", "", "3 frames; expected at least 4."),
        ("", "Give more", "3 frames. Give more."),
        ("at least 4", "Give more", "3 frames; expected at least 4. Give more."),
    ],
)
@pytest.mark.parametrize("stop", ["", "."])
def test_parts_become_one_line(expected: str, next_step: str, message: str, stop: str) -> None:
    def ended(part: str) -> str:
        return part + stop if part else part

    error = LrhdrError("3 frames" + stop, expected=ended(expected), next_step=ended(next_step))
    assert str(error) == message


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_caught_as_lrhdrs_own(kind: type[LrhdrError]) -> None:
    with pytest.raises(LrhdrError, match=r"^x; expected y\. z\.$"):
        raise kind("x", expected="y", next_step="z")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_an_incomplete_result_leaves_with_one(kind: type[LrhdrError]) -> None:
    assert kind.exit_code == (1 if kind is IncompleteError else 2)


def test_an_exposure_is_an_input() -> None:
    assert issubclass(errors.ExposureError, InputError)
