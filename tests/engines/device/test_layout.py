"""Sizes and rings, and what the formats save over PCIe."""

from __future__ import annotations

from math import lcm
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import Pyramids, Tensor
from lrhdr_engines.device.layout import HDR_SLOTS, Layout, float_traffic, traffic
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.window import slots

PYRAMIDS = Pyramids(channels=(3, 4), fusion_levels=2, finest_flow=1, guided=True)


def layout(
    height: int = 1080,
    width: int = 1920,
    frame_type: Literal["uint8", "uint16"] = "uint8",
    **changes: Any,
) -> Layout:
    return Layout(
        **{
            "exposures": 2,
            "pyramids": PYRAMIDS,
            "multiple": 32,
            "precision": "fp16",
            "height": height,
            "width": width,
            "frame_type": frame_type,
            **changes,
        }
    )


def test_tensors_have_the_padded_size() -> None:
    of = layout(100, 70)
    assert of.padded == (128, 96)
    assert of.shape(Tensor(name="x", shape=("1", "24", "H/4", "W/4"))) == (1, 24, 32, 24)
    assert of.shape(Tensor(name="x", shape=("5",))) == (5,)
    assert of.dtype(Tensor(name="x", shape=(), dtype="compute")) == "float16"
    assert of.dtype(Tensor(name="x", shape=())) == "float32"
    exact = layout(precision="fp32")
    assert exact.dtype(Tensor(name="x", shape=(), dtype="compute")) == "float32"


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_turn_of_the_rings_is_two_cycles(exposures: int) -> None:
    of = layout(exposures=exposures)
    assert lcm(of.ring, of.exposures, of.flow_slots, HDR_SLOTS) == of.ring == 2 * exposures
    assert of.ring == of.window.frames + 1


@given(exposures=st.sampled_from([2, 3]), length=st.integers(3, 30), data=st.data())
def test_no_two_frames_of_a_window_share_a_slot(exposures: int, length: int, data: Any) -> None:
    of = layout(exposures=exposures)
    index = data.draw(st.integers(0, length - 1))
    frames = set(slots(index, exposures, length - 1))
    assert len({frame % of.ring for frame in frames}) == len(frames)
    assert max(frames) - min(frames) < of.ring


@pytest.mark.parametrize(
    ("frame_type", "pq", "up", "down"),
    [
        ("uint8", True, 6_220_800, 12_441_624),
        ("uint8", False, 6_220_800, 24_883_224),
        ("uint16", True, 12_441_600, 12_441_624),
        ("uint16", False, 12_441_600, 24_883_224),
    ],
)
def test_bytes_over_pcie_at_1080p(
    frame_type: Literal["uint8", "uint16"], pq: bool, up: int, down: int
) -> None:
    found = traffic(layout(frame_type=frame_type, pq=pq))
    assert (found.up, found.down) == (up, down)
    before = float_traffic(layout(frame_type=frame_type, pq=pq))
    assert before.up == before.down == 4 * 3 * 1088 * 1920


@pytest.mark.parametrize("pq", [False, True])
def test_the_stream_moves_what_traffic_says(rig: Any, pq: bool) -> None:
    copies: list[str] = []
    device = SimulatedDevice(fault=copies.append)
    frames = rig.frames(7)
    stream = rig.stream(device, 2, frames, white_nits=203.0 if pq else None)
    copies.clear()
    list(stream.stream(frames))
    sizes = {"staging": 6 * 9 * 3, "picture": 6 * 9 * 3 * (2 if pq else 4), "statistics": 24}
    moved = [sizes[name.split()[1]] for name in copies if name.startswith("copy")]
    said = traffic(stream._layout)
    assert sum(moved) == len(frames) * (said.up + said.down)
