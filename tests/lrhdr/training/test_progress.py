"""What a run tells: log.jsonl, lines for a reader, TensorBoard where it is installed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lrhdr.training.progress import Progress
from tests.lrhdr.training.line import FAST, fit

BOARD = "torch.utils.tensorboard"


class Writer:
    """Stands in for TensorBoard's SummaryWriter: a line an event."""

    def __init__(self, log_dir: str) -> None:
        Path(log_dir).mkdir(parents=True, exist_ok=True)
        self.file = (Path(log_dir) / "events.out.tfevents").open("a")

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        self.file.write(json.dumps([tag, scalar_value, global_step]) + "\n")

    def close(self) -> None:
        self.file.close()


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType(BOARD)
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, BOARD, module)


@pytest.fixture
def no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, BOARD, None)


def feed(progress: Progress) -> None:
    with progress:
        for step, loss in enumerate((4.0, 2.0, 1.0, 0.5), start=1):
            progress.advance(step, {"loss": loss, "recon": 2 * loss})
            if step % 2 == 0:
                progress.log(step, {"psnr": 30.0 + step}, 60.0)


@pytest.mark.usefixtures("no_board")
def test_a_row_has_the_means_since_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(Progress(tmp_path, 0, 4, quiet=False))
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {"step": 2, "seconds_a_step": 60.0, "loss": 3.0, "recon": 6.0, "psnr": 32.0}
    assert second == {"step": 4, "seconds_a_step": 60.0, "loss": 0.75, "recon": 1.5, "psnr": 34.0}
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "step 2: loss 3.0000  psnr 32.00  2 min left",
        "step 4: loss 0.7500  psnr 34.00  0 min left",
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.usefixtures("board")
def test_events_are_written_where_tensorboard_is_installed(tmp_path: Path) -> None:
    feed(Progress(tmp_path, 0, 4, quiet=False))
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert list(map(json.loads, file.read_text().splitlines())) == [
        ["loss/loss", 3.0, 2],
        ["loss/recon", 6.0, 2],
        ["validation/psnr", 32.0, 2],
        ["loss/loss", 0.75, 4],
        ["loss/recon", 1.5, 4],
        ["validation/psnr", 34.0, 4],
    ]


@pytest.mark.usefixtures("board")
def test_all_but_the_first_process_keep_quiet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(tmp_path, 0, 4, quiet=True)
    feed(progress)
    progress.say("something")
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("board")
def test_a_run_writes_both(tmp_path: Path) -> None:
    fit(tmp_path, replace(FAST, steps=4))
    fit(tmp_path, replace(FAST, steps=4))  # a finished run adds nothing
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [2, 4]
    for row in log:
        assert row.keys() == {"step", "seconds_a_step", "loss", "square", "progress", "psnr"}
        assert row["seconds_a_step"] >= 0
    # Progress is k / 4: the mean of steps 2 and 3.
    assert log[1]["progress"] == pytest.approx(2.5 / 4)
    assert log[1]["loss"] == log[1]["square"]
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert len(file.read_text().splitlines()) == 2 * 4


def test_tensorboard_reads_the_events(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    feed(Progress(tmp_path, 0, 4, quiet=False))
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss/loss", "loss/recon", "validation/psnr"}
    assert [(e.step, e.value) for e in events.Scalars("loss/loss")] == [(2, 3.0), (4, 0.75)]


@pytest.mark.usefixtures("no_board")
def test_lines_may_hold_what_rich_reads_as_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Progress(tmp_path, 0, 1, quiet=False).say("stopped [at] /step 3/")
    assert capsys.readouterr().err == "stopped [at] /step 3/\n"
