"""Every event is needed: with any single wait left out, the stream must be caught or differ.

`gpu_stream` lists six dependencies. Each instance of each, in a clip with both its ends and
several turns of the ring, is left out in a run of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrhdr_engines.device.hazards import Hazard
from lrhdr_engines.device.simulated import SimulatedDevice

LENGTH = {2: 9, 3: 12}
# Each with the memory that it guards.
DEPENDENCIES = {
    "host waits for staged": "^staging . is",
    "upload waits for computed": "slot . frame",
    "compute waits for uploaded": "slot . frame",
    "compute waits for packed": "output . hdr",
    "download waits for computed": "output . hdr",
    "host waits for downloaded": "(picture|statistics) staging .|^pack . begins is asked",
}
both = pytest.mark.parametrize("exposures", [2, 3])


@pytest.fixture(scope="module")
def waits(rig: Any) -> dict[int, list[str]]:
    """Every wait of a run, in order, by exposures."""
    found: dict[int, list[str]] = {}
    for exposures, length in LENGTH.items():
        labels: list[str] = []
        rig.check(SimulatedDevice(omit=leave_out(None, labels)), exposures, rig.frames(length))
        found[exposures] = labels
    return found


def leave_out(number: int | None, labels: list[str]) -> Callable[[str], bool]:
    """Notes every wait; leaves out the one of this number."""

    def omit(label: str) -> bool:
        labels.append(label)
        return len(labels) - 1 == number

    return omit


def kind(label: str) -> str:
    return label.rsplit(" ", 1)[0]


@both
def test_the_waits_are_those_that_are_listed(waits: Any, exposures: int) -> None:
    assert {kind(label) for label in waits[exposures]} == set(DEPENDENCIES)


@both
def test_pictures_of_codes_have_the_same_waits(rig: Any, waits: Any, exposures: int) -> None:
    labels: list[str] = []
    frames, device = rig.frames(LENGTH[exposures]), SimulatedDevice(omit=leave_out(None, labels))
    stream = rig.stream(device, exposures, frames, white_nits=203.0)
    device.seal()
    assert len(list(stream.stream(frames))) == len(frames)
    stream.close()
    assert labels == waits[exposures]


@both
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_without_one_wait_a_hazard_is_found(
    rig: Any, waits: Any, exposures: int, dependency: str
) -> None:
    frames = rig.frames(LENGTH[exposures])
    tried = [k for k, label in enumerate(waits[exposures]) if kind(label) == dependency]
    assert len(tried) >= 3
    for left_out in tried:
        device = SimulatedDevice(seed=left_out, omit=leave_out(left_out, []))
        with pytest.raises(Hazard, match=DEPENDENCIES[dependency]):
            rig.check(device, exposures, frames)


@both
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_without_a_kind_of_wait_pictures_go_wrong(
    rig: Any, preferences: Any, exposures: int, dependency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector is no stricter than need be: without it, some order gives other pictures."""
    monkeypatch.setattr("lrhdr_engines.device.hazards.Watch.reads", lambda *_: None)
    monkeypatch.setattr("lrhdr_engines.device.hazards.Watch.writes", lambda *_: None)
    monkeypatch.setattr("lrhdr_engines.device.simulated_handles.SimulatedEvent.since", lambda *_: 0)
    frames = rig.frames(LENGTH[exposures])

    def every_order() -> None:
        for choose in preferences:
            device = SimulatedDevice(choose, omit=lambda label: kind(label) == dependency)
            rig.check(device, exposures, frames)

    with pytest.raises(AssertionError, match="Arrays are not equal"):
        every_order()
