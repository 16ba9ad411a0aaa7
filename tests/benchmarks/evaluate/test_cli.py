"""`lrhdr-eval` from the command line, on a tiny test set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lrhdr_benchmarks.evaluate.cli import main
from lrhdr_benchmarks.evaluate.run import Evaluation

if TYPE_CHECKING:
    from tests.engines.conftest import TinyModel


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Any:
    """call(*arguments): the exit code of the command."""

    def run(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["lrhdr-eval", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return run


@pytest.mark.parametrize("exposures", [2, 3])
def test_models_and_classical_methods_side_by_side(
    call: Any,
    data: Path,
    tiny_bundles: dict[int, TinyModel],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    exposures: int,
) -> None:
    out, page = tmp_path / "figures.json", tmp_path / "report.html"
    options = ["--data", data, "--layout", "synthetic", "--exposures", exposures]
    options += ["--model", tiny_bundles[exposures].folder, "--against", "ref,merge,dis"]
    assert call(*options, "--json", out, "--html", page) == 0
    printed = capsys.readouterr()
    found = json.loads(out.read_text())
    names = [f"tiny-{exposures}e", "ref", "merge", "dis"]
    assert list(found["methods"]) == names
    for name in names:
        assert f"{found['means']['raw'][name]['all']['psnr_t']:.2f}" in printed.out
        assert name in page.read_text()
    assert found["command"].startswith("lrhdr-eval --data")
    assert {row["protocol"] for row in found["frames"]} == {"raw", "masked"}
    if exposures == 2:
        assert len(found["frames"]) == 2 * 4 * 4 * 2  # scenes, frames, methods, protocols
        assert found["flicker"]["scenes"]["resting_2expo"]["static"] > 0.95
        # The reference alone has every second frame clipped at 1/8.
        ratios = found["flicker"]["scenes"]["resting_2expo"]["ratios"]
        assert ratios["ref"] > 3.0 * ratios["merge"]
        # The merge is blind to motion, and the aligned merge is not.
        scenes = {name: found["means"]["raw"][name]["scenes"] for name in names}
        panning, resting = "panning_2expo", "resting_2expo"
        assert scenes["merge"][panning]["psnr_t"] < scenes["merge"][resting]["psnr_t"] - 3.0
    assert "frame" not in printed.out.split("raw:")[0]
    assert sorted(tmp_path.iterdir()) == [out, page]


def test_json_on_stdout_is_alone_there(
    call: Any, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", data, "--layout", "synthetic", "--against", "ref,dis-mid"]
    assert call(*options, "--protocol", "masked", "--scenes", "resting_2expo", "--json", "-") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["scenes"] == "resting_2expo"
    assert list(found["means"]) == ["masked"]
    assert "dis-mid" in printed.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "nothing"], "the method 'nothing'"),
        (["--against", ""], "nothing to measure"),
        (["--model", "no-such-folder"], "neither a shipped model nor a folder"),
        (["--scenes", "sea"], "--scenes 'sea'"),
        (["--layout", "real"], "scene_all.txt is missing"),
        (["--html", "no/such/folder/r.html"], "is not a folder"),
        (["--json", "no/such/folder/r.json"], "mkdir -p"),
        (["--hdrvdp2", "no-such-folder"], "hdrvdp.m is missing"),
        (["--hdrflow", "no-such-folder"], "a clone of HDRFlow"),
        (["--exposures", "3", "--model", "BUNDLE"], "is for 2 exposures"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    call: Any,
    data: Path,
    tiny_bundles: dict[int, TinyModel],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    given = [str(tiny_bundles[2].folder) if word == "BUNDLE" else word for word in options]
    layout = [] if "--layout" in given else ["--layout", "synthetic"]
    assert call("--data", data, *layout, *given) == 2
    said = capsys.readouterr().err
    last = said.strip().splitlines()[-1]
    assert last.startswith("lrhdr-eval: ")
    assert message in last
    assert "Traceback" not in said


def test_a_bundle_is_measured_without_torch(
    data: Path, tiny_bundles: dict[int, TinyModel], tmp_path: Path
) -> None:
    words = ["lrhdr-eval", "--data", str(data), "--layout", "synthetic", "--scenes", "1"]
    words += ["--model", str(tiny_bundles[2].folder), "--json", str(tmp_path / "f.json")]
    code = f"""
import sys
sys.modules.update(dict.fromkeys(("torch", "safetensors", "onnx")))
sys.argv = {words!r}
from lrhdr_benchmarks.evaluate.cli import main
main()
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tiny-2e" in json.loads((tmp_path / "f.json").read_text())["methods"]


def test_a_missing_data_set_is_named(
    call: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--data", tmp_path / "none", "--layout", "kalantari13") == 2
    assert f"{tmp_path / 'none'} is not a folder" in capsys.readouterr().err


def test_ctrl_c_leaves_no_file_and_no_traceback(
    call: Any,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Evaluation, "add", interrupted)
    options = ["--data", data, "--layout", "synthetic", "--json", tmp_path / "f.json"]
    assert call(*options) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
