"""Radiance .hdr: RGBE's precision, by two readers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from lrhdr_engines.media import OutputSettings, open_sink, parse_output

W, H = 40, 14


def test_light_is_kept_to_eight_bits_of_the_brightest(tmp_path: Path) -> None:
    light = np.random.default_rng(1).lognormal(0.0, 3.0, (H, W, 3)).astype(np.float32)
    light[0, 0] = -1.0, 0.5, 0.0
    given = OutputSettings(width=W, height=H, frame_rate=Fraction(25), timecode="00:00:00:00")
    (tmp_path / "shot").mkdir()
    sink = open_sink(parse_output(str(tmp_path / "shot" / "f_%06d.hdr")), given)
    for index in (3, 4):
        sink.write(index, light, Fraction(index, 25))
    facts = sink.close()
    assert (facts["kind"], facts["frames"]) == ("hdr", 2)
    assert "no time code" in str(facts["notes"])
    file = tmp_path / "shot" / "f_000003.hdr"
    assert file.read_bytes() == file.with_name("f_000004.hdr").read_bytes()
    image = oiio.ImageInput.open(str(file))
    assert image is not None
    by_oiio = np.asarray(image.read_image("float"))
    image.close()
    bgr = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert bgr is not None
    by_opencv = bgr[..., ::-1]
    expected = np.maximum(light, 0.0)
    # One step is 2^-8 of the power of two above the pixel's brightest channel.
    step = 2.0 ** (np.floor(np.log2(expected.max(axis=2, keepdims=True))) + 1 - 8)
    for read in (by_oiio, by_opencv):
        assert (np.abs(read - expected) <= step).all()
