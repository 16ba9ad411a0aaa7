"""The library that nvcc made: what it promises TensorRT, who can load it, what its kernels are."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines.plugin import Plugin
from lrhdr_engines.plugin.toolkit import Toolkit
from tests.engines.plugin.conftest import ARCHITECTURES, missing

HERE = Path(__file__).parent
COUNTS = range(2, 17)
# In a process of its own: a second TensorRT, or a Runtime without a driver, would end it.
LOAD = """
import sys, importlib
trt = importlib.import_module(sys.argv[1])
registry = trt.get_plugin_registry()
assert registry.load_library(sys.argv[2]) is not None
for c in registry.all_creators:
    if c.plugin_namespace == "lrhdr":
        print(c.name, c.plugin_version, *(field.name for field in c.field_names))
"""


def run(*command: Path | str) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_contract(plugin: Plugin, toolkit: Toolkit, compile_cpp: Any) -> None:
    program = compile_cpp(HERE / "contract.cpp", "contract", "-isystem", str(toolkit.headers))
    said = run(program, plugin.path)
    assert int(said.split()[0]) > 300, said


@pytest.mark.parametrize("package", ["tensorrt_rtx", "tensorrt_lean"])
def test_a_registry_finds_both_plugins(package: str, plugin: Plugin) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    found = sorted(run(sys.executable, "-c", LOAD, package, plugin.path).splitlines())
    assert found == ["Entmax 1 alpha axis", "EntmaxFusion 1 alpha images masks"]


def test_it_needs_no_tensorrt_and_shows_five_functions(plugin: Plugin) -> None:
    readelf = shutil.which("readelf")
    if readelf is None:
        missing("no readelf was found")
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run(str(readelf), "-d", plugin.path))
    assert needed
    assert not [name for name in needed if "nvinfer" in name or "cuda" in name]
    symbols = run(str(readelf), "--dyn-syms", "--wide", plugin.path)
    ours = re.findall(r" GLOBAL +DEFAULT +\d+ (\w+)$", symbols, flags=re.MULTILINE)
    assert sorted(ours) == [
        "getCreators",
        "lrhdr_error_text",
        "lrhdr_pack",
        "lrhdr_unpack",
        "setLoggerFinder",
    ]


@pytest.mark.parametrize("sm", ARCHITECTURES)
def test_nothing_spills_and_a_block_fits(plugin: Plugin, sm: int) -> None:
    found = plugin.resources[sm]
    # Two operators, N from 2 to 16, two types, with and without 16-byte access.
    # And the frame kernels: two, of two types each.
    assert found.kernels == 2 * len(COUNTS) * 2 * 2 + 2 * 2
    assert found.spilled_bytes == 0
    assert found.registers <= 255


@pytest.fixture(scope="module")
def accesses(plugin: Plugin, toolkit: Toolkit) -> dict[int, dict[tuple[str, str, int, int], Any]]:
    """By SM and kernel (operator, type, N, V): its loads and stores of global memory."""
    programs = [find_program(toolkit, name) for name in ("cuobjdump", "nvdisasm")]
    if None in programs:
        missing(
            "cuobjdump and nvdisasm were not found beside nvcc; "
            "pip install nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm"
        )
    found: dict[int, dict[tuple[str, str, int, int], Any]] = {}
    sm = 0
    kernel: tuple[str, str, int, int] | None = None
    folders = ":".join(str(program.parent) for program in programs if program)
    listing = subprocess.run(
        [str(programs[0]), "-sass", str(plugin.path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={"PATH": f"{folders}:/usr/bin:/bin"},
    ).stdout
    for line in listing.splitlines():
        if arch := re.match(r"arch = sm_(\d+)", line):
            sm = int(arch[1])
        elif name := re.search(
            r"Function : \w*?(entmax|fusion)_kernelI(\w+?)Li(\d+)ELi(\d+)E", line
        ):
            kernel = (name[1], "f16" if "half" in name[2] else "f32", int(name[3]), int(name[4]))
            found.setdefault(sm, {})[kernel] = Counter()
        elif "Function : " in line:
            kernel = None  # one of the frame kernels
        elif kernel and (access := re.search(r"\b(LDG|STG|LDL|STL)((?:\.\w+)*)", line)):
            width = "128" if ".128" in access[2] else "narrow"
            found[sm][kernel][f"{access[1]} {width}"] += 1
    return found


def find_program(toolkit: Toolkit, name: str) -> Path | None:
    """Beside nvcc, on the PATH, or in NVIDIA's own Python packages."""
    if (beside := toolkit.nvcc.resolve().parent / name).is_file():
        return beside
    if on_path := shutil.which(name):
        return Path(on_path)
    spec = importlib.util.find_spec("nvidia")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(place).glob(f"*/bin/{name}"):
            return path
    return None


@pytest.mark.parametrize("sm", ARCHITECTURES)
def test_every_plane_is_read_and_written_once_by_16_bytes(
    accesses: dict[int, dict[tuple[str, str, int, int], Any]], sm: int
) -> None:
    kernels = accesses[sm]
    assert len(kernels) == 2 * len(COUNTS) * 2 * 2
    for (operator, kind, n, v), counted in kernels.items():
        assert not counted["LDL narrow"] + counted["STL narrow"]  # local memory: a spill
        if v == 1:
            continue
        outputs = 2 if kind == "f16" else 1  # a pack of 8 pixels is two of FP32
        if operator == "entmax":
            assert counted == {"LDG 128": n, "STG 128": n}
        else:
            # Logits, and the candidates of one channel; the masks on request, and a channel.
            assert counted["LDG 128"] == 2 * n
            assert counted["STG 128"] == outputs * (n + 1)
            assert counted["LDG narrow"] <= n  # the exposures
            assert counted["STG narrow"] == 0
