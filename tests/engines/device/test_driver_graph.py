"""Stream capture by the driver, over a fake of its library. Not run on a GPU."""

from __future__ import annotations

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device import driver_graph
from lrhdr_engines.device.driver_graph import Driver
from tests.engines.device.fake_pycuda import DriverLibrary
from tests.engines.device.fakes import Calls, act


class OneStream:
    handle = 77


@pytest.fixture
def library() -> DriverLibrary:
    return DriverLibrary(Calls())


def test_captured_work_runs_when_it_is_launched(library: DriverLibrary) -> None:
    driver, done = Driver(library), []
    driver.begin_capture(77)
    act(77, lambda: done.append("a"))
    act(77, lambda: done.append("b"))
    graph = driver.end_capture(77)
    assert done == []
    stream: object = OneStream()
    graph.launch(stream)  # type: ignore[arg-type]
    graph.launch(stream)  # type: ignore[arg-type]
    assert done == ["a", "b", "a", "b"]
    assert library.calls.log == ["destroy 1", "launch graph", "launch graph"]


def test_what_was_captured_is_destroyed_when_it_cannot_be_launched(
    library: DriverLibrary,
) -> None:
    driver = Driver(library)
    library.failing["cuGraphInstantiateWithFlags"] = 2
    driver.begin_capture(77)
    with pytest.raises(BackendError, match=r"out of memory .* by cuGraphInstantiateWithFlags"):
        driver.end_capture(77)
    assert library.calls.log == ["destroy 1"]


def test_a_code_without_a_name_is_still_said(library: DriverLibrary) -> None:
    library.failing["cuStreamBeginCapture_v2"] = 4242
    with pytest.raises(BackendError, match=r"CUDA failed: 4242 by cuStreamBeginCapture_v2.*defect"):
        Driver(library).begin_capture(1)


def test_a_missing_driver_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_graph, "DRIVER", "libcuda.so.0-none")
    with pytest.raises(BackendError, match="no NVIDIA driver was found"):
        Driver()
