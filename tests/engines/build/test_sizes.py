from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import WINDOWS, signatures
from lrhdr.errors import InputError
from lrhdr_engines.build.settings import BuildSettings, parse_sms, plans
from lrhdr_engines.build.sizes import Shapes, Size
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.padding import pad

sides = st.integers(1, 4096)


@given(width=sides, height=sides)
def test_a_size_is_read_as_it_is_printed(width: int, height: int) -> None:
    size = Size(width=width, height=height)
    assert Size.parse(str(size)) == size


@given(width=st.integers(1, 200), height=st.integers(1, 200), multiple=st.integers(1, 64))
def test_padding_is_that_of_the_frames(width: int, height: int, multiple: int) -> None:
    padded = Size(width=width, height=height).padded(multiple)
    assert pad(np.zeros((height, width), np.uint8), multiple).shape == (
        padded.height,
        padded.width,
    )


@pytest.mark.parametrize("text", ["", "1920", "1920x", "x", "0x5", "5x16385", "-1x5", "1x2x3"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match=r"size .*expected"):
        Size.parse(text)


@pytest.mark.parametrize("text", ["1x1,2x2", "2x2,1x1,3x3", "1x9,2x2,3x3", "1x1,2x2,3x3,4x4"])
def test_what_is_no_profile(text: str) -> None:
    with pytest.raises(InputError, match=r"profile .*MIN,OPT,MAX"):
        Shapes.parse(text)


@pytest.mark.parametrize("exposures", WINDOWS)
def test_the_shapes_of_every_tensor(exposures: int) -> None:
    manifest = Bundle.open("lite", exposures).manifest
    shapes = Shapes.fixed(Size.parse("1920x1080")).padded(manifest.multiple)
    for signature in signatures(exposures, manifest.pyramids).values():
        for tensor in (*signature.inputs, *signature.outputs):
            low, best, high = shapes.of(tensor)
            assert low == best == high
            level = tensor.shape[-1].partition("/")[2] or "1"
            if "W" in tensor.shape[-1]:
                assert best[-2:] == (1088 // int(level), 1920 // int(level))


def test_sms() -> None:
    assert parse_sms("120, sm_75,8.6,86") == (75, 86, 120)
    assert plans((75, 86, 120)) == [(75,), (86, 120)]
    assert plans((89,)) == [(89,)]
    assert plans(()) == [()]
    for text in ("", "ada", "8", "7500"):
        with pytest.raises(InputError, match="compute capability"):
            parse_sms(text)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"builder": "tensorflow"}, "expected tensorrt or tensorrt-rtx"),
        ({"builder": "tensorrt", "sms": (89,)}, "it builds for the GPU it runs on"),
        ({"sms": (89, 75)}, "growing order"),
        ({"optimisation_level": 6}, "expected 0 to 5"),
        ({"workspace_mb": 0}, "workspace of 0 MiB"),
    ],
)
def test_settings_that_make_no_sense(choice: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BuildSettings(**choice)  # type: ignore[arg-type]
