from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.recipe import Recipe

PLAN = bytes(range(256)) * 4

# What every process here begins with: its arguments are the folder and the recipe.
SETUP = """
import sys, time
from pathlib import Path
from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.recipe import Recipe
recipe = eval(sys.argv[2])
cache = EngineCache(Path(sys.argv[1]))
say = lambda line: print(line, flush=True)
"""


def test_a_limit_on_file_size_is_refused(
    python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, recipe: Recipe
) -> None:
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
cache.obtain(recipe, lambda: bytes(100_000), say)
"""
    if os.name != "posix":
        pytest.skip("RLIMIT_FSIZE is POSIX")
    found = python(SETUP + code, str(tmp_path), repr(recipe))
    assert "OutputError" in found.stderr
    assert "the disk is full" in found.stderr
    assert not [file for file in tmp_path.iterdir() if file.suffix != ".lock"]


def test_two_processes_build_once(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, recipe: Recipe
) -> None:
    code = """
def build():
    with open(Path(sys.argv[1]) / "built.txt", "a") as file:
        file.write("x")
    time.sleep(0.5)
    return bytes(range(256)) * 4
for line in sys.stdin: break
entry = cache.obtain(recipe, build, say)
say(f"{entry.built} {len(entry.plan)}")
"""
    processes = [start(SETUP + "import os\n" + code, str(tmp_path), repr(recipe)) for _ in range(4)]
    outputs = [process.communicate("go\n", timeout=60)[0] for process in processes]
    assert (tmp_path / "built.txt").read_text() == "x", outputs
    results = sorted(output.splitlines()[-1] for output in outputs)
    assert results == ["False 1024"] * 3 + ["True 1024"]


def test_one_that_waits_says_so(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, recipe: Recipe
) -> None:
    code = """
def build():
    say("at it")
    for line in sys.stdin: break
    return bytes(10)
say(cache.obtain(recipe, build, say).built)
"""
    first = start(SETUP + code, str(tmp_path), repr(recipe))
    assert first.stdout is not None
    while first.stdout.readline() != "at it\n":
        pass
    second = start(SETUP + code, str(tmp_path), repr(recipe))
    assert second.stdout is not None
    assert second.stdout.readline() == "lrhdr: another process is building it; waiting\n"
    assert first.communicate("\n", timeout=60)[0].endswith("True\n")
    assert second.communicate("\n", timeout=60)[0].endswith("False\n")


@pytest.mark.parametrize("moment", ["building", "writing", "between"])
def test_a_process_killed_in_the_middle(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, recipe: Recipe, moment: str
) -> None:
    code = """
import os
def stop(*ignored):
    say("there")
    time.sleep(60)
def build():
    if sys.argv[3] == "building":
        stop()
    return bytes(range(256)) * 4
real, calls = os.fsync, []
def fsync(descriptor):
    # 1: the plan is written, not renamed. 2: its folder. 3: the sidecar, not renamed.
    calls.append(1)
    if len(calls) == {"writing": 1, "between": 3}.get(sys.argv[3]):
        stop()
    real(descriptor)
os.fsync = fsync
cache.obtain(recipe, build, say)
"""
    process = start(SETUP + code, str(tmp_path), repr(recipe), moment)
    assert process.stdout is not None
    while (line := process.stdout.readline()) != "there\n":
        assert line, "the process ended by itself"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    left = [file.name for file in tmp_path.iterdir()]
    assert any(".part" in name for name in left) == (moment != "building")
    cache = EngineCache(tmp_path)
    began = time.monotonic()
    entry = cache.obtain(recipe, lambda: PLAN, print)
    assert entry.built
    assert time.monotonic() - began < 10, "the dead process still holds the lock"
    assert not [file for file in tmp_path.iterdir() if ".part" in file.name]
    assert cache.obtain(recipe, lambda: b"", print).plan == PLAN
