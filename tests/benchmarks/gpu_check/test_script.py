"""scripts/gpu-check itself, as on a machine without a GPU."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from lrhdr.errors import BackendError
from lrhdr_benchmarks.gpu_check.steps import STEPS
from lrhdr_engines.plugin import LIBRARY, Plugin, build_plugin
from lrhdr_engines.plugin.record import read_record
from lrhdr_engines.plugin.sources import source_folder, source_hash
from tests.engines.plugin.conftest import ARCHITECTURES

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "gpu-check"


@pytest.fixture
def kept(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    """A folder to keep, with the plugin that the plugin's own tests build and use."""
    assert pytestconfig.cache is not None
    shared = Path(str(pytestconfig.cache.mkdir("lrhdr-plugin")))

    def existing() -> Plugin | None:
        found = read_record(shared / LIBRARY)
        return found if found and found.sources == source_hash(source_folder()) else None

    with suppress(BackendError):  # no compiler: the script has to say so
        build_plugin(shared, ARCHITECTURES, existing=existing)
    (tmp_path / "plugin").symlink_to(shared, target_is_directory=True)
    return tmp_path


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_it_goes_as_far_as_it_can(kept: Path) -> None:
    file = kept / "check.json"
    done = script("--json", str(file), "--keep", str(kept))
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads(file.read_text(encoding="utf-8"))
    steps = {step["name"]: step for step in facts["steps"]}
    assert steps["doctor"]["status"] == "passed"
    assert any(row["what"] == "onnxruntime on the CPU" for row in steps["doctor"]["rows"])
    if (kept / "plugin" / LIBRARY).exists():
        assert steps["build"]["status"] == "passed"
        assert steps["build"]["rows"][0]["SM"] == 89
    else:
        assert steps["build"]["status"] == "not run"
    assert list(steps) == [step.name for step in STEPS]
    rest = [step for name, step in steps.items() if name not in ("doctor", "build")]
    assert {step["status"] for step in rest} == {"not run"}
    assert all("NVIDIA" in step["why"] for step in rest)
    assert facts["verdict"] in done.stdout


def test_a_python_that_lacks_packages_is_told(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\ncat >/dev/null\necho av rich\n", encoding="utf-8")
    bare.chmod(0o755)
    done = script(PYTHON=str(bare))
    assert done.returncode == 2
    assert f"Not installed for {bare}: av rich." in done.stderr
    assert script(PYTHON=str(tmp_path / "none")).returncode == 2
