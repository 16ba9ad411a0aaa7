"""A clip, and lrhdr-run on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines.cli.run import main
from tests.engines.cli.running import (
    SIZE,
    Outcome,
    Run,
    scene,
    write_video,
)


@pytest.fixture
def run(tiny: Any, capsys: Any) -> Run:
    """Calls the command in this process, with the tiny model unless another is given."""

    def call(*arguments: object) -> Outcome:
        words = [str(word) for word in arguments]
        if "--model" not in words:
            words += ["--model", str(tiny.folder)]
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(words)
        captured = capsys.readouterr()
        return Outcome(int(left.value.code or 0), captured.out, captured.err.splitlines())

    return call


@pytest.fixture(scope="session")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mov", scene(8, *SIZE), True)


@pytest.fixture
def clip(_clip: Path, tmp_path: Path) -> Path:
    """A video of 8 frames, alone in a folder."""
    return Path(shutil.copy(_clip, tmp_path / "clip.mov"))
