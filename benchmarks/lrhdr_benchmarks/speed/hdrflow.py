"""HDRFlow as a subject, from the user's own clone of it; see `evaluate.hdrflow`."""

from __future__ import annotations

from pathlib import Path

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.evaluate.hdrflow import HdrFlow, own_checkpoint
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.windowed import WindowedSubject

_POINTER_BYTES = 1024  # Git LFS: a pointer, which stands in for a file not fetched, is smaller


class HdrFlowSubject(WindowedSubject):
    """HDRFlow by torch, not compiled, on the GPU where torch finds one; see `Subject`.

    Without the clone's checkpoint the weights are random: the time does not depend on them, and
    the picture is none.
    """

    def __init__(self, case: Case, threads: int | None, clone: Path) -> None:
        """Load the network and begin the clip.

        Args:
            case: the frames; its model means nothing.
            threads: of torch; None leaves them as they are.
            clone: folder of HDRFlow's repository.

        Raises:
            InputError: torch is missing, or the clone is none or cannot be used.
        """
        checkpoint = own_checkpoint(clone, case.exposures)
        fetched = checkpoint.is_file() and checkpoint.stat().st_size >= _POINTER_BYTES
        network = HdrFlow(clone, checkpoint if fetched else None, case.exposures)
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        super().__init__(case, network.reconstruct, ahead=WINDOWS[case.exposures].offsets[-1])
