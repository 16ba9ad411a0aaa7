"""The NVIDIA driver and its GPUs, asked by ctypes: no package is needed. Not run on a GPU."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

from lrhdr_engines.device.errors import FAILURES

_WINDOWS = sys.platform == "win32"
CUDA_LIBRARY = "nvcuda.dll" if _WINDOWS else "libcuda.so.1"
NVML_LIBRARY = "nvml.dll" if _WINDOWS else "libnvidia-ml.so.1"
# CUdevice_attribute of cuda.h.
_MAJOR, _MINOR = 75, 76
_NO_DEVICE = "CUDA_ERROR_NO_DEVICE"


class DriverError(Exception):
    """A call of the driver that failed: `name` is the CUresult's, `call` the function's."""

    def __init__(self, name: str, call: str) -> None:
        """Keep both."""
        super().__init__(f"{name} by {call}")
        self.name = name

    @property
    def remedy(self) -> str:
        """From the table of CUDA's failures."""
        short = self.name.removeprefix("CUDA_ERROR_")
        known = (failure.remedy for failure in FAILURES if short in failure.names)
        return next(known, "Install the driver again, and run: nvidia-smi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU: SM as 89 for compute capability 8.9, memory in bytes."""

    name: str
    sm: int
    memory: int


class CudaDriver:
    """The driver's library, started."""

    def __init__(self, library: str = CUDA_LIBRARY) -> None:
        """Load and start it.

        Raises:
            OSError: there is none.
            DriverError: it refuses to start for another reason than that there is no GPU.
        """
        self._library = ctypes.CDLL(library)
        self._empty = False
        try:
            self._call("cuInit", 0)
        except DriverError as error:
            if error.name != _NO_DEVICE:
                raise
            self._empty = True

    @property
    def cuda_version(self) -> str:
        """The newest CUDA that the driver knows, as "13.0"."""
        number = ctypes.c_int(0)
        self._call("cuDriverGetVersion", ctypes.byref(number))
        return f"{number.value // 1000}.{number.value % 1000 // 10}"

    def gpus(self) -> list[Gpu]:
        """Every GPU that CUDA_VISIBLE_DEVICES leaves.

        Raises:
            DriverError: the driver fails.
        """
        if self._empty:
            return []
        count = ctypes.c_int(0)
        self._call("cuDeviceGetCount", ctypes.byref(count))
        return [self._gpu(index) for index in range(count.value)]

    def _gpu(self, index: int) -> Gpu:
        device, memory = ctypes.c_int(0), ctypes.c_size_t(0)
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGet", ctypes.byref(device), index)
        self._call("cuDeviceGetName", name, len(name), device)
        self._call("cuDeviceTotalMem_v2", ctypes.byref(memory), device)
        return Gpu(
            name=name.value.decode(errors="replace"),
            sm=10 * self._attribute(_MAJOR, device) + self._attribute(_MINOR, device),
            memory=memory.value,
        )

    def _attribute(self, attribute: int, device: ctypes.c_int) -> int:
        value = ctypes.c_int(0)
        self._call("cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
        return value.value

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            name = ctypes.c_char_p()
            self._library.cuGetErrorName(status, ctypes.byref(name))
            raise DriverError((name.value or f"CUDA error {status}".encode()).decode(), function)


def driver_version(library: str = NVML_LIBRARY) -> str | None:
    """The driver's own version, as "580.65.06"; None where NVML does not say."""
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return None
    if nvml.nvmlInit_v2():
        return None
    text = ctypes.create_string_buffer(80)
    failed = nvml.nvmlSystemGetDriverVersion(text, len(text))
    nvml.nvmlShutdown()
    return None if failed else text.value.decode(errors="replace")
