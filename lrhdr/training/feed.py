"""Items as batches, in an order that does not depend on where a run was stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from lrhdr.training import distributed

Batch = dict[str, Tensor]


def batches(data: Dataset[Batch], steps: range, *, size: int, workers: int) -> Iterator[Batch]:
    """The batches of these steps: items in their order, the processes taking turns by batch.

    Args:
        data: at least size * processes * steps.stop items.
        steps: from where the run stands to its end.
        size: items a batch.
        workers: processes that render, 0 for none.
    """
    count, own = distributed.world(), distributed.rank()
    order = [(step * count + own) * size + k for step in steps for k in range(size)]
    loader: DataLoader[Batch] = DataLoader(
        Subset(data, order),
        batch_size=size,
        num_workers=workers,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if workers else None,
        # A loader draws a seed when it starts; from here, the losses' noise stays as it is.
        generator=torch.Generator(),
    )
    return iter(loader)


def _start_worker(_: int) -> None:
    torch.set_num_threads(1)
    # Ctrl-C reaches every process of a terminal: the one that trains decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
