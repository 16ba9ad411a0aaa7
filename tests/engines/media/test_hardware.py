"""NVDEC: chosen where it gives the same pictures, and otherwise left alone. Not run on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from av.container import InputContainer

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.media import hardware, video
from lrhdr_engines.media.container import open_container
from lrhdr_engines.media.video import VideoSource

if TYPE_CHECKING:
    from tests.engines.media.conftest import Clips


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "why_no_gpu", lambda: None)


@pytest.mark.parametrize(
    ("codec", "pixels", "used"),
    [
        ("libx264", "yuv420p", True),
        ("libx264", "yuv444p", False),
        ("libx264", "yuvj420p", False),
        ("libx265", "yuv420p10le", True),
        ("prores_ks", "yuv422p10le", False),
        ("mjpeg", "yuvj420p", False),
    ],
)
@pytest.mark.usefixtures("gpu")
def test_only_formats_that_stay_the_same(clips: Clips, codec: str, pixels: str, used: bool) -> None:
    path = clips.make("a.mov", codec=codec, pixels=pixels, frames=2)
    with open_container(path) as container:
        stream = container.streams.video[0]
        assert (hardware.nvdec_for(stream, "auto") is not None) == used
        assert hardware.nvdec_for(stream, "cpu") is None
        if not used:
            with pytest.raises(BackendError, match=r"NVDEC cannot decode.*does not take"):
                hardware.nvdec_for(stream, "nvdec")


def test_without_a_gpu(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "why_no_gpu", lambda: "the NVIDIA driver sees no GPU")
    path = clips.make("a.mov", frames=3)
    with VideoSource(path, decoder="auto") as source:
        assert len(list(source.frames())) == 3
    with pytest.raises(BackendError, match="sees no GPU"):
        VideoSource(path, decoder="nvdec")


@pytest.mark.usefixtures("gpu")
def test_the_file_is_opened_for_the_gpu_and_damage_goes_to_the_cpu(
    clips: Clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []

    def spy(path: Any, device: Any = None) -> InputContainer:
        opened.append(device is not None)
        return open_container(path)

    monkeypatch.setattr(video, "open_container", spy)
    path = clips.make("a.mov", codec="libx264", frames=12, options={"g": "4", "bf": "0"})
    with VideoSource(path) as source:
        opened.clear()
        assert len(list(source.frames())) == 12
        assert opened == [True]
        with av.open(str(path)) as container:
            packets = [bytes(p) for p in container.demux(container.streams.video[0])]
        path.write_bytes(path.read_bytes().replace(packets[6], bytes(len(packets[6]))))
        opened.clear()
        assert len(list(source.frames())) == 12
        assert opened == [True, False]


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU: NVDEC would be used")
@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_fails_is_passed_over(clips: Clips) -> None:
    path = clips.make("a.mov", frames=3)
    expected = list(VideoSource(path, decoder="cpu").frames())
    with VideoSource(path) as source:
        for frame, reference in zip(source.frames(), expected, strict=True):
            np.testing.assert_array_equal(frame.rgb, reference.rgb)
    with pytest.raises(BackendError, match="NVDEC does not start"):
        VideoSource(path, decoder="nvdec")
