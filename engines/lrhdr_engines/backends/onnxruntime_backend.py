"""ONNX Runtime: the backend that always works, on the CPU, or on a GPU with onnxruntime-gpu.

CUDA and TensorRT as its providers were not run on a GPU.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.backends.protocol import Arithmetic, Tensors

if TYPE_CHECKING:
    import onnxruntime

log = logging.getLogger(__name__)

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_ERRORS_ONLY = 3


class OnnxRuntimeSession:
    """A graph in ONNX Runtime."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Wrap a session."""
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See `Session.run`."""
        try:
            results = self._session.run(self._outputs, dict(feeds))
        except Exception as error:  # ONNX Runtime's exceptions share no narrower base
            raise BackendError(f"ONNX Runtime failed: {_one_line(error)}") from error
        return dict(zip(self._outputs, results, strict=True))

    def rest(self) -> None:
        """See `Session.rest`: what the allocator holds cannot be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRuntimeBackend:
    """ONNX Runtime with CUDA where both the package and a GPU allow it, else on the CPU.

    With `tensorrt`, TensorRT takes what it can of a graph, CUDA the rest. It knows nothing of our
    plugins here: entmax runs by its function body.
    """

    cuda: bool
    tensorrt: bool = False

    @classmethod
    def open(cls, *, tensorrt: bool = False) -> OnnxRuntimeBackend:
        """Find out what this machine offers.

        Raises:
            BackendError: ONNX Runtime is not installed; or `tensorrt` is asked for, and the package
                or the machine has it not.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendError(
                f"ONNX Runtime cannot be imported ({error})",
                next_step="Run: pip install onnxruntime",
            ) from error
        providers, no_gpu = onnxruntime.get_available_providers(), why_no_gpu()
        if tensorrt and (no_gpu is not None or _TENSORRT not in providers):
            why = no_gpu or "this ONNX Runtime was built without TensorRT"
            raise BackendError(
                f"--backend onnxruntime-tensorrt cannot run here: {why}",
                next_step="Run lrhdr-doctor, which says what to install, or use --backend auto",
            )
        return cls(cuda=_CUDA in providers and no_gpu is None, tensorrt=tensorrt)

    @property
    def name(self) -> str:
        """As in --backend."""
        return "onnxruntime-tensorrt" if self.tensorrt else "onnxruntime"

    @property
    def device(self) -> str:
        """Where it computes."""
        if self.tensorrt:
            return "GPU (TensorRT)"
        return "GPU (CUDA)" if self.cuda else "CPU"

    @property
    def fastest(self) -> Arithmetic:
        """FP16 on a GPU: the CPU kernels compute most FP16 operators in FP32 between casts."""
        return "fp16" if self.cuda else "fp32"

    def load(self, model: Path, arithmetic: Arithmetic, threads: int | None) -> OnnxRuntimeSession:
        """See `Backend.load`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        # Idle threads that spin would take the cores from decoding, encoding and the next graph.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers: list[Any] = [_CUDA, _CPU] if self.cuda else [_CPU]
        if self.tensorrt:
            providers.insert(0, (_TENSORRT, self._engine_cache()))
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions share no narrower base
            raise BackendError(f"ONNX Runtime cannot load {model}: {_one_line(error)}") from error
        started = session.get_providers()
        if self.tensorrt and _TENSORRT not in started:
            log.warning("TensorRT did not start in ONNX Runtime; CUDA runs %s instead", model.name)
        if self.cuda and _CUDA not in started:
            raise BackendError(
                "ONNX Runtime could not start CUDA, although a GPU is there",
                next_step="Check that the CUDA and cuDNN libraries match onnxruntime-gpu, "
                "or install onnxruntime instead to run on the CPU",
            )
        return OnnxRuntimeSession(session)

    def join(self, flow: Path, films: Sequence[Path], fusion: Path, threads: int | None) -> None:
        """See `Backend.join`. Arrays are allocated one by one as a graph runs, not planned."""

    @staticmethod
    def _engine_cache() -> dict[str, Any]:
        """Options by which its engines outlive the process: building them takes minutes."""
        from lrhdr_engines.build.location import cache_root

        folder = cache_root() / "onnxruntime"
        return {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(folder)}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
