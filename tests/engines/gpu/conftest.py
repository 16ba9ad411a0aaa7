"""The tiny model with a golden window, and its engines on a simulated device.

Plans are fake, and their cache is a real one. What a plan would compute is computed by ONNX
Runtime; the loading of plans can be made to fail, and what a graph gives can be spoilt.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.contract import EXTRACT, MANIFEST, PRECISIONS
from lrhdr.errors import BackendError
from lrhdr.manifest import FileEntry
from lrhdr_engines.backends import open_backend
from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.forms import FORMS, Form, precision_of
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.protocol import Buffer, Program, Programs
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedPrograms
from lrhdr_engines.engine import Engine
from lrhdr_engines.gpu.engines import Engines
from lrhdr_engines.reconstruct import Reconstructor
from lrhdr_engines.window import FilledWindow

GPU = Gpu(name="Imagined 4090", sm=89)
Named = Mapping[str, Buffer]


@dataclass(frozen=True, kw_only=True)
class FakeOrder:
    """An order whose plan is its recipe's digest."""

    graph: str
    recipe: Recipe
    built: Counter[str]
    plugin: None = None

    def build(self, report: Callable[[str], None]) -> bytes:
        self.built[self.recipe.filename] += 1
        report(f"{self.graph}: Building")
        return self.recipe.digest.encode()


class MixedPrograms:
    """Each graph in its own form, as far as `engines` has it."""

    def __init__(self, engines: Mapping[Form, Engine], forms: Mapping[str, Form]) -> None:
        self._by = {form: SimulatedPrograms(engine) for form, engine in engines.items()}
        self._forms = forms
        self.name = f"{precision_of(forms[EXTRACT])} by tensorrt-rtx"

    def graph(self, name: str, inputs: Named, outputs: Named) -> Program:
        return self._by[self._forms[name]].graph(name, inputs, outputs)

    def unpack(self, raw: Buffer, image: Buffer) -> Program:
        return self._by["fp32"].unpack(raw, image)

    def pack(self, *given: Any) -> Program:
        return self._by["fp32"].pack(*given)


@dataclass
class Machine:
    """A GPU that is not there: what happened on it, and what shall go wrong."""

    bundle: Bundle
    cpu: Mapping[str, Engine]
    folder: Path
    version: str = "1.7.1"
    built: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    unloadable: Callable[[str], bool] = lambda graph: False
    spoilt: dict[tuple[str, Form], float] = field(default_factory=dict)
    judged: int = 0
    device: SimulatedDevice = field(default_factory=SimulatedDevice)

    def order(self, graph: str, size: Size, form: Form) -> FakeOrder:
        recipe = Recipe(
            graph=graph,
            precision=form,
            shapes=str(size),
            onnx_sha256=self.bundle.manifest.graphs[graph].files[precision_of(form)].sha256,
            builder="tensorrt-rtx",
            version=self.version,
            cuda="13",
            gpu="any",
            sms=(GPU.sm,),
            optimisation_level=None,
            workspace_mb=None,
        )
        return FakeOrder(graph=graph, recipe=recipe, built=self.built)

    def load(self, order: Any, plan: bytes) -> str:
        if self.unloadable(order.graph):
            raise BackendError(f"the engine of {order.graph} does not load: bad magic")
        assert plan == order.recipe.digest.encode()
        return f"context of {order.graph}"

    @property
    def engines(self) -> Engines:
        return Engines(
            order=self.order,
            cache=EngineCache(self.folder),
            load=self.load,
            report=self.lines.append,
        )

    def programs(self, size: Size, forms: Mapping[str, Form]) -> Programs:
        contexts = self.engines.contexts(size, forms)
        assert contexts == {graph: f"context of {graph}" for graph in forms}
        return MixedPrograms({form: self._spoiling(form) for form in FORMS}, forms)

    def reference(self) -> Engine:
        self.judged += 1
        return self.cpu["fp32"]

    def _spoiling(self, form: Form) -> Any:
        engine, spoilt = self.cpu[precision_of(form)], self.spoilt

        class Spoiling:
            manifest, backend = engine.manifest, engine.backend

            def run(self, graph: str, available: Any) -> Any:
                amount = spoilt.get((graph, form), 0.0)
                outputs = engine.run(graph, available)
                return {n: v + np.asarray(amount, v.dtype) for n, v in outputs.items()}

        made = Spoiling()
        made.precision = engine.precision  # type: ignore[attr-defined]
        return made


def with_goldens(tiny: Any, folder: Path) -> Bundle:
    """A copy of the tiny bundle that has a golden window, worked out in float64."""
    shutil.copytree(tiny.folder, folder)
    bundle = Bundle.open(folder, tiny.exposures)
    ev = [0.0, 1.0, 2.0][: tiny.exposures]
    rng = np.random.default_rng(0)
    frames = [rng.integers(60, 256, (24, 32, 3), np.uint8) for _ in range(2 * tiny.exposures - 1)]
    engine = Engine(bundle, open_backend("onnxruntime"), "fp32", threads=1)
    middle = tiny.exposures - 1
    window = FilledWindow(index=middle, slots=tuple(range(len(frames))), frames=tuple(frames))
    films = Reconstructor(engine, ev).reconstruct(window).interpolated
    np.savez(
        folder / "goldens.npz",
        frames=np.stack(frames),
        exposures=np.array([2.0 ** ev[i % len(ev)] for i in range(len(frames))], np.float32),
        interpolated=np.stack(films),
        hdr=tiny.expected(frames, ev, middle).transpose(2, 0, 1),
    )
    manifest = replace(bundle.manifest, goldens=FileEntry.of(folder, "goldens.npz"))
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return Bundle.open(folder, tiny.exposures)


@pytest.fixture(scope="session")
def machines(
    tiny_models: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int, Path], Machine]:
    """`machines(exposures, cache)`: a machine with the tiny model and the engines in `cache`."""
    root = tmp_path_factory.mktemp("goldens")

    @cache
    def parts(exposures: int) -> tuple[Bundle, dict[str, Engine]]:
        bundle = with_goldens(tiny_models[exposures], root / f"tiny-{exposures}e")
        backend = open_backend("onnxruntime")
        return bundle, {p: Engine(bundle, backend, p, threads=1) for p in PRECISIONS}

    def make(exposures: int, folder: Path) -> Machine:
        bundle, cpu = parts(exposures)
        return Machine(bundle=bundle, cpu=cpu, folder=folder)

    return make


@pytest.fixture(params=[2, 3], ids=["2e", "3e"])
def machine(request: pytest.FixtureRequest, machines: Any, tmp_path: Path) -> Machine:
    made: Machine = machines(request.param, tmp_path / "engines")
    return made


@pytest.fixture(scope="session")
def gpu() -> Gpu:
    return GPU
