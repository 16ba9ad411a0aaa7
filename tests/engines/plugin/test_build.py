"""Finding and building the library, with a compiler that only pretends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.errors import BackendError, InputError
from lrhdr_engines.plugin import (
    ARCHITECTURES,
    LIBRARY,
    Plugin,
    build_plugin,
    find_plugin,
    located_plugin,
    make_plugin,
    parse_architectures,
    plugin_folder,
)
from lrhdr_engines.plugin import find as find_module
from lrhdr_engines.plugin import sources as sources_module
from lrhdr_engines.plugin.record import read_record, sha256_of, sidecar
from lrhdr_engines.plugin.sources import source_folder, source_hash

PTXAS = """\
ptxas info    : Compiling entry function '_Zk1' for 'sm_75'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 40 registers, used 0 barriers
ptxas info    : Compiling entry function '_Zk2' for 'sm_75'
    8 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 96 registers, used 0 barriers
ptxas info    : Compiling entry function '_Zk1' for 'sm_120'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 104 registers, used 0 barriers
"""
# Notes each build; makes a library that differs from build to build, slowly enough to be met.
CMAKE = f"""#!/bin/sh
case "$1" in
  -S) printf '%s\\n' "$@" > "$LOG.arguments" ;;
  *) [ -n "$BROKEN" ] && {{ echo "entmax.cu(3): error: no such thing"; exit 1; }}
     echo built >> "$LOG"; sleep 0.3
     echo '[ 50%] Building CUDA object CMakeFiles/p.dir/entmax_launch.cu.o'
     cat <<'END'
{PTXAS}END
     echo "library $$" > "$2/{LIBRARY}" ;;
