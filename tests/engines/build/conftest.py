"""Fresh interpreters for what a wrong library would abort, and the plugin library."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.plugin import Plugin
from tests.engines.plugin.conftest import plugin, toolkit  # noqa: F401 (fixtures)

ROOT = Path(__file__).resolve().parents[3]

Python = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that imports this repository and the helpers here."""
    folders = ("", "engines", "tests/engines/build")
    paths = os.pathsep.join(str(ROOT / folder) for folder in folders)
    return os.environ | {"PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"} | more


@pytest.fixture(scope="session")
def python() -> Python:
    """`python(code, *arguments)`: run code in a fresh interpreter; the result as it is."""

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """`start(code, *arguments)`: the same, without waiting for it."""

    def begin(code: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )

    return begin


@pytest.fixture(scope="session")
def rtx() -> None:
    """Skips where TensorRT-RTX is not installed."""
    if importlib.util.find_spec("tensorrt_rtx") is None:
        pytest.skip("tensorrt_rtx is not installed: pip install '.[rtx]'")


@pytest.fixture(scope="session")
def plugin_library(rtx: None, plugin: Plugin) -> Path:  # noqa: F811
    """The plugin library; skipped without nvcc unless LRHDR_REQUIRE_NVCC=1."""
    return plugin.path


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Of some plan."""
    return Recipe(
        graph="lrhdr",
        precision="fp16",
        shapes="1920x1088",
        onnx_sha256="a" * 64,
        plugin_sha256="b" * 64,
        builder="tensorrt-rtx",
        version="1.7.1",
        cuda="13",
        gpu="any",
        sms=(89,),
        optimisation_level=None,
        workspace_mb=None,
    )
