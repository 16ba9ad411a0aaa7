"""The driver's calls, against a library that really is one to ctypes."""

from __future__ import annotations

from typing import Any

import pytest

from lrhdr_engines.doctor.driver import CudaDriver, DriverError, Gpu, driver_version

GIB = 2**30


def test_what_a_driver_tells(fake_driver: Any) -> None:
    driver = CudaDriver(fake_driver())
    assert driver.cuda_version == "13.2"
    assert driver.gpus() == [
        Gpu(name="First", sm=120, memory=16 * GIB),
        Gpu(name="Second", sm=89, memory=8 * GIB),
    ]
    assert driver_version(fake_driver()) == "580.65.06"


def test_a_driver_without_gpus(fake_driver: Any) -> None:
    driver = CudaDriver(fake_driver(FAULT=100))
    assert driver.gpus() == []
    assert driver.cuda_version == "13.2"


def test_a_driver_that_refuses_to_start(fake_driver: Any) -> None:
    with pytest.raises(DriverError, match="SYSTEM_DRIVER_MISMATCH by cuInit") as caught:
        CudaDriver(fake_driver(FAULT=803))
    assert "Restart" in caught.value.remedy
    assert driver_version(fake_driver(FAULT=803)) is None


def test_a_gpu_that_was_lost(fake_driver: Any) -> None:
    driver = CudaDriver(fake_driver(LOST=700))
    with pytest.raises(DriverError, match="ILLEGAL_ADDRESS by cuDeviceGetAttribute"):
        driver.gpus()


def test_an_error_without_a_name(fake_driver: Any) -> None:
    with pytest.raises(DriverError, match="CUDA error 42 by cuInit") as caught:
        CudaDriver(fake_driver(FAULT=42))
    assert "nvidia-smi" in caught.value.remedy


def test_no_driver() -> None:
    with pytest.raises(OSError, match="no such driver"):
        CudaDriver("no such driver")
    assert driver_version("no such library") is None
