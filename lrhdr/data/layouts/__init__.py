"""Test sets in the layouts that the field publishes them in, opened as `TestScene`s."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from lrhdr.contract import WINDOWS
from lrhdr.data.layouts.kalantari13 import open_kalantari13
from lrhdr.data.layouts.real import open_real
from lrhdr.data.layouts.scene import Picture, TestScene
from lrhdr.data.layouts.synthetic import open_synthetic
from lrhdr.data.layouts.writer import SceneToWrite, write_synthetic
from lrhdr.errors import InputError

__all__ = [
    "LAYOUTS",
    "Layout",
    "Picture",
    "SceneToWrite",
    "TestScene",
    "open_layout",
    "write_synthetic",
]

Layout = Literal["synthetic", "real", "kalantari13"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_OPEN = {"synthetic": open_synthetic, "real": open_real, "kalantari13": open_kalantari13}


def open_layout(root: Path, layout: Layout, exposures: int) -> list[TestScene]:
    """The scenes of a test set, checked as far as that goes without reading a picture.

    Args:
        root: where the set is; each layout's module says which folders it takes.
        layout: how the set is laid out.
        exposures: in a cycle, 2 or 3; the set's scenes for that many are taken.

    Raises:
        InputError: a list, a picture or the exposures are missing or do not fit together,
            or a scene is too short. It names the file and says what was expected.
    """
    if layout not in LAYOUTS:
        raise InputError(f"the layout {layout!r}", expected=f"one of {', '.join(LAYOUTS)}")
    if exposures not in WINDOWS:
        raise InputError(f"{exposures} exposures", expected="2 or 3")
    if not root.is_dir():
        raise InputError(f"{root} is not a folder", expected=f"the {layout} test set")
    return _OPEN[layout](root, exposures)
