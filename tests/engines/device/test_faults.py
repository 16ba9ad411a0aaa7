"""What goes wrong on a device ends the stream with one error, and nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device.errors import explain_code
from lrhdr_engines.device.hazards import Hazard
from lrhdr_engines.device.simulated import SimulatedDevice

KINDS = [
    "copy staging",
    "unpack",
    "film_extract",
    "film_flow",
    "film_fuse",
    "lrhdr",
    "pack",
    "copy picture",
    "copy statistics",
    "record computed",
    "wait for uploaded",
]
both = pytest.mark.parametrize("exposures", [2, 3])


def failing(kind: str, number: int) -> Callable[[str], None]:
    """Loses the device at the operation of this kind and number."""
    seen = 0

    def fault(operation: str) -> None:
        nonlocal seen
        if operation.startswith(kind):
            seen += 1
            if seen == number:
                raise explain_code("CUDA_ERROR_LAUNCH_FAILED", operation)

    return fault


@both
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 9])
def test_a_failure_anywhere_is_the_one_error(
    rig: Any, exposures: int, kind: str, number: int
) -> None:
    device = SimulatedDevice(seed=number, fault=failing(kind, number))
    frames = rig.frames(12)
    with pytest.raises(BackendError, match=f"the GPU was lost.*LAUNCH_FAILED by {kind}") as first:
        rig.check(device, exposures, frames)
    with pytest.raises(BackendError) as later:  # as in CUDA: the device stays lost
        device.stream("another")
    assert later.value is first.value
    device.close()
    device.close()


@both
def test_outputs_before_a_failure_are_right(rig: Any, compare: Any, exposures: int) -> None:
    frames = rig.frames(12)
    # Ne windows are packed in the warm-up.
    device = SimulatedDevice(fault=failing("pack", exposures + 6))
    pictures: list[Any] = []
    outputs = rig.stream(device, exposures, frames).stream(frames)
    with pytest.raises(BackendError, match="the GPU was lost"):
        pictures.extend(iter(outputs.__next__, None))
    plain = rig.plain(exposures, frames)
    # Window 5 was queued after picture 2 was handed out.
    assert 3 <= len(pictures) <= 5
    compare(pictures, {index: plain[index] for index in range(len(pictures))})


@both
def test_work_that_never_ends_is_no_endless_wait(rig: Any, exposures: int) -> None:
    stuck = False
    device = SimulatedDevice(hangs=lambda operation: stuck and operation.startswith("film_flow"))
    frames = rig.frames(12)
    stream = rig.stream(device, exposures, frames)
    stuck = True
    with pytest.raises(Hazard, match=r"deadlock while the host waits for .*'film_flow pair"):
        list(stream.stream(frames))


@both
def test_too_little_memory_is_one_line(rig: Any, exposures: int) -> None:
    device = SimulatedDevice()
    total = device.memory().free
    rig.stream(device, exposures, rig.frames(1))
    needed = total - device.memory().free
    rig.check(SimulatedDevice(capacity=needed), exposures, rig.frames(5))
    with pytest.raises(BackendError, match=r"out of memory .*--engine fp16") as caught:
        rig.check(SimulatedDevice(capacity=needed - 1), exposures, rig.frames(5))
    assert "\n" not in str(caught.value)
