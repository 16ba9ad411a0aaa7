"""Ultra HDR stills."""

from __future__ import annotations

import importlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import OutputError
from lrhdr.light import REFERENCE_WHITE_NITS
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media import ultrahdr as module

W, H = 96, 64


def settings(**changes: Any) -> OutputSettings:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": Fraction(25)}
    return OutputSettings(**given | changes)


def ramp() -> NDArray[np.float32]:
    return np.broadcast_to(np.linspace(0.0, 6.0, W, dtype=np.float32)[:, None], (H, W, 3)).copy()


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OutputError, match=r'imagecodecs.*pip install "lrhdr\[ultrahdr\]"'):
        open_sink(parse_output(f"ultrahdr:{tmp_path / 'a.jpg'}"), settings())
    assert list(tmp_path.iterdir()) == []


def test_the_first_frame_is_an_ordinary_jpeg_and_hdr(tmp_path: Path) -> None:
    codecs = pytest.importorskip("imagecodecs")
    path = tmp_path / "a.jpg"
    sink = open_sink(parse_output(f"ultrahdr:{path}"), settings(white_nits=100.0))
    for index in (5, 6):
        sink.write(index, ramp() * (index == 5), Fraction(index, 25))
    facts = sink.close()
    assert (facts["frames"], facts["path"]) == (1, str(path))
    sdr = cv2.imread(str(path))
    assert sdr is not None
    assert sdr.shape == (H, W, 3)
    assert (np.diff(sdr[H // 2, :, 0].astype(int)) >= -1).all()
    hdr = codecs.ultrahdr_decode(path.read_bytes(), dtype="float16", boost=64.0)[..., :3]
    # 1.0 there is 203 cd/m2. Two JPEGs of 8 bits lie between.
    shown = hdr.astype(np.float32) * REFERENCE_WHITE_NITS / 100.0
    np.testing.assert_allclose(shown[4:-4, 8:-8], ramp()[4:-4, 8:-8], rtol=0.06)
    again = open_sink(parse_output(f"ultrahdr:{path}"), settings(resume=True))
    assert again.next_index > 10**9
    with pytest.raises(OutputError, match="exists"):
        open_sink(parse_output(f"ultrahdr:{path}"), settings())


def test_all_frames(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    sink = open_sink(parse_output(f"ultrahdr:{tmp_path / 's_%06d.jpg'}"), settings())
    for index in (0, 1):
        sink.write(index, ramp(), Fraction(index, 25))
    assert sink.close(complete=False)["frames"] == 2
    (tmp_path / "s_000001.jpg").write_bytes((tmp_path / "s_000001.jpg").read_bytes()[:-9])
    resumed = open_sink(parse_output(f"ultrahdr:{tmp_path / 's_%06d.jpg'}"), settings(resume=True))
    assert resumed.next_index == 1
    resumed.abort()


def test_what_the_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library: white, peak, and an opaque picture."""
    told: dict[str, Any] = {}

    class Codecs:
        class ULTRAHDR:
            available = True

            class CG:
                BT_709 = 0

            class CT:
                LINEAR = 0

        UltrahdrError = RuntimeError

        @staticmethod
        def ultrahdr_encode(pixels: NDArray[np.float16], **options: Any) -> bytes:
            told.update(options, pixels=pixels)
            return b"\xff\xd8\xff\xd9"

    monkeypatch.setattr(module, "_library", Codecs)
    sink = open_sink(parse_output(f"ultrahdr:{tmp_path / 'a.jpg'}"), settings(white_nits=406.0))
    sink.write(0, ramp(), Fraction(0))
    sink.close()
    assert told["nits"] == pytest.approx(6.0 * 406.0, rel=1e-3)
    np.testing.assert_allclose(told["pixels"][..., :3], 2.0 * ramp(), rtol=2**-10)
    assert (told["pixels"][..., 3] == 1.0).all()
