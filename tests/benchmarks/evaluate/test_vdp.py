"""The optional meters: what they hand over, and what they say where they cannot run."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import InputError, LrhdrError
from lrhdr_benchmarks.evaluate.hdrvdp2 import HdrVdp2
from lrhdr_benchmarks.evaluate.measures import Domains
from lrhdr_benchmarks.evaluate.vdp import open_cvvdp

A, B = (Domains.of(picture) for picture in np.random.default_rng(1).random((2, 5, 7, 3)))

# Octave's part by Python: reads what was handed over and prints what it was told to.
OCTAVE = f"""#!{sys.executable}
import struct, sys
script = sys.argv[-1]
assert "[5 7 3]" in script and "30" in script and "FOLDER" in script, script
test = struct.unpack("<105d", open("test", "rb").read())
truth = struct.unpack("<105d", open("truth", "rb").read())
print("warm-up")
print("Q", test[1 + 5 * 2 + 35 * 1], truth[4 + 5 * 6 + 35 * 2])
sys.exit(1)
"""


@pytest.fixture
def metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with hdrvdp.m, and a PATH without octave."""
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "FOLDER" / "hdrvdp.m").touch()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "FOLDER"


def put_octave(metric: Path, text: str) -> None:
    octave = metric.parent / "bin" / "octave-cli"
    octave.write_text(text)
    octave.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a #! line")
def test_octave_gets_the_pictures_columns_first(metric: Path) -> None:
    put_octave(metric, OCTAVE)
    found = HdrVdp2(metric)(A, B)
    assert found == pytest.approx(
        {"hdrvdp2": A.linear[1, 2, 1], "hdrvdp2_srgb": B.linear[4, 6, 2]}, rel=1e-9
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a #! line")
def test_the_first_error_of_octave_is_passed_on(metric: Path) -> None:
    lines = ["warning: slow", "error: imresize undefined", "error: called from"]
    put_octave(metric, f"#!{sys.executable}\nimport sys\nsys.stderr.write({chr(10).join(lines)!r})")
    with pytest.raises(LrhdrError, match="HDR-VDP-2 failed: error: imresize undefined"):
        HdrVdp2(metric)(A, B)


def test_without_octave_or_code_it_is_refused(metric: Path) -> None:
    with pytest.raises(InputError, match="Install GNU Octave"):
        HdrVdp2(metric)
    with pytest.raises(InputError, match=r"hdrvdp\.m is missing"):
        HdrVdp2(metric.parent)


def test_colorvideovdp_gets_light_at_30_pixels_a_degree(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, Any] = {}

    class Metric:
        def __init__(self, **options: Any) -> None:
            calls["metric"] = options

        def predict(self, test: Any, reference: Any, dim_order: str) -> tuple[float, None]:
            calls["pictures"] = test, reference, dim_order
            return 7.5, None

    module: Any = ModuleType("pycvvdp")
    module.cvvdp = Metric
    module.vvdp_display_photo_eotf = lambda **options: options
    module.vvdp_display_geometry = lambda resolution, ppd: ppd
    monkeypatch.setitem(sys.modules, "pycvvdp", module)
    meter, note = open_cvvdp()
    assert meter is not None
    assert meter(A, B) == {"cvvdp": 7.5}
    test, reference, order = calls["pictures"]
    np.testing.assert_allclose(test, A.linear * 1000.0, rtol=1e-6)
    np.testing.assert_allclose(reference, B.linear * 1000.0, rtol=1e-6)
    assert order == "HWC"
    assert calls["metric"]["display_geometry"] == 30.0
    assert calls["metric"]["display_photometry"]["source_colorspace"] == "BT.709-linear"
    assert "30 pixels per degree" in note


@pytest.mark.parametrize("error", [ImportError("no"), RuntimeError("nms does not exist")])
def test_without_a_working_cvvdp_it_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(name: str) -> SimpleNamespace:
        raise error

    monkeypatch.setattr("lrhdr_benchmarks.evaluate.vdp.import_module", fail)
    meter, note = open_cvvdp()
    assert meter is None
    assert "left out" in note
    assert str(error) in note
