"""CUDA's failures in words: what happened and what helps, in one line each.

One table for every library that hands them on: cuda-core names the error
(CUDA_ERROR_OUT_OF_MEMORY), pycuda quotes the driver's sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lrhdr.errors import BackendError, LrhdrError


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure.

    Attributes:
        says: what happened.
        remedy: the next step.
        names: CUresult names without CUDA_ERROR_ (cuda.h).
        phrases: parts of messages that carry no name, in lower case.
    """

    says: str
    remedy: str
    names: tuple[str, ...]
    phrases: tuple[str, ...] = ()


FAILURES = (
    Failure(
        "the GPU is out of memory",
        "Close other programs that use it, or choose a smaller frame size or --engine fp16",
        ("OUT_OF_MEMORY",),
        ("out of memory",),
    ),
    Failure(
        "the NVIDIA driver is too old for this CUDA version",
        "Update the driver; nvidia-smi shows the newest CUDA version that yours knows",
        (
            "CALL_REQUIRES_NEWER_DRIVER",
            "INSUFFICIENT_LOADER_VERSION",
            "UNSUPPORTED_PTX_VERSION",
            "COMPAT_NOT_SUPPORTED_ON_DEVICE",
        ),
        ("driver version is insufficient", "requires newer driver", "unsupported toolchain"),
    ),
    Failure(
        "the NVIDIA driver's parts do not match",
        "Restart the computer: this follows an update of the driver",
        ("SYSTEM_DRIVER_MISMATCH",),
        ("driver/library version mismatch",),
    ),
    Failure(
        "no NVIDIA driver was found",
        "Install it, or use --backend auto, which runs on the CPU",
        ("STUB_LIBRARY",),
        ("libcuda.so", "nvcuda.dll", "nvidia driver library"),
    ),
    Failure(
        "there is no NVIDIA GPU that can be used",
        "Check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --backend auto, which runs on the CPU",
        ("NO_DEVICE", "INVALID_DEVICE", "DEVICE_UNAVAILABLE", "SYSTEM_NOT_READY"),
        ("no cuda-capable device",),
    ),
    Failure(
        "the GPU has no code for its architecture",
        "Build the engine and the plugin again on this machine: lrhdr-export engine",
        ("NO_BINARY_FOR_GPU", "INVALID_IMAGE", "INVALID_PTX"),
        ("no kernel image",),
    ),
    Failure(
        "the GPU was lost or its work failed",
        "Start the run again with --start-frame; if it happens again, look for Xid lines in the "
        "system's log, and restart the computer",
        (
            "ECC_UNCORRECTABLE",
            "NVLINK_UNCORRECTABLE",
            "CONTAINED",
            "ILLEGAL_ADDRESS",
            "LAUNCH_TIMEOUT",
            "ASSERT",
            "HARDWARE_STACK_ERROR",
            "ILLEGAL_INSTRUCTION",
            "MISALIGNED_ADDRESS",
            "INVALID_ADDRESS_SPACE",
            "INVALID_PC",
            "LAUNCH_FAILED",
            "CONTEXT_IS_DESTROYED",
            "DEINITIALIZED",
            "EXTERNAL_DEVICE",
            "UNKNOWN",
        ),
        (
            "illegal memory access",
            "unspecified launch failure",
            "launch timed out",
            "unknown error",
        ),
    ),
)
_PREFIX = "CUDA_ERROR_"
# Whatever else CUDA reports is no state of the machine: it is ours.
_DEFECT = "It is a defect of lrhdr: report this line"


def explain(message: str) -> BackendError:
    """The error for a user, from what a CUDA library said."""
    line = " ".join(message.split())
    failure = _find(line)
    if failure is None:
        return BackendError(f"CUDA failed: {line[:300]}", next_step=_DEFECT)
    return BackendError(f"{failure.says} ({line[:200]})", next_step=failure.remedy)


def explain_code(name: str, call: str) -> BackendError:
    """The same for a CUresult by its full name."""
    return explain(f"{name} by {call}")


def missing(module: str, package: str, error: ImportError) -> BackendError:
    """For a library that cannot be imported."""
    if _find(str(error)) is not None:  # it is there, but the driver that it loads is not
        return explain(str(error))
    return BackendError(
        f"{module} cannot be imported ({' '.join(str(error).split())})",
        next_step=f"Run: pip install {package}",
    )


@contextmanager
def explained() -> Iterator[None]:
    """Turn every error of a CUDA library inside into one for the user."""
    try:
        yield
    except LrhdrError:
        raise
    except Exception as error:  # the libraries' exceptions share no narrower base
        raise explain(str(error)) from error


def _find(line: str) -> Failure | None:
    return _by_name(line) or _by_phrase(line.lower())


def _by_name(line: str) -> Failure | None:
    _, found, rest = line.partition(_PREFIX)
    if not found:
        return None
    name = rest[: next((k for k, c in enumerate(rest) if not (c.isalnum() or c == "_")), None)]
    return next((failure for failure in FAILURES if name in failure.names), None)


def _by_phrase(line: str) -> Failure | None:
    return next(
        (failure for failure in FAILURES if any(phrase in line for phrase in failure.phrases)),
        None,
    )
