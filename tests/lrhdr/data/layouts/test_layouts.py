"""The only way in: which layouts there are, and what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrhdr.data.layouts import LAYOUTS, open_layout
from lrhdr.errors import InputError

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_root_that_is_no_folder_is_refused(tmp_path: Path, layout: Any, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{name} is not a folder; expected the {layout} test set"):
        open_layout(tmp_path / name, layout, 2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_is_refused(tmp_path: Path, layout: Any) -> None:
    with pytest.raises(InputError, match=r"\.txt is missing; expected it"):
        open_layout(tmp_path, layout, 3)


@pytest.mark.parametrize("exposures", [1, 4])
def test_other_exposures_are_refused(tmp_path: Path, exposures: int) -> None:
    with pytest.raises(InputError, match=f"{exposures} exposures; expected 2 or 3"):
        open_layout(tmp_path, "real", exposures)


def test_another_layout_is_refused(tmp_path: Path) -> None:
    layout: Any = "imaginary"
    with pytest.raises(InputError, match="'imaginary'; expected one of synthetic, real, kalant"):
        open_layout(tmp_path, layout, 2)


def test_no_torch_is_needed() -> None:
    code = (
        "import sys; sys.modules.update(torch=None, scipy=None); "
        "import lrhdr.data.layouts; print('imported')"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout == "imported\n", found.stderr
