"""A stage's time is that of what was queued inside, for the latest frames."""

from __future__ import annotations

import numpy as np
import pytest

from lrhdr_engines.device.hazards import Hazard
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.stages import Stage

SHAPE, DTYPE = (4,), np.dtype(np.float32)


def test_each_of_the_latest_has_a_time_of_its_own() -> None:
    device = SimulatedDevice(lambda actors: 0)
    stream, buffer = device.stream("one"), device.buffer("buffer", SHAPE, DTYPE)
    staging, stage = device.staging("staging", SHAPE, DTYPE), Stage(device, "copy", slots=3)
    staging.store(np.ones(SHAPE, np.float32))
    for index in range(5):
        with stage.timed(index, stream):
            for _ in range(index):
                stream.upload(staging, buffer)
    stream.synchronise()
    # An operation is a millisecond, and the record at the end is one of them.
    assert [stage.milliseconds(index) for index in (2, 3, 4)] == [3.0, 4.0, 5.0]


def test_a_stage_that_is_still_queued_has_no_time() -> None:
    device = SimulatedDevice()
    stage, stream = Stage(device, "copy", slots=2), device.stream("one")
    with stage.timed(0, stream):
        pass
    with pytest.raises(Hazard, match="before the host has waited"):
        stage.milliseconds(0)
    stream.synchronise()
    assert stage.milliseconds(0) == 1.0
