"""ONNX Runtime: the backend that always works, on the CPU, or on a GPU with onnxruntime-gpu."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lrhdr.contract import Precision
from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.backends.protocol import Tensors

if TYPE_CHECKING:
    import onnxruntime

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRuntimeBackend:
    """ONNX Runtime with CUDA where both the package and a GPU allow it, else on the CPU."""

    cuda: bool
    name: str = "onnxruntime"

    @classmethod
    def open(cls) -> OnnxRuntimeBackend:
        """Find out what this machine offers.

        Raises:
            BackendError: ONNX Runtime is not installed.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendError(
                f"ONNX Runtime cannot be imported ({error})",
                next_step="Run: pip install onnxruntime",
            ) from error
        built_with_cuda = _CUDA in onnxruntime.get_available_providers()
        return cls(cuda=built_with_cuda and why_no_gpu() is None)

    @property
    def device(self) -> str:
        """Where it computes."""
        return "GPU (CUDA)" if self.cuda else "CPU"

    @property
    def fast_fp16(self) -> bool:
        """True on a GPU: the CPU kernels compute most FP16 operators in FP32 between casts."""
        return self.cuda

    def load(self, model: Path, precision: Precision, threads: int | None) -> OnnxRuntimeSession:
        """See `Backend.load`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        # Idle threads that spin would take the cores from decoding, encoding and the next graph.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = [_CUDA, _CPU] if self.cuda else [_CPU]
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions share no narrower base
            raise BackendError(f"ONNX Runtime cannot load {model}: {_one_line(error)}") from error
        if self.cuda and session.get_providers()[0] != _CUDA:
            raise BackendError(
                "ONNX Runtime could not start CUDA, although a GPU is there",
                next_step="Check that the CUDA and cuDNN libraries match onnxruntime-gpu, "
                "or install onnxruntime instead to run on the CPU",
            )
        return OnnxRuntimeSession(session)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
