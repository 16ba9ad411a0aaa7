"""What was not as it should be in a run, by frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

_SHOWN = 8  # runs of frames in a sentence


@dataclass(slots=True)
class Findings:
    """Frames of the clip, each list in order.

    Attributes:
        concealed: their picture was lost in the input; a neighbour's stands in.
        alone: made from one exposure, in a stretch too short for a reconstruction.
        rerun: their result could not be trusted, and was made again in FP32.
        doubtful: black or blown in FP32 too, and kept.
        held: not finite in FP32 either; they are their own exposure, linearised.
    """

    concealed: list[int] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    rerun: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def facts(self) -> dict[str, list[int]]:
        """For --json."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """For the user; none where nothing was found."""
        said = (
            (self.concealed, "damaged in the input, concealed by a neighbour"),
            (self.alone, "between two cuts or slips, made from one exposure each"),
            (self.rerun, "made again in FP32, as the first result could not be trusted"),
            (self.doubtful, "much darker or brighter than their own exposure: look at them"),
            (self.held, "made from one exposure each, as no result could be trusted"),
        )
        return [f"{_named(frames)} {what}" for frames, what in said if frames]


def _named(frames: list[int]) -> str:
    """Frames 3, 7-9 and 12: runs are drawn together, a long list is cut."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    shown = [f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:_SHOWN]]
    more = f" and more ({len(set(frames))} in all)" if len(runs) > _SHOWN else ""
    return f"frame{'' if len(set(frames)) == 1 else 's'} {', '.join(shown)}{more}"
