"""`lrhdr-bench` from the command line, with nothing measured in earnest."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lrhdr_benchmarks.speed import run
from lrhdr_benchmarks.speed.cli import main
from lrhdr_benchmarks.speed.document import facts, load
from tests.benchmarks.speed.results import result
from tests.benchmarks.speed.tools import Lab

Call = Callable[..., int]
FEW = ("--size", "128x64", "--exposures", "2", "--subject", "onnxruntime fp32")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    """What is asked of it instead of measuring."""
    made = Lab()
    monkeypatch.setattr(run, "Tools", made.tools)
    return made


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> Call:
    """call(*arguments): the exit code of the command."""

    def exit_code(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["lrhdr-bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return exit_code


def test_all_three_documents_are_written(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("r.json", "r.html", "r.md")]
    targets = [word for file in files for word in (f"--{_KINDS[file.suffix]}", file)]
    assert call(*FEW, *targets) == 0
    found = load(files[0])
    assert [row.case.subject for row in found.rows] == ["onnxruntime fp32"]
    assert found.command.startswith("lrhdr-bench --size 128x64")
    assert "<svg" in files[1].read_text()
    assert "## Latency by size and subject" in files[2].read_text()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the machine's ceilings" in printed.err


_KINDS = {".json": "json", ".html": "html", ".md": "markdown"}


def test_tables_go_to_stdout_by_default(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*FEW) == 0
    assert capsys.readouterr().out.startswith("# lrhdr-bench\n")


def test_json_on_stdout_is_alone_there(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*FEW, "--json", "-") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rows"][0]["case"]["width"] == 128
    assert "## Latency by size and subject" in printed.err


def test_quick_is_one_size_and_few_rounds(call: Call, lab: Lab) -> None:
    assert call("--quick", "--subject", "merge dis") == 0
    assert [(cases[0].width, cases[0].exposures) for cases, _ in lab.asked] == [(640, 2), (640, 3)]
    assert {settings.rounds for _, settings in lab.asked} == {6}
    assert call("--quick", "--subject", "merge dis", "--rounds", "9", "--size", "160x96") == 0
    last_cases, last_settings = lab.asked[-1]
    assert (last_cases[0].width, last_settings.rounds) == (160, 9)


def test_by_default_six_sizes(call: Call, lab: Lab) -> None:
    assert call("--subject", "merge dis", "--no-entmax", "--exposures", "3") == 0
    widths = [cases[0].width for cases, _ in lab.asked]
    assert widths == [640, 960, 1280, 1920, 2560, 3840]
    assert lab.entmaxes == []


def test_earlier_results_are_shown_again(
    call: Call, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier, page = tmp_path / "r.json", tmp_path / "r.html"
    earlier.write_text(json.dumps(facts(result())))
    assert call("--from", earlier, "--html", page) == 0
    assert lab.asked == []
    assert "RTX 0000" in capsys.readouterr().out
    assert "RTX 0000" in page.read_text()


def test_quality_makes_its_plot(call: Call, tmp_path: Path) -> None:
    quality, page = tmp_path / "q.json", tmp_path / "r.html"
    values = {"all": {"psnr_t": 44.0}, "roles": {"low": {}, "high": {}}}
    quality.write_text(json.dumps({"means": {"raw": {"lite": values}}}))
    assert call(*FEW, "--html", page, "--quality", quality) == 0
    assert "Speed against quality, 2 exposures" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "640"], "the size '640'"),
        (["--size", "0x10"], "the size 0x10"),
        (["--subject", "nothing"], "the subject 'nothing'"),
        (["--model", "no-such-folder"], "neither a shipped model nor a folder"),
        (["--pin", "x"], "--pin x"),
        (["--json", "-", "--markdown", "-"], "--json - and --markdown -"),
        (["--json", "TMP/a", "--html", "TMP/a"], "is named twice"),
        (["--json", "TMP/there"], "--overwrite"),
        (["--markdown", "TMP/there"], "--overwrite"),
        (["--html", "TMP/there"], "--overwrite"),
        (["--html", "TMP/none/r.html"], "mkdir -p"),
        (["--quality", "TMP/there"], "holds no quality"),
        (["--from", "TMP/there"], "is no JSON"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_any_work(
    call: Call,
    lab: Lab,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "there").write_text("")
    assert call(*(word.replace("TMP", str(tmp_path)) for word in arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.strip().splitlines()
    assert line.startswith("lrhdr-bench: ")
    assert message in line
    assert lab.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_files_are_replaced_where_that_is_asked_for(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text("")
    assert call(*FEW, "--json", file, "--overwrite") == 0
    assert load(file).rows


def test_ctrl_c_writes_what_is_there(
    call: Call, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(where: str) -> None:
        if where == "entmax":
            raise KeyboardInterrupt

    lab.stop = stop
    file = tmp_path / "r.json"
    assert call(*FEW, "--json", file) == 130
    found = load(file)
    assert len(found.rows) == 1
    assert "interrupted" in found.settings["ended"]
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_before_anything_is_known_writes_nothing(
    call: Call, lab: Lab, tmp_path: Path
) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    lab.stop = stop
    assert call(*FEW, "--json", tmp_path / "r.json") == 130
    assert list(tmp_path.iterdir()) == []
