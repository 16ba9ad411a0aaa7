from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrhdr.contract import EXTRACT, FUSE, LRHDR
from lrhdr.errors import BackendError
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.sizes import Size

SIZE = Size(width=32, height=24)
FP16 = dict.fromkeys(STREAMING, "fp16")


def test_the_first_use_builds_and_says_so(machine: Any) -> None:
    assert list(machine.engines.contexts(SIZE, FP16)) == list(STREAMING)
    assert sum(machine.built.values()) == len(STREAMING)
    for graph in STREAMING:
        began = machine.lines.index(f"{graph}: building, there is none yet")
        assert machine.lines[began + 1] == f"{graph}: Building"
        assert re.fullmatch(rf"{graph}: built in \d+\.\d s, 0\.0 MB", machine.lines[began + 2])


def test_the_second_use_builds_nothing_and_says_nothing(machine: Any) -> None:
    machine.engines.contexts(SIZE, FP16)
    machine.lines.clear()
    machine.engines.contexts(SIZE, FP16)
    assert machine.lines == []
    assert set(machine.built.values()) == {1}


def test_what_differs_is_named_where_it_is_built_again(machine: Any) -> None:
    machine.engines.contexts(SIZE, FP16)
    machine.lines.clear()
    machine.version = "1.8.0"
    machine.engines.contexts(SIZE, FP16)
    for graph in STREAMING:
        assert f"{graph}: building, TensorRT version 1.8.0 instead of 1.7.1" in machine.lines, (
            machine.lines
        )
    machine.engines.contexts(Size(width=64, height=24), FP16)
    assert f"{LRHDR}: building, size 64x24 instead of 32x24" in machine.lines


def test_each_graph_has_its_own_precision(machine: Any) -> None:
    machine.engines.contexts(SIZE, FP16 | {LRHDR: "fp32"})
    kinds = {name.split(".")[0]: name.split(".")[1] for name in machine.built}
    assert kinds == FP16 | {LRHDR: "fp32"}


def test_recipes_are_known_without_building(machine: Any) -> None:
    recipes = machine.engines.recipes(SIZE, "fp16")
    assert [recipe.graph for recipe in recipes] == list(STREAMING)
    assert not machine.built
    assert not machine.folder.exists()


def test_a_kept_plan_that_does_not_load_is_built_again_once(machine: Any) -> None:
    machine.engines.contexts(SIZE, FP16)
    machine.lines.clear()
    refusals = iter([True])
    machine.unloadable = lambda graph: graph == FUSE and next(refusals, False)
    machine.engines.contexts(SIZE, FP16)
    assert [name.split(".")[0] for name, times in machine.built.items() if times > 1] == [FUSE]
    assert machine.lines[0].startswith(f"{FUSE}: the kept engine cannot be used: ")
    assert "bad magic" in machine.lines[0]
    machine.engines.contexts(SIZE, FP16)
    assert max(machine.built.values()) == 2


@pytest.mark.parametrize("kept", [False, True])
def test_a_new_plan_that_does_not_load_is_an_error(machine: Any, kept: bool) -> None:
    if kept:
        machine.engines.contexts(SIZE, FP16)
    machine.unloadable = lambda graph: graph == EXTRACT
    with pytest.raises(BackendError, match=f"engine of {EXTRACT} does not load: bad magic"):
        machine.engines.contexts(SIZE, FP16)
    times = {name.split(".")[0]: count for name, count in machine.built.items()}
    assert times[EXTRACT] == (2 if kept else 1)


def test_another_plan_that_would_serve_is_tried_before_building(machine: Any) -> None:
    machine.engines.contexts(SIZE, FP16)
    order = machine.order(EXTRACT, SIZE, "fp16")
    portable = order.recipe.__class__(**{**_fields(order.recipe), "sms": ()})
    machine.engines.cache.save(portable, order.recipe.digest.encode())
    refusals = iter([True])
    machine.unloadable = lambda graph: graph == EXTRACT and next(refusals, False)
    machine.engines.contexts(SIZE, FP16)
    assert set(machine.built.values()) == {1}


def _fields(recipe: Any) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}


@pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="tensorrt_rtx is not installed: pip install '.[rtx]'",
)
def test_a_real_order_is_built_by_tensorrt_rtx(tmp_path: Path) -> None:
    """In a process of its own: a second copy of TensorRT's library would break the build."""
    code = """
import sys
from pathlib import Path
from lrhdr_engines.build import EngineCache, Size
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.gpu.engines import Engines
from lrhdr_engines.gpu.opening import orders

order = orders(Bundle.open("lite", 2), "tensorrt-rtx", Gpu(name="any", sm=89), Path("no.so"))
for _ in range(2):
    engines = Engines(
        order=order, cache=EngineCache(Path(sys.argv[1])), load=lambda order, plan: plan,
        report=print,
    )
    plan = engines._context("film_extract", Size(width=64, height=64), "fp16")
    recipe = order("film_extract", Size(width=64, height=64), "fp16").recipe
    print(f"{len(plan) > 1000} {recipe.sms} {recipe.precision} {recipe.shapes}")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "film_extract: building, there is none yet"
    assert re.fullmatch(r"film_extract: built in \d+\.\d s, \d+\.\d MB", lines[-3])
    # The second time there is nothing else to say.
    assert lines[-2:] == ["True (89,) fp16 64x64"] * 2
