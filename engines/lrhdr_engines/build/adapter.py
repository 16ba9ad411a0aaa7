"""The one place that knows how `tensorrt` 10 and 11 and `tensorrt_rtx` differ.

| | tensorrt 10 | tensorrt 11 | tensorrt_rtx 1.7 |
| --- | --- | --- | --- |
| strong typing | a flag, value 1 | always; flag 0, ignored | always; flag 0, ignored |
| builds for | the GPU at hand | the GPU at hand | SMs named on the configuration |
| timing cache | yes | yes | deprecated, does nothing |
| runtime cache | no | no | yes: it compiles kernels where they run |
| says what a CUDA graph may capture | no | no | yes |
| runs without a GPU | no | no | building does |

Only tensorrt_rtx has been run by this project. No Runtime is made here: without a driver it
crashes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrhdr.errors import BackendError
from lrhdr_engines.build.callbacks import collecting_logger, progress_monitor
from lrhdr_engines.build.explain import build_error
from lrhdr_engines.build.islands import halves, widen
from lrhdr_engines.build.parsed import Built, Network, ShapeRange, TensorFacts
from lrhdr_engines.build.settings import Builder, BuildSettings, Report

_DTYPES = {"FLOAT": "float32", "HALF": "float16"}


class TensorRT:
    """One of the packages, opened. Its logger and plugin registry are the process's own."""

    def __init__(self, module: Any, builder: Builder) -> None:
        """Wrap an imported package."""
        self._trt = module
        self._builder = builder
        self._log = collecting_logger(module)
        self._library: tuple[Path, str] | None = None
        self.lock = threading.Lock()
        self.version = str(module.__version__)

    @property
    def keeps_timing_cache(self) -> bool:
        """Whether a timing cache has any effect."""
        return self._builder == "tensorrt"

    @property
    def keeps_runtime_cache(self) -> bool:
        """Whether a plan is compiled where it runs, and what came out can be kept."""
        return self._builder == "tensorrt-rtx"

    @property
    def sms(self) -> tuple[int, ...]:
        """Compute capabilities that can be named; none for TensorRT."""
        members = getattr(getattr(self._trt, "ComputeCapability", None), "__members__", {})
        return tuple(sorted(int(name[2:]) for name in members if name.startswith("SM")))

    def load_plugins(self, library: Path, sha256: str) -> None:
        """Add a library's plugins to the process's registry.

        Raises:
            BackendError: it cannot be loaded, or another one was loaded before.
        """
        if self._library is not None:
            if self._library[1] != sha256:
                raise BackendError(
                    f"the plugin library {library} is not {self._library[0]}, which is loaded",
                    expected="one plugin library in a process",
                    next_step="Run the command again",
                )
            return
        self._log.clear()
        if self._trt.get_plugin_registry().load_library(str(library)) is None:
            raise build_error(f"the plugin library {library} cannot be loaded", self._log.errors)
        self._library = (library, sha256)

    def plugins(self, namespace: str) -> frozenset[str]:
        """Names of the plugins that the registry has in a namespace."""
        creators = self._trt.get_plugin_registry().all_creators
        return frozenset(c.name for c in creators if c.plugin_namespace == namespace)

    def parse(
        self, model: bytes, name: str, shapes: Mapping[str, ShapeRange], *, wide: bool = False
    ) -> Network:
        """Parse an ONNX model, strongly typed, and give its inputs their static shapes.

        Args:
            model: the file's bytes.
            name: of the graph, for messages.
            shapes: of the inputs, by name; those that vary stay dynamic.
            wide: let only convolutions compute in FP16.

        Raises:
            BackendError: TensorRT cannot read it; every error that the parser counts is named.
        """
        trt = self._trt
        self._log.clear()
        builder = trt.Builder(self._log)
        flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
        network = builder.create_network(0 if flag is None else 1 << int(flag))
        parser = trt.OnnxParser(network, self._log)
        if not parser.parse(model):
            counted = [parser.get_error(i).desc() for i in range(parser.num_errors)]
            raise build_error(f"{self._builder} cannot read graph {name}", counted)
        inputs = [network.get_input(i) for i in range(network.num_inputs)]
        for tensor in inputs:
            low, _, high = shapes.get(tensor.name, ((), (), (-1,)))
            if low == high:
                tensor.shape = low
        if wide:
            widen(trt, network)
        outputs = [network.get_output(i) for i in range(network.num_outputs)]
        layers = [network.get_layer(i) for i in range(network.num_layers)]
        plugins = [layer for layer in layers if layer.type.name == "PLUGIN_V3"]
        return Network(
            inputs=tuple(map(_facts, inputs)),
            outputs=tuple(map(_facts, outputs)),
            layers=len(layers),
            plugins=tuple(map(self._plugin, plugins)),
            halves=halves(network),
            strongly_typed=flag is None or bool(network.get_flag(flag)),
            handles=(builder, network, parser),
        )

    def build(
        self,
        parsed: Network,
        name: str,
        shapes: Mapping[str, ShapeRange],
        settings: BuildSettings,
        *,
        timing_cache: bytes = b"",
        report: Report,
    ) -> Built:
        """Build a plan. `shapes` and `name` as for `parse`.

        Raises:
            BackendError: no plan came out; TensorRT's errors are named.
        """
        trt, (builder, network, _) = self._trt, parsed.handles
        self._log.clear()
        config = builder.create_builder_config()
        self._target(config, settings.sms)
        if settings.optimisation_level is not None:
            config.builder_optimization_level = settings.optimisation_level
        if settings.workspace_mb is not None:
            size = settings.workspace_mb << 20
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, size)
        if any(low != high for low, _, high in shapes.values()):
            profile = builder.create_optimization_profile()
            for tensor, (low, best, high) in shapes.items():
                profile.set_shape(tensor, low, best, high)
            config.add_optimization_profile(profile)
        keeper = None
        if self.keeps_timing_cache and settings.timing_cache is not None:
            keeper = self._timings(config, timing_cache, report)
        monitor = progress_monitor(trt, report)
        config.progress_monitor = monitor
        plan = builder.build_serialized_network(network, config)
        if monitor.failure is not None:
            raise monitor.failure
        if plan is None:
            raise build_error(
                f"{self._builder} {self.version} could not build graph {name}", self._log.errors
            )
        return Built(
            plan=bytes(plan),
            timing_cache=None if keeper is None else bytes(keeper.serialize()),
        )

    def _target(self, config: Any, sms: tuple[int, ...]) -> None:
        if not sms:
            return
        unknown = sorted(set(sms) - set(self.sms))
        if unknown:
            raise BackendError(
                f"{self._builder} {self.version} builds nothing for SM "
                f"{', '.join(map(str, unknown))}",
                expected=", ".join(map(str, self.sms)),
                next_step="Choose among those with --sm, or use --backend tensorrt on that GPU",
            )
        config.num_compute_capabilities = len(sms)
        for index, sm in enumerate(sms):
            config.set_compute_capability(getattr(self._trt.ComputeCapability, f"SM{sm}"), index)

    def _plugin(self, layer: Any) -> str:
        # Layers are handed out as their base class: this is how the package has them cast.
        layer.__class__ = self._trt.IPluginV3Layer
        core = layer.plugin.get_capability_interface(self._trt.PluginCapabilityType.CORE)
        return f"{core.plugin_namespace}::{core.plugin_name}"

    @staticmethod
    def _timings(config: Any, content: bytes, report: Report) -> Any:
        keeper = config.create_timing_cache(content)
        if keeper is None or not config.set_timing_cache(keeper, False):
            report("the timing cache is of another GPU or TensorRT: beginning a new one")
            keeper = config.create_timing_cache(b"")
            config.set_timing_cache(keeper, False)
        return keeper


def _facts(tensor: Any) -> TensorFacts:
    dtype = tensor.dtype.name
    return TensorFacts(
        name=tensor.name, shape=tuple(tensor.shape), dtype=_DTYPES.get(dtype, dtype.lower())
    )
