"""Checks of what belongs to the machine: driver, GPUs, compiler, headers, codecs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lrhdr.errors import BackendError
from lrhdr_engines.doctor.driver import CUDA_LIBRARY, CudaDriver, DriverError, driver_version
from lrhdr_engines.doctor.record import Finding
from lrhdr_engines.plugin.toolkit import Toolkit, find_headers, find_nvcc

DRIVER, GPUS, NVCC, HEADERS, TOOLS = (
    *("NVIDIA driver", "GPU", "CUDA toolkit"),
    *("TensorRT headers", "plugin's compilers"),
)
ENCODER = "libx265"
# Encoders that the GPU's own video engine brings, by FFmpeg's names.
_GPU_ENCODERS = ("hevc_nvenc", "av1_nvenc")
_GPU_DECODERS = ("h264_cuvid", "hevc_cuvid")
_TEN_BITS = "yuv420p10le"

OpenDriver = Callable[[], CudaDriver]


def check_driver(
    open_driver: OpenDriver = CudaDriver, version: Callable[[], str | None] = driver_version
) -> Finding:
    """The driver, its version and the newest CUDA it knows."""
    try:
        cuda = open_driver().cuda_version
    except OSError:
        return Finding(
            name=DRIVER,
            status="missing",
            found=f"{CUDA_LIBRARY} is not there",
            remedy="Install NVIDIA's driver (nvidia.com/drivers), and run: nvidia-smi",
        )
    except DriverError as error:
        return Finding(name=DRIVER, status="broken", found=f"refuses: {error}", remedy=error.remedy)
    return Finding(
        name=DRIVER, status="ok", found=f"{version() or 'of unknown version'}, CUDA {cuda}"
    )


def check_gpus(open_driver: OpenDriver = CudaDriver) -> Finding:
    """Name, SM and memory of every GPU."""
    try:
        gpus = open_driver().gpus()
    except OSError:
        gpus = []
    except DriverError as error:
        return Finding(name=GPUS, status="broken", found=str(error), remedy=error.remedy)
    if not gpus:
        return Finding(
            name=GPUS,
            status="missing",
            found="none that can be used",
            remedy="It takes an NVIDIA GPU of SM 75 (Turing) or newer with its driver "
            "(nvidia.com/drivers); check CUDA_VISIBLE_DEVICES",
        )
    found = (f"{gpu.name} (SM {gpu.sm}, {gpu.memory / 2**30:.1f} GiB)" for gpu in gpus)
    return Finding(name=GPUS, status="ok", found="; ".join(found))


def check_nvcc() -> Finding:
    """Where nvcc is."""
    return _located(NVCC, find_nvcc)


def check_headers() -> Finding:
    """Where TensorRT's headers are."""
    return _located(HEADERS, find_headers)


def check_tools() -> Finding:
    """Whether all of it that builds the plugin works, with versions."""
    try:
        found = Toolkit.find()
    except BackendError as error:
        return Finding(name=TOOLS, status="missing", found="not complete", remedy=str(error))
    return Finding(
        name=TOOLS,
        status="ok",
        found=f"nvcc {found.nvcc_version}, TensorRT {found.headers_version} headers, {found.cmake}",
    )


def _located(name: str, find: Callable[[], Path]) -> Finding:
    try:
        return Finding(name=name, status="ok", found=str(find()))
    except BackendError as error:
        return Finding(name=name, status="missing", found="not found", remedy=str(error))


def _open_codec(name: str, mode: str) -> Any:
    import av

    return av.codec.Codec(name, mode)  # type: ignore[arg-type]


def check_codecs(open_codec: Callable[[str, str], Any] = _open_codec) -> Finding:
    """What PyAV's FFmpeg was built with; HDR10 needs x265 with 10 bits."""
    name = "codecs of PyAV"
    install = "pip install --force-reinstall --no-deps av"
    try:
        encoder = open_codec(ENCODER, "w")
    except ImportError as error:
        return Finding(name=name, status="broken", found=str(error), remedy=install)
    except Exception:  # noqa: BLE001 - PyAV's UnknownCodecError, and whatever FFmpeg raises
        return Finding(
            name=name, status="missing", found=f"no {ENCODER}: no HDR10 video", remedy=install
        )
    if _TEN_BITS not in {pixels.name for pixels in encoder.video_formats or ()}:
        return Finding(
            name=name, status="broken", found=f"{ENCODER} without 10 bits", remedy=install
        )
    known = [ENCODER, *_known(_GPU_ENCODERS, "w", open_codec)]
    known += _known(_GPU_DECODERS, "r", open_codec)
    return Finding(name=name, status="ok", found=f"{', '.join(known)} (nvenc, cuvid: on a GPU)")


def _known(names: Sequence[str], mode: str, open_codec: Callable[[str, str], Any]) -> list[str]:
    found = []
    for name in names:
        try:
            open_codec(name, mode)
        except Exception:  # noqa: BLE001 - it is optional; that it cannot be opened is the answer
            continue
        found.append(name)
    return found
