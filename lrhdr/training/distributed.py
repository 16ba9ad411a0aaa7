"""Several processes, started by torchrun: every one takes its share of the batch.

The network's parts are called one by one, so gradients are averaged by hand
after the backward pass instead of by a wrapper around the module.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed


@contextmanager
def group() -> Iterator[None]:
    """Be in the group that torchrun set up, if it did.

    The group's threads end here: left to the end of the interpreter, they can keep it from ending.
    """
    if "WORLD_SIZE" not in os.environ or distributed.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0, the one that writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    flat /= world()
    means = torch.split(flat, [g.numel() for g in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))


def average(value: float) -> float:
    """The mean of a number over the processes."""
    if world() == 1:
        return value
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tensor = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return float(tensor) / world()


def anywhere(flag: bool) -> bool:
    """Whether the flag is set in any of the processes."""
    return average(float(flag)) > 0.0


def wait() -> None:
    """Until all are here: what the first has written, the others may read."""
    if world() > 1:
        distributed.barrier()
