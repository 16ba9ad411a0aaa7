"""Plans to execution contexts: the one place that makes a TensorRT Runtime. Not run on a GPU.

Without a driver a Runtime crashes the process, so none is made where there is none.
"""

from __future__ import annotations

import importlib
from typing import Any

from lrhdr.errors import BackendError, LrhdrError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.build.adapter import TensorRT
from lrhdr_engines.build.callbacks import collecting_logger
from lrhdr_engines.build.explain import build_error
from lrhdr_engines.build.package import open_tensorrt
from lrhdr_engines.build.settings import PACKAGES, Builder
from lrhdr_engines.gpu.engines import Order


class PlanLoader:
    """Deserialises plans in the CUDA context that is current."""

    def __init__(self, tensorrt: TensorRT, package: Any) -> None:
        """Make the runtime of an imported package; see `open`."""
        self._tensorrt = tensorrt
        self._log = collecting_logger(package)
        self._runtime = package.Runtime(self._log)

    @classmethod
    def open(cls, builder: Builder) -> PlanLoader:
        """Open a builder's package and its runtime.

        Raises:
            BackendError: there is no GPU, or the package is missing or does not start.
        """
        missing = why_no_gpu()
        if missing is not None:
            raise BackendError(
                f"{builder} cannot run engines here: {missing}", next_step="Run: lrhdr-doctor"
            )
        try:
            return cls(open_tensorrt(builder), importlib.import_module(PACKAGES[builder]))
        except LrhdrError:
            raise
        except Exception as error:  # the packages' exceptions share no narrower base
            line = " ".join(str(error).split())[:300]
            raise BackendError(
                f"{builder} does not start ({line})", next_step="Run: lrhdr-doctor"
            ) from error

    def load(self, order: Order, plan: bytes) -> Any:
        """The IExecutionContext of a plan. It keeps its engine and the runtime alive.

        Raises:
            BackendError: the plugin library or the plan cannot be loaded; TensorRT's errors are
                named.
        """
        with self._tensorrt.lock:
            if order.plugin is not None:
                self._tensorrt.load_plugins(order.plugin.path, order.plugin.sha256)
            self._log.clear()
            engine = self._runtime.deserialize_cuda_engine(plan)
            context = None if engine is None else engine.create_execution_context()
            if context is None:
                raise build_error(f"the engine of {order.graph} does not load", self._log.errors)
            return context
