"""What a run may say and with which code it may leave, and what it must have kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lrhdr_benchmarks.faults.case import GUARDED, HARMLESS, SEGMENT, VIDEOS, Case
from lrhdr_benchmarks.faults.child import SECONDS, Ended
from lrhdr_benchmarks.faults.trigger import Plan

_ERROR = "lrhdr-run: error: "
_ALLOWED = re.compile(r"lrhdr-run: |stopping after the frame in hand|looking for|frame \d+|$")
_ANNOUNCED = re.compile(r"lrhdr-run: .*: \d+x\d+, .* on the ")
_FROM = re.compile(r", from frame (\d+) on$")
_CREW = 8  # images under way in threads when everything ends


def said(ended: Ended, case: Case, plan: Plan) -> list[str]:
    """What is wrong with the exit code and stderr of a run."""
    if ended.code is None:
        return [f"it hung: nothing after {SECONDS:g} s"]
    wrong = []
    allowed = _codes(ended, plan)
    if ended.code not in allowed:
        codes = " or ".join(str(code) for code in sorted(allowed))
        last = next((line for line in reversed(ended.lines) if line), "nothing was said")
        wrong.append(f"exit code {ended.code}, expected {codes}: {last}")
    if _crashed(ended):
        wrong.append("a traceback")
    elif strange := [line for line in ended.lines if not _ALLOWED.match(line)]:
        wrong.append(f"strange on stderr: {strange[0]}")
    reported = any(f"frame {case.frame} " in line for line in ended.lines)
    if plan.fault in ("damaged frame", *GUARDED) and not reported:
        wrong.append(f"nothing was said of frame {case.frame}")
    errors = sum(line.startswith(_ERROR) for line in ended.lines)
    if errors != (ended.code == 2) and not _crashed(ended):
        wrong.append(f"{errors} error lines with exit code {ended.code}")
    return wrong


def _codes(ended: Ended, plan: Plan) -> set[int]:
    """The exit codes that the manual allows."""
    fault = plan.fault
    if fault is None or fault in HARMLESS:
        return {0}
    if fault == "pipe closed":
        return {2}
    if not ended.fired:
        return {0}
    match fault:
        case "SIGKILL" | "SIGKILL twice":
            return {-9}
        case "SIGINT" | "SIGTERM" | "SIGINT twice":
            return {0, 130}  # a short run may be over before it hears of it
        case "clip truncated":
            return {0, 1}  # all may have been read
        case "read error":
            return {0, 1, 2}  # only the end may have been left to read
        case _:
            return {2}


def complete(ended: Ended) -> bool:
    """Whether a run did all it could: there is nothing to go on with."""
    return ended.code == 0 or (ended.code == 1 and not _crashed(ended))


def _crashed(ended: Ended) -> bool:
    return any(line.startswith("Traceback") for line in ended.lines)


def sure(ended: Ended) -> int:
    """Frames of a clip that ended early whose windows were whole."""
    return max(0, max(ended.written, default=-1))


def kept(before: Sequence[Ended], after: Ended, case: Case) -> list[str]:
    """Whether a run went on where those `before` had to leave it: what was finished is there."""
    said = [line for line in after.lines if _ANNOUNCED.match(line)]
    if case.piped is not None or "y4m" in case.outputs or not said:
        return []  # pipes cannot be continued, and are made again
    found = _FROM.search(said[0])
    first = int(found.group(1)) if found else 0
    finished = max((index + 1 for ended in before for index in ended.written), default=0)
    allowed = 0
    if case.fault not in ("SIGINT", "SIGTERM", "inference fails", "decoder raises", "read error"):
        allowed = SEGMENT if set(VIDEOS) & set(case.outputs) else _CREW
    wrong = []
    if first + allowed < finished:
        wrong.append(f"{finished} frames were finished, and it went on from frame {first}")
    last = before[-1]
    if first and last.code in (2, 130):
        if any("nothing was written" in line for line in last.lines):
            wrong.append(f"it said that nothing was written, and {first} frames were kept")
        if not any("go on with: " in line for line in last.lines):
            wrong.append(f"{first} frames were kept, and it did not say how to go on")
    return wrong
