"""Checks of Python packages. None is imported here: `probe` does that in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from lrhdr_engines.doctor.probe import Probed, probe
from lrhdr_engines.doctor.record import Finding

Probe = Callable[..., Probed]
_CUDA = "CUDAExecutionProvider"
# The two packages are one module, and pip cannot swap one for the other.
SWAP = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One that may be there.

    Attributes:
        name: of the finding.
        module: to look for.
        install: the command that brings it.
        trial: of `trials`, with its arguments; empty to import the module.
    """

    name: str
    module: str
    install: str
    trial: tuple[str, ...] = ()

    def check(self, probe: Probe = probe) -> Finding:
        """Whether it is there and can be imported."""
        if not present(self.module):
            return Finding(
                name=self.name, status="missing", found="not installed", remedy=self.install
            )
        tried = probe(*(self.trial or ("import", self.module)))
        if tried.outcome == "ok":
            return Finding(name=self.name, status="ok", found=tried.text)
        # It is installed: what is missing is something that it needs.
        return Finding(name=self.name, status="broken", found=tried.text, remedy=self._again())

    def _again(self) -> str:
        return f"{self.install} --force-reinstall"


ONNXRUNTIME = Package(
    name="ONNX Runtime",
    module="onnxruntime",
    install="pip install onnxruntime",
    trial=("providers",),
)
OPENVINO = Package(name="OpenVINO", module="openvino", install="pip install openvino")
TENSORRT = Package(name="TensorRT", module="tensorrt", install="pip install tensorrt")
TENSORRT_RTX = Package(
    name="TensorRT-RTX",
    module="tensorrt_rtx",
    install="pip install tensorrt-rtx",
    trial=("tensorrt-rtx",),
)
CUDA_CORE = Package(name="cuda-core", module="cuda.core", install="pip install 'cuda-core[cu13]'")
PYCUDA = Package(
    name="pycuda",
    module="pycuda",
    install="pip install pycuda",
    trial=("import", "pycuda.driver"),
)
VIDEO_CODEC = Package(
    name="PyNvVideoCodec", module="PyNvVideoCodec", install="pip install PyNvVideoCodec"
)
PACKAGES = (ONNXRUNTIME, OPENVINO, TENSORRT, TENSORRT_RTX, CUDA_CORE, PYCUDA, VIDEO_CODEC)
CUDA_PROVIDER = "ONNX Runtime's CUDA provider"


def check_cuda_provider(probe: Probe = probe) -> Finding:
    """Whether the ONNX Runtime that is installed was built with CUDA."""
    tried = probe("providers")
    if tried.outcome == "ok" and _CUDA in tried.text:
        return Finding(name=CUDA_PROVIDER, status="ok", found=_CUDA)
    return Finding(name=CUDA_PROVIDER, status="missing", found="not in this package", remedy=SWAP)


def present(module: str) -> bool:
    """Whether a module is installed. Packages around it are imported, itself it is not."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
