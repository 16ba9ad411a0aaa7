"""Classical merges of `lrhdr.baselines` as subjects: what HDR costs without a network."""

from __future__ import annotations

from typing import Literal

import cv2

from lrhdr.baselines import BASELINES
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.windowed import WindowedSubject


class MergeSubject(WindowedSubject):
    """A merge of the two adjacent frames into the reference; see `Subject`."""

    def __init__(
        self, case: Case, kind: Literal["dis", "debevec"], threads: int | None = None
    ) -> None:
        """Begin the clip.

        Args:
            case: the frames; its model means nothing.
            kind: "dis", aligned by optical flow, or "debevec", OpenCV's merge of what moves not.
            threads: of OpenCV; None leaves them as they are.

        Raises:
            InputError: a cycle of so many exposures is not known.
        """
        if threads is not None:
            cv2.setNumThreads(threads)
        # Both see the two adjacent frames alone, however long the cycle is.
        super().__init__(case, BASELINES[kind], ahead=1)
