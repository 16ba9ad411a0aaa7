from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import lrhdr.model.config
import lrhdr_engines.build
import lrhdr_export.verify
from lrhdr.contract import MANIFEST, WEIGHTS
from lrhdr.errors import BundleError
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights
from lrhdr_engines.bundle import Bundle
from lrhdr_export.cli import main
from lrhdr_export.shipped import shipped_weights
from lrhdr_export.verify import Measurement


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`lrhdr-export` with arguments, in this process."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr("sys.argv", ["lrhdr-export", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return call


def one_line(outcome: Outcome) -> str:
    """The error, after it was found to be one line of ours."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("lrhdr-export: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def same_weights(a: Path, b: Path) -> bool:
    found, expected = (load_weights(path).state_dict() for path in (a, b))
    return all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.fixture
def checkpoint(exported: Any, tmp_path: Path) -> Path:
    return Path(shutil.copy(exported.folders[2] / WEIGHTS, tmp_path / "trained.safetensors"))


@pytest.mark.usefixtures("traced")
def test_a_checkpoint_becomes_a_bundle_that_verifies(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "my-2e"
    found = command("onnx", "--checkpoint", checkpoint, "-o", out)
    assert (found.code, found.out) == (0, f"{out}\n")
    assert found.err.count(" MB, written\n") == 12
    manifest = Bundle.open(out, 2).manifest
    assert manifest.made["training"] == {"untrained": True, "by": "the tests"}
    verified = command("verify", out)
    assert (verified.code, verified.err) == (0, "")
    assert len(verified.out.splitlines()) == 12
    assert all(line.endswith("  ok") for line in verified.out.splitlines())


@pytest.mark.usefixtures("traced")
def test_untrained_repeats_and_is_named_after_the_model(
    command: Command,
    networks: dict[int, Network],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lrhdr.model.config, "preset", lambda name, n: networks[n].config)
    monkeypatch.chdir(tmp_path)
    first = command("onnx", "--untrained")
    assert (first.code, first.out) == (0, "lite-2e\n")
    second = command("onnx", "--untrained", "--share", "lite-2e", "-o", "again")
    assert second.code == 0
    assert second.err.count(" MB, shared\n") == 12
    made = json.loads(Path("again", MANIFEST).read_text())["made"]
    assert made["training"] == {"untrained": True}
    assert same_weights(Path("again", WEIGHTS), Path("lite-2e", WEIGHTS))


@pytest.mark.usefixtures("traced")
def test_an_existing_output(command: Command, checkpoint: Path, bundle: Path) -> None:
    arguments = ("onnx", "--checkpoint", checkpoint, "-o", bundle)
    assert "tiny-2e exists. Give another -o, or add --overwrite." in one_line(command(*arguments))
    (bundle / "stale").touch()
    assert command(*arguments, "--overwrite").code == 0
    assert not (bundle / "stale").exists()


def test_overwrite_keeps_what_is_no_bundle(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    found = command("onnx", "--checkpoint", checkpoint, "-o", home, "--overwrite")
    assert "home is no bundle and holds thesis.tex; expected" in one_line(found)
    assert (home / "thesis.tex").read_text() == "years of work"


def test_a_missing_checkpoint(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = command("onnx", "--checkpoint", tmp_path / "none.safetensors", "-o", out)
    message = one_line(found)
    assert "none.safetensors cannot be read as weights" in message
    assert "expected a .safetensors file written by lrhdr-train" in message
    assert not out.exists()


def test_a_checkpoint_for_other_exposures(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    arguments = ("onnx", "--checkpoint", checkpoint, "-o", tmp_path / "out")
    message = one_line(command(*arguments, "--exposures", "3"))
    assert "holds lite for 2 exposures; expected lite for 3." in message
    assert "Add --model lite --exposures 2." in message
    assert "expected paper for 2" in one_line(command(*arguments, "--model", "paper"))


def test_official_film_does_not_fit_lite(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    arguments = ("onnx", "--checkpoint", checkpoint, "-o", tmp_path / "out")
    assert "Use --model paper" in one_line(command(*arguments, "--film", tmp_path / "film"))


def test_verifying_what_is_no_bundle(command: Command, tmp_path: Path) -> None:
    assert "no model bundle in" in one_line(command("verify", tmp_path))
    assert "no model bundle in" in one_line(command("verify", tmp_path / "nowhere"))


def test_verifying_a_damaged_bundle(command: Command, bundle: Path) -> None:
    (bundle / WEIGHTS).write_bytes(b"")
    assert "weights.safetensors has 0 bytes" in one_line(command("verify", bundle))


def test_a_breach_exits_with_1(
    command: Command, exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One bound that FP32 cannot keep stands for damaged weights, which test_verify.py has.
    monkeypatch.setattr(lrhdr_export.verify, "FP32_IMAGE_MAX", 0.0)
    found = command("verify", exported.folders[2])
    assert found.code == 1
    verdicts = [line.split()[-1] for line in found.out.splitlines()]
    assert verdicts.count("BREACH") == 4
    assert verdicts.count("ok") == 8
    assert found.err == "lrhdr-export: 4 graphs are out of tolerance.\n"


def test_measurements_are_printed(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = Measurement(graph="film", precision="fp32", error=1e-6, decibels=120.0, passed=True)
    monkeypatch.setattr(lrhdr_export.verify, "verify_bundle", lambda folder: iter([good]))
    found = command("verify", tmp_path)
    assert (found.code, found.out, found.err) == (0, f"{good}\n", "")


def test_film_weights_of_a_text_file(command: Command, tmp_path: Path) -> None:
    source = tmp_path / "film_net_fp32.pt"
    source.write_text("404: Not Found")
    out = tmp_path / "film.safetensors"
    assert "is no TorchScript file" in one_line(command("film-weights", source, "-o", out))
    assert not out.exists()


def test_film_weights_report(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def convert(source: Path, out: Path, *, overwrite: bool) -> int:
        assert (source, out, overwrite) == (Path("in.pt"), Path("out.safetensors"), True)
        return 34_000_000

    monkeypatch.setattr("lrhdr_export.film_weights.convert_film", convert)
    found = command("film-weights", "in.pt", "-o", "out.safetensors", "--overwrite")
    assert (found.code, found.out) == (0, "out.safetensors: 34,000,000 parameters\n")


@pytest.mark.parametrize(
    "arguments",
    [("onnx", "--model", "huge"), ("onnx", "--exposures", "4"), ("verify",), ("nonsense",)],
)
def test_usage(command: Command, arguments: tuple[str, ...]) -> None:
    found = command(*arguments)
    assert found.code == 2
    assert "Traceback" not in found.err
    assert found.err.startswith("Usage: ")


def test_no_weights_ship_for_the_paper(command: Command, tmp_path: Path) -> None:
    with pytest.raises(BundleError) as raised:
        shipped_weights("paper", 2)
    assert str(raised.value) == (
        "no weights ship for paper with 2 exposures. "
        "Train some with lrhdr-train and give --checkpoint, or add --untrained."
    )
    found = command("onnx", "--model", "paper", "-o", tmp_path / "out")
    assert "no weights ship for paper with 2 exposures" in one_line(found)


@pytest.mark.usefixtures("traced")
def test_the_shipped_weights_are_the_default(
    command: Command, exported: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "bundles" / "lite-2e" / WEIGHTS
    shipped.parent.mkdir(parents=True)
    shutil.copy(exported.folders[2] / WEIGHTS, shipped)
    monkeypatch.setattr(lrhdr_engines, "__file__", str(tmp_path / "__init__.py"))
    assert shipped_weights("lite", 2) == shipped
    assert command("onnx", "-o", tmp_path / "out").code == 0
    assert same_weights(tmp_path / "out" / WEIGHTS, shipped)


def test_every_option_of_engine_arrives(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(
        lrhdr_engines.build, "export_engines", lambda bundle, **o: calls.append((bundle, o))
    )
    words = "--size 640x360 --precision fp32 --backend tensorrt --sm 86,89 --profile 1x1,2x2,3x3 "
    words += "--optimisation-level 4 --workspace-mb 512"
    cache = tmp_path / "cache"
    given = command("engine", "my-2e", *words.split(), "--timing-cache", cache, "-o", tmp_path)
    assert given.code == 0
    ((bundle, options),) = calls
    report = options.pop("report")
    report("half way")
    assert bundle == "my-2e"
    assert options == {
        "size": "640x360",
        "precision": "fp32",
        "builder": "tensorrt",
        "sms": "86,89",
        "profile": "1x1,2x2,3x3",
        "optimisation_level": 4,
        "workspace_mb": 512,
        "timing_cache": cache,
        "out": tmp_path,
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("engine lite-2e", "neither --size nor --profile"),
        ("engine lite-2e --size 640", "640"),
        ("engine nowhere --size 640x360", "no model bundle in nowhere"),
        ("engine lite-2e --size 640x360 --precision int8", "the precision int8"),
        ("plugin --sm turing", "turing"),
        ("plugin --sm 61", "architecture 61"),
    ],
)
def test_what_cannot_be_built_is_refused(words: str, expected: str, command: Command) -> None:
    assert expected in one_line(command(*words.split()))


def test_an_unknown_builder_is_named(command: Command) -> None:
    refused = command("engine", "lite-2e", "--size", "64x64", "--backend", "openvino")
    assert refused.code == 2
    assert "tensorrt-rtx" in refused.err
