"""y4m on standard input and output."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av

from tests.engines.cli.running import (
    SIZE,
    Run,
    process,
)


def test_a_pipe_carries_the_video_and_nothing_else(tiny: Any, clip: Path) -> None:
    """y4m on standard output, read by FFmpeg's own parser."""
    child = process(clip, "-o", "y4m:-", "--ev", "0,-3", "--model", tiny.folder)
    assert child.stdout is not None
    video = child.stdout.buffer.read()  # type: ignore[attr-defined]
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    with av.open(io.BytesIO(video), "r", format="yuv4mpegpipe") as container:
        frames = [(f.width, f.height, f.format.name) for f in container.decode(video=0)]
    assert frames == [(64, 48, "yuv420p10le")] * 8


def test_standard_output_takes_one_thing(run: Run, clip: Path) -> None:
    outcome = run(clip, "-o", "y4m:-", "--json", "-", "--ev", "0,-3")
    assert outcome.code == 2
    assert "one of them at most" in outcome.lines[-1]


def test_a_clip_comes_through_a_pipe(run: Run, tiny: Any, clip: Path, tmp_path: Path) -> None:
    """y4m on standard input gives what the same pictures give from a file."""
    y4m = tmp_path / "clip.y4m"
    with av.open(str(clip)) as source, av.open(str(y4m), "w", format="yuv4mpegpipe") as target:
        stream = target.add_stream("wrapped_avframe", rate=24)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame))
    options = ["--ev", "0,-3", "--model", tiny.folder]
    child = process("-", "-o", tmp_path / "pipe", *options, stdin=y4m.open("rb"))
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert run(y4m, "-o", tmp_path / "file", *options).code == 0
    files = sorted((tmp_path / "file").iterdir())
    assert len(files) == 8
    for file in files:
        assert file.read_bytes() == (tmp_path / "pipe" / file.name).read_bytes()
