"""Devices by name."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

from lrhdr.errors import BackendError
from lrhdr_engines.device.protocol import Device

DeviceName = Literal["auto", "cuda-core", "pycuda"]


def open_device(name: str = "auto", index: int = 0) -> Device:
    """Open a GPU for the calling thread; "auto" is cuda-core, or pycuda where only that is there.

    Raises:
        BackendError: the name is unknown, or the library, the driver or the GPU is missing.
    """
    if name == "auto":
        name = "pycuda" if find_spec("cuda") is None and find_spec("pycuda") else "cuda-core"
    if name == "cuda-core":
        from lrhdr_engines.device.cuda_core import CudaCoreDevice

        return CudaCoreDevice(index)
    if name == "pycuda":
        from lrhdr_engines.device.pycuda_device import PycudaDevice

        return PycudaDevice(index)
    raise BackendError(
        f"device library {name}", expected=f"one of: {', '.join(get_args(DeviceName))}"
    )
