"""Drivers to look at: real libraries, compiled from `fake_driver.c`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fake_driver.c")
Driver = Callable[..., str]


@pytest.fixture(scope="session")
def fake_driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """`fake_driver(FAULT=803)`: the path of a driver's library."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler was found")
    folder = tmp_path_factory.mktemp("driver")

    def build(**faults: int) -> str:
        library = folder / f"{'-'.join(f'{k}{v}' for k, v in faults.items()) or 'whole'}.so"
        if not library.exists():
            options = [f"-D{name}={value}" for name, value in faults.items()]
            subprocess.run(
                [compiler, "-shared", "-fPIC", *options, str(SOURCE), "-o", str(library)],
                check=True,
                timeout=60,
            )
        return str(library)

    return build
