"""Two processes, as torchrun starts them, learn what one does with the doubled batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lrhdr.model.config import Preset, preset
from lrhdr.model.network import Network
from lrhdr.model.weights import read_notes
from lrhdr.training import distributed
from lrhdr.training.feed import Batch
from lrhdr.training.loop import Loop, Loss
from tests.lrhdr.training.miniature import ROOT, rows, same

PATIENCE, TRIES = 240, 3  # seconds, where 15 are usual
# torch counts its threads by OpenMP's and then by MKL's number.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

CHILD = """
import sys
import warnings
from pathlib import Path
from lrhdr.training import stages
from tests.lrhdr.training.miniature import main, shrink
from tests.lrhdr.training.test_distributed import keeping
stages.Loop = keeping(Path(sys.argv.pop(1)))
shrink(setattr)
main()
"""


def keeping(folder: Path) -> type[Loop]:
    """A loop that keeps every loss in full and the weights it ends with, for each process."""
    losses: list[float] = []

    class Kept(Loop):
        def _update(self, batch: Batch, loss: Loss) -> dict[str, float]:
            values = super()._update(batch, loss)
            losses.append(values["loss"])
            return values

        def run(self, *things: Any) -> dict[str, float]:
            figures = super().run(*things)
            kept = {"losses": losses, "module": self.module.state_dict()}
            torch.save(kept, folder / f"{distributed.rank()}-of-{distributed.world()}.pt")
            return figures

    return Kept


def start(kept: Path, out: Path, *words: object, **variables: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(kept), "--out", str(out), *map(str, words)],
        env=os.environ | {"PYTHONPATH": paths} | ONE_THREAD | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(children: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """What they said.

    Raises:
        TimeoutExpired: one is stuck. None is left running.
    """
    try:
        said = [child.communicate(timeout=PATIENCE) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert [child.returncode for child in children] == [0] * len(children), said
    return said


def trained(folder: Path, data: Path) -> list[tuple[str, str]]:
    """All stages in `folder`, by one process and then by two; what the two said."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    words = ("--data", data, "--steps", "4", "--every", "9", "--workers", "0", "--batch")
    ended([start(folder, folder / "one", *words, "2")])
    group = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    ranks = [{"RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]
    return ended([start(folder, folder / "two", *words, "1", **group, **rank) for rank in ranks])


@pytest.fixture(scope="module")
def runs(hdr_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages, by two processes and by one.

    Processes of two threads each, beside each other on two cores, were seen to stay in a kernel of
    torch's backward pass (oneDNN's gradient of a 1x1 convolution's weights in bfloat16), where one
    thread waits for the other, until a debugger stopped them for a moment. So they have one thread;
    a group that is stuck all the same is started again.
    """
    for _ in range(TRIES - 1):
        try:
            return _runs(hdr_folder, tmp_path_factory.mktemp("runs"))
        except subprocess.TimeoutExpired:
            warnings.warn(f"a process was stuck for {PATIENCE} s, and is tried again", stacklevel=2)
    return _runs(hdr_folder, tmp_path_factory.mktemp("runs"))


def _runs(data: Path, folder: Path) -> Path:
    said = trained(folder, data)
    # The first speaks for all.
    assert said[1] == ("", "")
    assert "wrote" in said[0][0]
    return folder


def kept(runs: Path, name: str) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(runs / f"{name}.pt", weights_only=True)
    return state


def test_losses_are_those_of_one_process_with_the_doubled_batch(runs: Path) -> None:
    one, first, second = (kept(runs, name)["losses"] for name in ("0-of-1", "0-of-2", "1-of-2"))
    assert len(one) == 4  # one of the interpolator, two of fusion, one of all
    assert first == second
    # AdamW's first steps follow the signs of gradients, and the sign of almost nothing may differ,
    # by the CPU. Half of the batch would change all but the second by 15% and more.
    assert first[:2] == pytest.approx(one[:2], rel=1e-5)
    assert first == pytest.approx(one, rel=1e-2)


def test_processes_end_with_equal_weights(runs: Path) -> None:
    one, first, second = (kept(runs, name)["module"] for name in ("0-of-1", "0-of-2", "1-of-2"))
    assert same(first, second)
    # As above; with half of the batch 4e-4, measured.
    different = torch.cat([(first[name] - value).abs().flatten() for name, value in one.items()])
    assert different.mean() < 2e-5
    assert different.max() < 1e-2


def test_the_first_writes_for_all(runs: Path) -> None:
    assert [row["step"] for row in rows(runs / "two" / "fusion")] == [2]
    notes = read_notes(runs / "two" / "weights.safetensors")
    assert (notes["batch"], notes["steps"]) == (2, 1)
    one, two = (
        {p.relative_to(runs / name) for p in (runs / name).rglob("*") if "events" not in p.name}
        for name in ("one", "two")
    )
    assert one == two
    # One writer of events a stage, where TensorBoard is installed.
    assert len(list(runs.glob("two/*/tensorboard/*"))) in (0, 3)


def test_one_process_alone_needs_no_group() -> None:
    assert (distributed.world(), distributed.rank()) == (1, 0)
    assert distributed.average(0.1) == 0.1
    assert distributed.anywhere(True)
    assert not distributed.anywhere(False)
    distributed.wait()


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("name", ["lite", "paper"])
def test_no_layer_looks_at_the_whole_batch(name: Preset, exposures: int) -> None:
    with torch.device("meta"):
        network = Network(preset(name, exposures))
    assert not [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]
    assert list(network.buffers()) == []
