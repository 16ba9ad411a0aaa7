"""open_model and lrhdr-run with a GPU's parts replaced: the simulated device for the GPU."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest

from lrhdr.contract import LRHDR
from lrhdr.errors import BackendError, BundleError
from lrhdr_engines import api, open_model
from lrhdr_engines.api import Model
from lrhdr_engines.backends import registry
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.forms import FORMS
from lrhdr_engines.cli.run import main
from lrhdr_engines.gpu import opening
from lrhdr_engines.gpu.model import GpuModel


@pytest.fixture
def imagined(machines: Any, tmp_path: Path, gpu: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine whose "auto" is tensorrt-rtx; `open_gpu_model` runs as it is but for its parts."""
    machine = machines(2, tmp_path / "engines")

    def programs(name: str, contexts: Any, kernels: Any, warm: Any) -> Any:
        assert kernels == "kernels of plugin.so"
        assert contexts == {graph: f"context of {graph}" for graph in STREAMING}
        return machine.programs(None, dict.fromkeys(STREAMING, name.split(" by ")[0]))

    def orders(bundle: Any, builder: str, found: Any, library: Path) -> Any:
        assert (builder, found, str(library)) == ("tensorrt-rtx", gpu, "plugin.so")
        return machine.order

    replaced = {
        "open_device": lambda: machine.device,
        "current_gpu": lambda: gpu,
        "find_plugin": lambda sm, report: Path("plugin.so") if sm == gpu.sm else None,
        "PluginKernels": lambda library: f"kernels of {library}",
        "PlanLoader": SimpleNamespace(
            open=lambda builder, kernels: SimpleNamespace(load=machine.load, save=None)
        ),
        "engines_folder": lambda: machine.folder,
        "orders": orders,
        "TensorRtPrograms": programs,
    }
    for name, value in replaced.items():
        monkeypatch.setattr(opening, name, value)
    for module in (api, registry):  # of a command, and of its model
        monkeypatch.setattr(module, "require_gpu", lambda name: None)
    monkeypatch.setattr(
        api, "resolve_backend", lambda name: "tensorrt-rtx" if name == "auto" else name
    )
    return machine


def frames(count: int = 7) -> list[Any]:
    return list(np.random.default_rng(1).integers(0, 256, (count, 12, 20, 3), np.uint8))


def pixels(exr: Path) -> Any:
    return oiio.ImageBuf(str(exr)).get_pixels(oiio.FLOAT)


@pytest.mark.parametrize("backend", ["auto", "tensorrt-rtx"])
def test_the_model_is_the_gpus(imagined: Any, backend: Any) -> None:
    model = open_model(imagined.bundle.folder, backend=backend, report=imagined.lines.append)
    assert isinstance(model, GpuModel)
    assert (model.engine.precision, model.exposures) == ("fp16", 2)
    assert model.engine.backend.name == "tensorrt-rtx"
    assert model.engine.backend.device == "GPU (Imagined 4090)"
    assert any("judging the engines on the Imagined 4090" in line for line in imagined.lines)
    assert len(list(model.stream(frames(), (0, -3)))) == 7


def test_bfloat16_is_refused_before_the_device_is_opened(imagined: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(opening, "open_device", lambda: pytest.fail("the device was opened"))
    with pytest.raises(BackendError, match=r"--engine bf16 on a GPU; expected auto, fp16 or fp32"):
        open_model(imagined.bundle.folder, backend="tensorrt-rtx", engine="bf16")


def test_what_falls_back_to_fp32_says_so(imagined: Any, monkeypatch: Any) -> None:
    imagined.spoilt = {(graph, form): 0.5 for graph in STREAMING for form in ("fp16", "fp16-wide")}
    model = open_model(imagined.bundle.folder, backend="tensorrt-rtx", report=imagined.lines.append)
    assert model.engine.precision == "fp32"
    assert imagined.lines[-1].startswith(
        "not accurate enough in fp16 on this GPU: film_extract in fp32, "
    )


def test_by_name_a_refusal_is_an_error_and_the_device_is_closed(imagined: Any) -> None:
    imagined.spoilt = {(LRHDR, form): 0.1 for form in FORMS}
    with pytest.raises(BackendError, match=r"does not reproduce the golden window .*max 1"):
        open_model(imagined.bundle.folder, backend="tensorrt-rtx", report=imagined.lines.append)
    assert imagined.device._closed


@pytest.mark.parametrize("why", ["refused", "no plugin"])
def test_auto_falls_back_to_onnxruntime_and_says_why(
    imagined: Any, why: str, monkeypatch: Any, caplog: Any
) -> None:
    def no_plugin(sm: int, report: Any) -> Path:
        raise BackendError("no nvcc was found", next_step="Install the CUDA toolkit")

    if why == "refused":
        imagined.spoilt = {(LRHDR, form): 0.1 for form in FORMS}
    else:
        monkeypatch.setattr(opening, "find_plugin", no_plugin)
    model = open_model(imagined.bundle.folder, report=imagined.lines.append)
    assert isinstance(model, Model)
    assert model.engine.backend.name == "onnxruntime"
    (note,) = caplog.messages
    words = {"refused": "does not reproduce the golden window", "no plugin": "no nvcc was found"}
    assert note.startswith(f"tensorrt-rtx is not used: {'the engine ' * (why == 'refused')}")
    assert words[why] in note
    assert note.endswith("ONNX Runtime runs instead")
    assert imagined.device._closed


def test_a_bundle_that_is_not_there_is_no_reason_to_fall_back(imagined: Any, caplog: Any) -> None:
    with pytest.raises(BundleError, match="nonsense"):
        open_model("nonsense")
    assert caplog.messages == []


def test_lrhdr_run_does_not_care_which_model_it_has(
    imagined: Any, tmp_path: Path, capsys: Any
) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for index, frame in enumerate(frames(9)):
        cv2.imwrite(str(shots / f"{index:03}.png"), frame)

    def run(backend: str) -> tuple[int, str]:
        words = [str(shots), "--model", str(imagined.bundle.folder), "--ev", "0,-3"]
        words += ["--engine", "fp32", "--backend", backend, "-o", str(tmp_path / backend)]
        words += ["--preview", str(tmp_path / f"{backend}.png")]
        words += ["--json", str(tmp_path / f"{backend}.json")]
        with pytest.raises(SystemExit) as left:
            main(words)
        return int(left.value.code or 0), capsys.readouterr().err

    code, said = run("tensorrt-rtx")
    assert code == 0, said
    assert "lrhdr-run: note: lrhdr: building, there is none yet" in said
    assert "lrhdr-run: note: lrhdr: building, size 20x12 instead of 32x24" in said
    assert "fp32 by tensorrt-rtx on the GPU (Imagined 4090)" in said
    assert imagined.device._closed
    assert run("onnxruntime")[0] == 0
    names = sorted(path.name for path in (tmp_path / "onnxruntime").glob("*.exr"))
    assert len(names) == 9
    for name in names:
        ours, plain = (pixels(tmp_path / kind / name) for kind in ("tensorrt-rtx", "onnxruntime"))
        np.testing.assert_array_equal(ours, plain)
    sheets = [(tmp_path / f"{name}.png").read_bytes() for name in ("tensorrt-rtx", "onnxruntime")]
    assert sheets[0] == sheets[1]
    facts = json.loads((tmp_path / "tensorrt-rtx.json").read_text())
    assert facts["model"]["device"] == "GPU (Imagined 4090)"
    assert facts["frames"] == 9
