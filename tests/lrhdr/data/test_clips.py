"""Clips: any frame can be had alone, and it is the right one."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.data.clips import Codes, VideoClip, open_clip
from lrhdr.errors import TrainingError

SIZE = (64, 96)
FRAMES = 40

# Containers and codecs with reordered frames, open groups, guessed times.
FORMATS = {
    "closed.mp4": ("libx264", {}),
    "closed.mov": ("libx264", {"bf": "0"}),
    "open.mkv": ("libx264", {"x264-params": "open-gop=1:keyint=12:bframes=3"}),
    "guessed.avi": ("libx264", {}),
    "plain.avi": ("mpeg4", {"bf": "2"}),
    "two.mpg": ("mpeg2video", {"bf": "2"}),
    "one.mpg": ("mpeg1video", {"bf": "2"}),
}


def numbered(number: int, size: tuple[int, int] = SIZE) -> Codes:
    """A picture that shows its number in 8 bands, dark or bright."""
    height, width = size
    bands = np.array([40 + 160 * (number >> bit & 1) for bit in range(8)], np.uint8)
    return np.tile(np.repeat(bands, width // 8)[:, None], (height, 1, 3))


def number_of(picture: Codes) -> int:
    middles = picture[picture.shape[0] // 2, picture.shape[1] // 16 :: picture.shape[1] // 8, 1]
    return int(sum((value > 120) << bit for bit, value in enumerate(middles.tolist())))


def write_clip(
    path: Path,
    pictures: list[Codes],
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.gop_size = "yuv420p", 12
        if options and "bf" in options:
            stream.max_b_frames = int(options["bf"])
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module", params=list(FORMATS))
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VideoClip:
    codec, options = FORMATS[request.param]
    path = tmp_path_factory.mktemp("clips") / request.param
    return open_clip(write_clip(path, [numbered(k) for k in range(FRAMES)], codec, options))


def test_every_frame_is_counted(clip: VideoClip) -> None:
    assert len(clip) == FRAMES
    assert clip.keys[0].index == 0
    assert len(clip.keys) > 3


@settings(max_examples=25)
@given(first=st.integers(0, FRAMES - 1), count=st.integers(1, 9))
def test_any_run_is_exact(clip: VideoClip, first: int, count: int) -> None:
    count = min(count, FRAMES - first)
    assert [number_of(frame) for frame in clip.read(first, count)] == [*range(first, first + count)]


def test_a_run_is_what_decoding_everything_gives(clip: VideoClip) -> None:
    with av.open(str(clip.path)) as container:
        everything = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    for first in (0, 11, 12, 13, 29, FRAMES - 5):
        for frame, expected in zip(clip.read(first, 5), everything[first:], strict=False):
            np.testing.assert_array_equal(frame, expected)


def test_little_is_decoded_for_a_late_run(clip: VideoClip, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[int | None] = []
    decode = VideoClip._decode

    def watched(self: VideoClip, target: object, first: int, count: int) -> list[Codes]:
        starts.append(getattr(target, "index", None))
        return decode(self, target, first, count)  # type: ignore[arg-type]

    monkeypatch.setattr(VideoClip, "_decode", watched)
    clip.read(FRAMES - 3, 3)
    assert all(start is not None and start > FRAMES - 26 for start in starts)


def test_what_is_beyond_the_end_is_an_error(clip: VideoClip) -> None:
    with pytest.raises(TrainingError, match=rf"frames 38 to 42 of .*{clip.path.name} cannot"):
        clip.read(FRAMES - 2, 5)


def test_a_clip_of_one_repeated_picture_is_read_from_its_beginning(tmp_path: Path) -> None:
    # All its keyframes look alike, so none of them tells where it is.
    path = write_clip(tmp_path / "still.avi", [numbered(9)] * 30, "mpeg4")
    clip = open_clip(path)
    assert len(clip.read(25, 5)) == 5


@pytest.mark.parametrize("name", ["text.mp4", "missing.mov"])
def test_what_is_no_video_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(TrainingError, match=rf"{name} cannot be read as a video") as caught:
        open_clip(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    with pytest.raises(TrainingError, match=r"sound\.mkv has no video stream"):
        open_clip(path)


def test_what_was_lost_since_is_an_error_and_the_rest_can_be_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", [numbered(k) for k in range(FRAMES)])
    clip = open_clip(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert [number_of(frame) for frame in clip.read(2, 3)] == [2, 3, 4]
    with pytest.raises(TrainingError, match=r"frames 30 to 34 of .*a\.mkv cannot be decoded"):
        clip.read(30, 5)
