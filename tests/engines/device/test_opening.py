"""Which library a name opens, and that nothing of CUDA is imported before. Not run on a GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device import cuda_core, opening, pycuda_device

ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was opened instead of a device."""
    found: list[tuple[str, int]] = []
    for module, kind in ((cuda_core, "CudaCoreDevice"), (pycuda_device, "PycudaDevice")):
        monkeypatch.setattr(module, kind, lambda index, kind=kind: found.append((kind, index)))
    return found


@pytest.mark.parametrize(
    ("name", "installed", "kind"),
    [
        ("cuda-core", [], "CudaCoreDevice"),
        ("pycuda", [], "PycudaDevice"),
        ("auto", ["cuda", "pycuda"], "CudaCoreDevice"),
        ("auto", ["pycuda"], "PycudaDevice"),
        ("auto", [], "CudaCoreDevice"),  # whose error says what to install
    ],
)
def test_names(
    opened: Any, monkeypatch: pytest.MonkeyPatch, name: str, installed: list[str], kind: str
) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda package: package in installed or None)
    opening.open_device(name, 2)
    assert opened == [(kind, 2)]


def test_another_name_is_refused() -> None:
    with pytest.raises(BackendError, match="device library cupy; expected one of: auto, cuda-core"):
        opening.open_device("cupy")


def test_nothing_of_cuda_is_imported_before_a_device_is_opened() -> None:
    modules = ", ".join(
        f"lrhdr_engines.device.{path.stem}"
        for path in Path(opening.__file__).parent.glob("*.py")
        if path.stem != "__init__"
    )
    check = (
        f"import sys, {modules}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'engines'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert "lrhdr_engines" in loaded
    assert not {"cuda", "pycuda", "tensorrt", "tensorrt_rtx", "torch", "onnx"} & set(loaded)
