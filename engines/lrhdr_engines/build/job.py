"""One plan to be made: what goes into it, its recipe, and the making."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lrhdr.contract import PLUGIN_DOMAIN, Signature, signatures
from lrhdr.errors import BackendError
from lrhdr_engines.build.adapter import TensorRT
from lrhdr_engines.build.forms import Form, precision_of
from lrhdr_engines.build.gpu import current_gpu
from lrhdr_engines.build.network import check_network
from lrhdr_engines.build.nodes import operators
from lrhdr_engines.build.package import cuda_version, open_tensorrt
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.settings import BuildSettings, Report
from lrhdr_engines.build.sizes import Shapes
from lrhdr_engines.build.timing import read_timings, write_timings
from lrhdr_engines.bundle import Bundle

PluginSource = Callable[[], Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The library with our operators, as it was when it was hashed."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One graph for one range of sizes.

    Attributes:
        graph: its name in the contract.
        model: the bytes of its ONNX file.
        signature: what the contract says of it.
        operators: of ours that the file holds; each must become a plugin layer.
        plugin: the library that has them; None if there are none.
        shapes: of the frames, padded.
        form: of the engine.
        settings: how to build.
        tensorrt: what builds.
    """

    graph: str
    model: bytes
    signature: Signature
    operators: tuple[str, ...]
    plugin: Plugin | None
    shapes: Shapes
    form: Form
    settings: BuildSettings
    tensorrt: TensorRT

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        graph: str,
        shapes: Shapes,
        form: Form,
        settings: BuildSettings,
        plugin: PluginSource,
    ) -> Job:
        """Gather the ingredients. Arguments and errors as for `build_engine`."""
        manifest = bundle.manifest
        tensorrt = open_tensorrt(settings.builder)
        model = bundle.graph(graph, precision_of(form)).read_bytes()
        ours = tuple(operators(model, PLUGIN_DOMAIN))
        library = plugin() if ours else None
        return cls(
            graph=graph,
            model=model,
            signature=signatures(manifest.exposures, manifest.pyramids)[graph],
            operators=ours,
            plugin=None if library is None else Plugin(path=library, sha256=_sha256(library)),
            shapes=shapes.padded(manifest.multiple),
            form=form,
            settings=settings,
            tensorrt=tensorrt,
        )

    @property
    def recipe(self) -> Recipe:
        """Everything that makes the plan."""
        settings = self.settings
        gpu = current_gpu() if settings.builder == "tensorrt" else None
        return Recipe(
            graph=self.graph,
            precision=self.form,
            shapes=str(self.shapes),
            onnx_sha256=hashlib.sha256(self.model).hexdigest(),
            plugin_sha256="" if self.plugin is None else self.plugin.sha256,
            builder=settings.builder,
            version=self.tensorrt.version,
            cuda=cuda_version(settings.builder),
            gpu="any" if gpu is None else gpu.name,
            sms=settings.sms if gpu is None else (gpu.sm,),
            optimisation_level=settings.optimisation_level,
            workspace_mb=settings.workspace_mb,
        )

    def build(self, report: Report) -> bytes:
        """Make the plan.

        Raises:
            BackendError: TensorRT misread the graph or failed, or the plugin library is not ours.
        """
        ranges = {tensor.name: self.shapes.of(tensor) for tensor in self.signature.inputs}
        cache = self.settings.timing_cache if self.tensorrt.keeps_timing_cache else None
        # TensorRT's registry and logger belong to the process.
        with self.tensorrt.lock:
            self._load_plugins()
            wide = self.form == "fp16-wide"
            network = self.tensorrt.parse(self.model, self.graph, ranges, wide=wide)
            check_network(
                network, self.graph, self.signature, self.shapes, self.form, self.operators
            )
            built = self.tensorrt.build(
                network,
                self.graph,
                ranges,
                self.settings,
                timing_cache=b"" if cache is None else read_timings(cache, report),
                report=lambda line: report(f"{self.graph}: {line}"),
            )
        if cache is not None and built.timing_cache is not None:
            write_timings(cache, built.timing_cache)
        return built.plan

    def _load_plugins(self) -> None:
        if self.plugin is None:
            return
        wanted = set(self.operators)
        if not wanted <= self.tensorrt.plugins(PLUGIN_DOMAIN):
            self.tensorrt.load_plugins(self.plugin.path, self.plugin.sha256)
        missing = wanted - self.tensorrt.plugins(PLUGIN_DOMAIN)
        if missing:
            raise BackendError(
                f"the plugin library {self.plugin.path} lacks {', '.join(sorted(missing))}",
                expected=f"all of {', '.join(sorted(wanted))}",
                next_step="Build it again with this version: lrhdr-export plugin",
            )


def _sha256(library: Path) -> str:
    try:
        return hashlib.sha256(library.read_bytes()).hexdigest()
    except OSError as error:
        raise BackendError(
            f"the plugin library {library} cannot be read ({error.strerror})",
            next_step="Build it: lrhdr-export plugin",
        ) from error
