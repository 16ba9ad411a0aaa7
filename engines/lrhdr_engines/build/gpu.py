"""The GPU at hand, asked of its driver alone."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from lrhdr_engines.backends.nvidia import DRIVER, why_no_gpu

# CUdevice_attribute of cuda.h.
_MAJOR, _MINOR = 75, 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Its name, and its compute capability as 89 for 8.9."""

    name: str
    sm: int


def current_gpu() -> Gpu | None:
    """The first GPU; None where there is none, or no driver. Not run on a GPU yet."""
    if why_no_gpu() is not None:
        return None
    driver = ctypes.CDLL(DRIVER)
    device, name = ctypes.c_int(0), ctypes.create_string_buffer(256)
    numbers = [ctypes.c_int(0), ctypes.c_int(0)]
    status = driver.cuDeviceGet(ctypes.byref(device), 0)
    status = status or driver.cuDeviceGetName(name, len(name), device)
    for number, attribute in zip(numbers, (_MAJOR, _MINOR), strict=True):
        status = status or driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
    if status:
        return None
    major, minor = (number.value for number in numbers)
    return Gpu(name=name.value.decode(errors="replace"), sm=10 * major + minor)
