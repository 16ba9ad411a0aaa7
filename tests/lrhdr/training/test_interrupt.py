"""Ctrl-C keeps the step reached, and going on gives what an uninterrupted run gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrhdr.command import interruptible
from lrhdr.model.weights import load_weights
from lrhdr.training.loop import Loop
from tests.lrhdr.training.line import FAST, Line, Points, figures, fit, noisy
from tests.lrhdr.training.miniature import ROOT, rows, same

# Says on stdout which step is done, and takes its time over each.
SLOW = """
import time
from lrhdr.training.progress import Progress
from tests.lrhdr.training.miniature import main, shrink
advance = Progress.advance
def slow(progress, step, losses):
    advance(progress, step, losses)
    print(step, flush=True)
    time.sleep(0.05)
Progress.advance = slow
shrink(setattr)
main()
"""


def test_control_c_in_a_process_of_its_own(
    train: Callable[..., int], hdr_folder: Path, tmp_path: Path
) -> None:
    # The paper's interpolator, whose levels are taught with noise.
    words = ("--preset", "paper", "--stage", "interpolator", "--steps", "20", "--every", "100")
    out = tmp_path / "stopped"
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--data", hdr_folder, "--out", out, "--batch", "1", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    while child.stdout.readline() != "3\n":
        assert child.poll() is None
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the worker that renders gets it too
    _, errors = child.communicate(timeout=600)
    assert child.returncode == 130, errors
    assert "Traceback" not in errors
    assert errors.count("stopping after the step in hand") == 1  # the worker ignores it
    step = int(torch.load(out / "interpolator" / "last.pt", weights_only=True)["step"])
    assert 3 <= step < 20
    assert f"stopped at step {step}" in errors
    assert not (out / "weights.safetensors").exists()

    assert train("--out", out, *words) == 0
    assert train("--out", tmp_path / "whole", *words) == 0
    a, b = (load_weights(tmp_path / f / "weights.safetensors") for f in ("stopped", "whole"))
    assert same(a.state_dict(), b.state_dict())
    assert rows(out / "interpolator")[-1]["step"] == 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["in the loss", "in the validation"])
def test_a_signal_waits_for_the_step(tmp_path: Path, number: int, moment: str) -> None:
    whole = fit(tmp_path / "whole")
    torch.manual_seed(1)
    line = Line()
    loss = noisy(line)
    steps = [0]

    def stopping(batch: dict[str, torch.Tensor], progress: float) -> object:
        steps[0] += 1
        result = loss(batch, progress)  # draws noise, which the step must not lose
        if moment == "in the loss" and steps[0] == 3:
            os.kill(os.getpid(), number)
        return result

    def validate() -> dict[str, float]:
        if moment == "in the validation":
            os.kill(os.getpid(), number)
        return figures()

    loop = Loop(line, line.groups(), FAST, tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        loop.run(Points(), stopping, validate)  # type: ignore[arg-type]
    assert loop.step == steps[0] == (3 if moment == "in the loss" else 2)
    rest = fit(tmp_path / "parts", seed=99)
    for name in ("module", "average"):
        assert same(getattr(rest, name).state_dict(), getattr(whole, name).state_dict())


def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    line = Line()
    loss = noisy(line)

    def stopping(batch: dict[str, torch.Tensor], progress: float) -> object:
        if progress >= 0.5:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("it went on")
        return loss(batch, progress)

    with pytest.raises(KeyboardInterrupt):
        Loop(line, line.groups(), FAST, tmp_path).run(Points(), stopping, figures)  # type: ignore[arg-type]
    # What the step had done so far is not kept: the checkpoint is that of step 2.
    other = Line()
    assert Loop(other, other.groups(), FAST, tmp_path).step == 2


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible("stopping", "leaves") as stop:
        assert signal.getsignal(signal.SIGINT) is not before[0]
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_hears_of_no_signal() -> None:
    heard = []

    def work() -> None:
        with interruptible("stopping", "leaves") as stop:
            heard.append(stop.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [False]
