"""What runs on the device in these steps: engines built in the step's folder. Not run on a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

from lrhdr.contract import Precision
from lrhdr_benchmarks.gpu_check.build import plugin_library
from lrhdr_benchmarks.gpu_check.record import NotRunError, Task
from lrhdr_engines.build import EngineCache, Size, open_tensorrt
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.gpu import Gpu, current_gpu
from lrhdr_engines.build.settings import PACKAGES, Builder
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.kernels import PluginKernels
from lrhdr_engines.device.protocol import Programs
from lrhdr_engines.device.tensorrt_programs import TensorRtPrograms
from lrhdr_engines.gpu.engines import Engines
from lrhdr_engines.gpu.loader import PlanLoader
from lrhdr_engines.gpu.opening import orders


@dataclass(frozen=True, kw_only=True)
class Plans:
    """Builds and loads the engines of one builder, with the plugin in the process."""

    builder: Builder
    task: Task

    def __post_init__(self) -> None:
        missing = [
            package
            for package, module in (
                (self.builder, PACKAGES[self.builder]),
                ("'cuda-core[cu13]'", "cuda"),
            )
            if find_spec(module) is None and not (module == "cuda" and find_spec("pycuda"))
        ]
        if missing:
            raise NotRunError(f"not installed; run: pip install {' '.join(missing)}")
        sms = open_tensorrt(self.builder).sms
        if self.builder == "tensorrt-rtx" and self._gpu.sm not in sms:
            raise NotRunError(f"{self.builder} builds nothing for SM {self._gpu.sm}")

    @cached_property
    def _gpu(self) -> Gpu:
        gpu = current_gpu()
        if gpu is None:
            raise NotRunError("the driver does not describe its GPU")
        return gpu

    @cached_property
    def _loader(self) -> PlanLoader:
        return PlanLoader.open(self.builder)

    def programs(self, bundle: Bundle, size: Size, precision: Precision) -> Programs:
        """The bundle's streaming graphs for one size. The device must be open.

        Raises:
            BackendError: an engine cannot be built or loaded.
        """
        library = plugin_library(self.task)
        engines = Engines(
            order=orders(bundle, self.builder, self._gpu, library),
            cache=EngineCache(self.task.folder / "engines"),
            load=self._loader.load,
            report=lambda _: None,
        )
        padded = size.padded(bundle.manifest.multiple)
        contexts = engines.contexts(padded, dict.fromkeys(STREAMING, precision))
        return TensorRtPrograms(f"{precision} by {self.builder}", contexts, PluginKernels(library))
