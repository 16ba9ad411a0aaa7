"""The benchmark moves every frame from one end to the other, and ends when a stage fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import media_throughput
from lrhdr_engines.media import OutputSettings, open_source
from media_throughput import Cost, Radiance, bound, linear, rgb_frames, stages, whole, write_clip

FRAMES = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, 96, 64, FRAMES)
    return path


@pytest.fixture
def settings() -> OutputSettings:
    return OutputSettings(
        width=96, height=64, frame_rate=media_throughput.RATE, encoder="cpu", overwrite=True
    )


def test_every_stage_takes_every_frame(
    clip: Path, settings: OutputSettings, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    for work in stages(clip, f"hdr10:{target}", settings, FRAMES).values():
        work()
    with open_source(target) as source:
        assert sum(1 for _ in source.frames()) == FRAMES
        assert source.info.colour.startswith("BT.2020")


def test_exposures_are_undone(clip: Path) -> None:
    means = [float(np.median(frame)) for frame in linear(rgb_frames(clip))]
    bright, dark = np.mean(means[::2]), np.mean(means[1::2])
    assert bright == pytest.approx(dark, rel=0.3)  # where they were 8 times as far apart


@pytest.mark.parametrize("stage", ["reader", "writer"])
def test_a_stage_that_fails_ends_all(
    clip: Path,
    settings: OutputSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    def failing(*_: object) -> Radiance:
        raise RuntimeError("broken")

    name = {"reader": "rgb_frames", "writer": "open_sink"}[stage]
    monkeypatch.setattr(media_throughput, name, failing)
    with pytest.raises(RuntimeError, match="broken"):
        whole(clip, f"hdr10:{tmp_path / 'out.mkv'}", settings)


def test_what_bounds_is_named() -> None:
    cheap = Cost(wall=0.01, cpu=0.01)
    alone = {"reader": cheap, "linear": cheap, "writer": Cost(wall=1.0, cpu=0.02)}
    assert bound(alone) == "the writer: at most 1.0 a second alone"
    busy = alone | {"writer": Cost(wall=1.0, cpu=100.0)}
    assert "the writer takes 100%" in bound(busy)