esac
"""
NVCC = "#!/bin/sh\necho 'Cuda compilation tools, release 13.0, V13.0.88'\n"
VERSION = """\
#define TRT_MAJOR_ENTERPRISE 10
#define NV_TENSORRT_MAJOR TRT_MAJOR_ENTERPRISE //!< major
#define NV_TENSORRT_MINOR 14
#define NV_TENSORRT_PATCH 1
"""


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toolkit that makes a text file; the cache and the log of builds are in the folder."""
    if sys.platform != "linux":
        pytest.skip("the library is built on Linux")
    tools, headers = tmp_path / "bin", tmp_path / "headers"
    tools.mkdir()
    headers.mkdir()
    for name, text in (("cmake", CMAKE), ("nvcc", NVCC)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (headers / "NvInferRuntime.h").write_text("")
    (headers / "NvInferVersion.h").write_text(VERSION)
    for name in ("LRHDR_PLUGIN", "CUDACXX", "CUDA_HOME", "CUDA_PATH", "BROKEN", "TENSORRT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TENSORRT_INCLUDE", str(headers))
    monkeypatch.setenv("LRHDR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOG", str(tmp_path / "builds"))
    monkeypatch.setattr(find_module, "_PACKAGED", tmp_path / "packaged")
    return tmp_path


def builds(folder: Path) -> int:
    log = folder / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_it_is_built_once_and_found_again(pretended: Path) -> None:
    said: list[str] = []
    assert located_plugin() is None
    path = find_plugin(report=said.append)
    assert path == pretended / "cache" / "plugin" / LIBRARY
    assert find_plugin() == located_plugin() == path
    assert builds(pretended) == 1
    assert any("SM 75, 80, 86, 89, 90, 100, 120 with nvcc 13.0.88" in line for line in said)
    assert "  50% entmax_launch.cu" in said
    arguments = (pretended / "builds.arguments").read_text()
    assert "=75-real;80-real;86-real;89-real;90-real;100-real;120\n" in arguments


def test_the_record_says_what_made_it(pretended: Path) -> None:
    said: list[str] = []
    plugin = make_plugin(pretended / "out", "120,75", said.append)
    assert "  SM 75: 2 kernels, at most 96 registers, 12 bytes spilled" in said
    assert said[-1] == f"use it: export LRHDR_PLUGIN={plugin.path}"
    assert plugin.architectures == (75, 120)
    assert (plugin.nvcc, plugin.headers) == ("13.0.88", "10.14.1")
    assert plugin.sha256 == sha256_of(plugin.path)
    assert plugin.sources == source_hash(source_folder())
    worst = plugin.resources[75]
    assert (worst.kernels, worst.registers, worst.spilled_bytes) == (2, 96, 12)
    assert plugin.resources[120].registers == 104
    assert read_record(plugin.path) == plugin


@pytest.mark.parametrize("damage", ["flipped", "cut", "no sidecar", "other sources", "nonsense"])
def test_what_cannot_be_trusted_is_built_again(pretended: Path, damage: str) -> None:
    path = find_plugin()
    content, facts = path.read_bytes(), json.loads(sidecar(path).read_text())
    if damage == "flipped":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "no sidecar":
        sidecar(path).unlink()
    elif damage == "other sources":
        sidecar(path).write_text(json.dumps(facts | {"sources": "0" * 64}))
    else:
        sidecar(path).write_text("[1]")
    assert located_plugin() is None
    said: list[str] = []
    assert find_plugin(report=said.append) == path
    assert "building it again" in said[0]
    assert builds(pretended) == 2
    assert located_plugin() == path


def test_the_order_is_variable_cache_package(
    pretended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = build_plugin(pretended / "packaged").path
    assert located_plugin() == packaged
    cached = build_plugin(plugin_folder()).path
    assert located_plugin() == cached
    own = pretended / "own.so"
    own.write_text("built by hand")
    monkeypatch.setenv("LRHDR_PLUGIN", str(own))
    assert located_plugin() == own
    own.unlink()
    with pytest.raises(BackendError, match=r"LRHDR_PLUGIN is .*own\.so, which is not a file"):
        find_plugin()
    monkeypatch.setenv("LRHDR_PLUGIN", str(packaged))
    packaged.write_text("something else")
    with pytest.raises(BackendError, match="is not the library that"):
        find_plugin()


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("built", "refused", "taken"),
    [
        ("75", [70], [75, 80, 89, 120]),  # its PTX is compiled for what is newer
        ("120", [75, 89, 90, 100], [120, 121]),
        ("86", [75, 80], [86, 89, 90, 120]),
        ("80,120", [75, 90, 100], [80, 86, 89, 120, 121]),  # machine code of one's own generation
        ("86,120", [80, 90], [86, 89]),
    ],
)
def test_a_library_for_other_gpus_is_refused(
    pretended: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: bool,
    built: str,
    refused: list[int],
    taken: list[int],
) -> None:
    plugin = make_plugin(pretended / "out" if named else None, built, lambda _: None)
    if named:
        monkeypatch.setenv("LRHDR_PLUGIN", str(plugin.path))
    for sm in taken:
        assert find_plugin(sm=sm) == plugin.path
    sms = ", ".join(built.split(","))
    for sm in refused:
        with pytest.raises(BackendError) as refusal:
            find_plugin(sm=sm)
        said = str(refusal.value)
        assert f"is built for SM {sms}, with PTX of SM {plugin.architectures[-1]}" in said
        assert f"code for SM {sm}, the GPU at hand" in said
        assert f"lrhdr-export plugin --sm {sm}" in said
        assert ("unset LRHDR_PLUGIN" in said) is named
    # Where nothing will run it, it may be for any.
    assert find_plugin() == plugin.path
    assert builds(pretended) == 1


@given(
    own=st.lists(st.sampled_from([75, 80, 86, 89, 90, 100, 120]), min_size=1, unique=True),
    sm=st.sampled_from([70, 75, 80, 86, 87, 89, 90, 100, 103, 120, 121]),
)
def test_what_covers_a_gpu_still_does_with_more_architectures_below_the_last(
    own: list[int], sm: int
) -> None:
    def runs(architectures: list[int]) -> bool:
        facts: Any = {"path": Path(), "sha256": "", "sources": "", "nvcc": "", "headers": ""}
        return Plugin(architectures=tuple(architectures), resources={}, **facts).runs_on(sm)

    chosen = sorted(own)
    assert runs([sm])
    if runs(chosen):
        assert runs(sorted({75, *chosen}))
    if sm >= chosen[0] and sm // 10 == chosen[0] // 10:
        assert runs(chosen)
    if sm < chosen[0]:
        assert not runs(chosen)


def test_a_library_without_a_record_is_taken_with_a_note(
    pretended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pretended / "own.so"
    own.write_text("built by hand")
    monkeypatch.setenv("LRHDR_PLUGIN", str(own))
    said: list[str] = []
    assert find_plugin(sm=89, report=said.append) == own
    assert said == [f"{own} has no own.json: whether it is for SM 89 shows when it runs"]


def test_two_processes_build_it_once(pretended: Path) -> None:
    code = "from lrhdr_engines.plugin import find_plugin; print(find_plugin(report=print))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0].decode().splitlines()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert said == [str(plugin_folder() / LIBRARY)] * 3
    assert builds(pretended) == 1
    assert located_plugin() is not None


def test_a_compiler_that_fails_is_quoted(pretended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(BackendError) as caught:
        find_plugin()
    assert "entmax.cu(3): error: no such thing" in str(caught.value)
    log = plugin_folder() / f"{LIBRARY}.log"
    assert str(log) in str(caught.value)
    assert "no such thing" in log.read_text()
    assert located_plugin() is None
    monkeypatch.delenv("BROKEN")
    assert find_plugin().is_file()


@pytest.mark.parametrize("text", ["", "75,", "turing", "75;86", "-75", "7", "61", "6.1"])
def test_architectures_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="expected"):
        parse_architectures(text)


def test_architectures_are_sorted_and_unique() -> None:
    assert parse_architectures(" 120, 7.5,120") == (75, 120)
    assert parse_architectures(",".join(map(str, ARCHITECTURES))) == ARCHITECTURES


def test_sources_of_a_wheel_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (source_folder() / "entmax.h").is_file()
    monkeypatch.setattr(sources_module, "__file__", str(tmp_path / "a" / "b" / "sources.py"))
    with pytest.raises(BackendError, match="sources are neither in"):
        source_folder()
    packaged = tmp_path / "a" / "b" / "src"
    packaged.mkdir(parents=True)
    (packaged / "CMakeLists.txt").write_text("project(x)")
    assert source_folder() == packaged
    first = source_hash(packaged)
    (packaged / "README.md").write_text("no source")
    assert source_hash(packaged) == first
    (packaged / "new.h").write_text("")
    assert source_hash(packaged) != first
