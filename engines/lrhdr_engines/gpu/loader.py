"""Plans to execution contexts: the one place that makes a TensorRT Runtime. Not run on a GPU.

Without a driver a Runtime crashes the process, so none is made where there is none.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from lrhdr.errors import BackendError, LrhdrError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.build.adapter import TensorRT
from lrhdr_engines.build.callbacks import collecting_logger
from lrhdr_engines.build.explain import build_error
from lrhdr_engines.build.package import open_tensorrt
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.settings import PACKAGES, Builder
from lrhdr_engines.gpu.compiled import CompiledKernels
from lrhdr_engines.gpu.engines import Order


@dataclass(slots=True, kw_only=True)
class _RuntimeCache:
    """TensorRT-RTX's own object; it must outlive the context that it was made for."""

    recipe: Recipe
    handles: tuple[Any, Any]  # IRuntimeConfig, IRuntimeCache
    size: int  # of what is kept


class PlanLoader:
    """Deserialises plans in the CUDA context that is current."""

    def __init__(
        self, tensorrt: TensorRT, package: Any, kernels: CompiledKernels | None = None
    ) -> None:
        """Make the runtime of an imported package; see `open`."""
        self._tensorrt = tensorrt
        self._log = collecting_logger(package)
        self._runtime = package.Runtime(self._log)
        self._kernels = kernels if tensorrt.keeps_runtime_cache else None
        self._caches: list[_RuntimeCache] = []

    @classmethod
    def open(cls, builder: Builder, kernels: CompiledKernels | None = None) -> PlanLoader:
        """Open a builder's package and its runtime.

        Args:
            builder: of the plans.
            kernels: where TensorRT-RTX's compiled kernels are kept; None: nowhere.

        Raises:
            BackendError: there is no GPU, or the package is missing or does not start.
        """
        missing = why_no_gpu()
        if missing is not None:
            raise BackendError(
                f"{builder} cannot run engines here: {missing}", next_step="Run: lrhdr-doctor"
            )
        try:
            opened = open_tensorrt(builder)
            return cls(opened, importlib.import_module(PACKAGES[builder]), kernels)
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
            context = None if engine is None else self._context(order, engine)
            if context is None:
                raise build_error(f"the engine of {order.graph} does not load", self._log.errors)
            return context

    def save(self) -> None:
        """Keep the kernels that were compiled since they were loaded, if there are any.

        TensorRT-RTX compiles when a context is made or first run: call it after that.
        """
        if self._kernels is None:
            return
        with self._tensorrt.lock:
            for cache in self._caches:
                content = cache.handles[1].serialize()
                if content is not None and (found := bytes(content)) and len(found) > cache.size:
                    self._kernels.keep(cache.recipe, found)
                    cache.size = len(found)

    def _context(self, order: Order, engine: Any) -> Any:
        if self._kernels is None:
            return engine.create_execution_context()
        kept = self._kernels.read(order.recipe)
        context = self._cached_context(order, engine, kept)
        if context is None and kept:
            self._kernels.discard(order.recipe, "let no context be made")
            context = self._cached_context(order, engine, b"")
        return context

    def _cached_context(self, order: Order, engine: Any, kept: bytes) -> Any:
        assert self._kernels is not None
        config = engine.create_runtime_config()
        cache = config.create_runtime_cache()
        if kept and not cache.deserialize(kept):
            self._kernels.discard(order.recipe, "are not taken by TensorRT-RTX")
            kept = b""
        config.set_runtime_cache(cache)
        context = engine.create_execution_context(config)
        if context is not None:
            self._caches.append(
                _RuntimeCache(recipe=order.recipe, handles=(config, cache), size=len(kept))
            )
        return context
