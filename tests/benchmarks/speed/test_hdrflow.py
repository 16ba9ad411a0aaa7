"""HDRFlow as a subject, with the stand-in for its clone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from lrhdr.errors import InputError
from lrhdr_benchmarks.evaluate.hdrflow import HdrFlow, own_checkpoint
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.hdrflow import HdrFlowSubject
from lrhdr_benchmarks.speed.record import Case
from tests.benchmarks.evaluate.test_hdrflow import write_checkpoint, write_clone

GAIN = 0.5
WIDTH, HEIGHT = 40, 24


def case(exposures: int) -> Case:
    return Case(subject="hdrflow eager", model="", exposures=exposures, width=WIDTH, height=HEIGHT)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write_clone(tmp_path)


@pytest.fixture
def kept_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def add_checkpoint(clone: Path, exposures: int) -> Path:
    path = own_checkpoint(clone, exposures)
    path.parent.mkdir(parents=True)
    return write_checkpoint(path, exposures, gain=GAIN)


@pytest.mark.parametrize("exposures", [2, 3])
def test_each_output_is_its_frame_by_the_clones_weights(clone: Path, exposures: int) -> None:
    add_checkpoint(clone, exposures)
    subject = HdrFlowSubject(case(exposures), None, clone)
    assert subject.ahead == exposures - 1
    ev = clips.ev(exposures)
    for index, frame in enumerate(islice(clips.frames(WIDTH, HEIGHT, exposures), 5)):
        expected = GAIN * (frame / 255.0) ** 2.2 / 2.0 ** ev[index % exposures]
        found = subject.output()
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert subject.stages() == subject.graph_ms() == {}
    subject.close()


@pytest.mark.parametrize("pointer", [False, True], ids=["none", "pointer"])
def test_without_the_weights_the_network_keeps_its_own(clone: Path, pointer: bool) -> None:
    if pointer:
        add_checkpoint(clone, 2).write_text("version https://git-lfs.github.com/spec/v1\nsize 9\n")
    # The stand-in draws a gain of 0.
    np.testing.assert_array_equal(HdrFlowSubject(case(2), None, clone).output(), 0.0)
    network = HdrFlow(clone, None, 2)
    np.testing.assert_array_equal(
        network.reconstruct([np.ones((8, 8, 3), np.float32)] * 3, [1] * 3), 0
    )


def test_weights_of_something_else_are_refused(clone: Path) -> None:
    add_checkpoint(clone, 2).write_bytes(bytes(5000))
    with pytest.raises(InputError, match=r"checkpoint\.pth does not load"):
        HdrFlowSubject(case(2), None, clone)


def test_a_folder_that_is_no_clone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model_2E\.py does not exist.*git clone"):
        HdrFlowSubject(case(2), None, tmp_path / "nothing")


@pytest.mark.usefixtures("kept_threads")
def test_threads_are_torchs(clone: Path) -> None:
    HdrFlowSubject(case(2), 1, clone)
    assert torch.get_num_threads() == 1
