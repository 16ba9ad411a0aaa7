"""The installed packages: opening one, and what CUDA it is made for."""

from __future__ import annotations

import importlib
import re
from functools import cache
from importlib import metadata

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.build.adapter import TensorRT
from lrhdr_engines.build.rtx_libraries import open_libraries
from lrhdr_engines.build.settings import PACKAGES, Builder

_EXTRAS: dict[Builder, str] = {"tensorrt": "tensorrt", "tensorrt-rtx": "rtx"}


@cache
def cuda_version(builder: Builder) -> str:
    """The CUDA version in the name of the wheel ("13" of tensorrt_rtx_cu13), or "unknown"."""
    pattern = re.compile(rf"{PACKAGES[builder]}_cu(\d+)(_|$)")
    for distribution in metadata.distributions():
        name = re.sub(r"[-.]+", "_", distribution.metadata["Name"] or "").lower()
        found = pattern.match(name)
        if found is not None:
            return found[1]
    return "unknown"


@cache
def open_tensorrt(builder: Builder) -> TensorRT:
    """Import the package of a builder.

    Raises:
        BackendError: it is not installed, or needs a GPU that is not there.
    """
    if builder == "tensorrt":
        missing = why_no_gpu()
        if missing is not None:
            raise BackendError(
                f"TensorRT builds for the GPU it runs on, and {missing}",
                next_step="Build with --backend tensorrt-rtx, which needs none",
            )
    else:
        open_libraries()
    try:
        module = importlib.import_module(PACKAGES[builder])
    except ImportError as error:
        raise BackendError(
            f"{builder} cannot be imported ({error})",
            next_step=f"Run: pip install 'lrhdr[{_EXTRAS[builder]}]'",
        ) from error
    return TensorRT(module, builder)
