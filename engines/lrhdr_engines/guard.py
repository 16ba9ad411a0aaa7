"""No frame leaves unseen: what is not finite, black or blown is made again, or made simply.

Where the reference frame is neither black nor clipped it says how bright the
result has to be: Gamma(L) (Eq. 1) is the radiance itself, up to noise and
quantisation. A result is black or blown where its mean over those pixels is
less than a quarter or more than four times that of the reference. An FP16
engine that overflows, a driver at fault or memory that fails do that. FP32 on
the CPU is believed, unless it is not finite either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr_engines.findings import Findings
from lrhdr_engines.media.signal.finite import not_finite
from lrhdr_engines.media.sink import PqPicture
from lrhdr_engines.reconstruct import Reconstructor, ReconstructsWith, RgbFrame, white
from lrhdr_engines.segments import radiance_of
from lrhdr_engines.streaming import Output, sparse
from lrhdr_engines.timeline import Timeline

log = logging.getLogger(__name__)

_SAMPLED = 64  # rows and columns looked at, at least
_DARK, _CLIPPED = 0.06, 0.94  # of white, gamma space: between them a code tells the light
_FACTOR = 4.0
_ENOUGH = 16  # pixels


class Guard:
    """Looks at every output of a run."""

    def __init__(
        self,
        timeline: Timeline,
        findings: Findings,
        again: Callable[[], ReconstructsWith] | None,
    ) -> None:
        """Begin a run.

        Args:
            timeline: of the clip.
            findings: told what was made again.
            again: loads the engine that makes a frame again; None where there is no better one.
        """
        self._timeline = timeline
        self._findings = findings
        self._again = again
        self._engine: ReconstructsWith | None = None

    def checked(self, output: Output) -> Output:
        """The output, or a better one of the same frame."""
        fault = _broken(output) or self._doubt(output)
        if fault is None:
            return output
        found, log_line = self._findings, f"frame {output.index} is {fault}"
        if self._again is not None:
            output = self._rerun(output, self._again)
            found.rerun.append(output.index)
            log_line += ": made again in FP32"
        if _broken(output):
            found.held.append(output.index)
            log_line += ": its own exposure stands in"
            picture = radiance_of(self._reference(output), self._timeline.ev_of(output.index))
            output = replace(output, picture=picture, pq_white_nits=None, masks=None)
        elif self._doubt(output):  # FP32 is believed: the scene may be so, but someone should look
            found.doubtful.append(output.index)
            log_line += ": kept"
        log.warning(log_line)
        return output

    def _doubt(self, output: Output) -> str | None:
        """Whether it is black or blown, against what its own exposure tells."""
        codes = sparse(self._reference(output), _SAMPLED)
        shown = codes / white(codes)
        telling = ((shown > _DARK) & (shown < _CLIPPED)).all(axis=2)
        if np.count_nonzero(telling) < _ENOUGH:
            return None
        sampled = output.sampled(_SAMPLED)
        expected = radiance_of(codes, self._timeline.ev_of(output.index))[telling].mean()
        ratio = float(sampled[telling].mean() / expected)
        if ratio * _FACTOR < 1:
            return f"black ({ratio:.2g} times its exposure's light)"
        return f"blown ({ratio:.2g} times its exposure's light)" if ratio > _FACTOR else None

    def _reference(self, output: Output) -> RgbFrame:
        return output.window.frames[WINDOWS[len(self._timeline.ev)].reference]

    def _rerun(self, output: Output, load: Callable[[], ReconstructsWith]) -> Output:
        """The same window by the better engine."""
        self._engine = self._engine or load()
        segment = self._timeline.segment_at(output.index)
        exposures = len(segment.ev)
        # The window counts the frames of the clip, as the cycle then has to.
        cycle = [segment.ev[(frame - segment.start) % exposures] for frame in range(exposures)]
        hdr = Reconstructor(self._engine, cycle).reconstruct(output.window).hdr
        gain = np.float32(2.0 ** -min(cycle))
        picture = np.ascontiguousarray(hdr.transpose(1, 2, 0)) * gain
        return replace(output, picture=picture, pq_white_nits=None)


def _broken(output: Output) -> str | None:
    """Whether it has values that are not finite."""
    picture = output.picture
    bad = picture.repaired if isinstance(picture, PqPicture) else not_finite(picture)
    return f"not finite in {bad} values" if bad else None
