"""Whether an NVIDIA GPU can be used, asked of its driver alone."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@cache
def why_no_gpu() -> str | None:
    """None if an NVIDIA GPU can be used; else what is missing."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return f"no NVIDIA driver was found ({DRIVER})"
    count = ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        return f"the NVIDIA driver refuses to start (CUDA error {status})"
    return None if count.value else "the NVIDIA driver sees no GPU"
