"""The hidden file beside an unfinished sequence that says which job it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lrhdr_engines.media.same_job import check_same
from lrhdr_engines.media.segment import write_json

_JOB, _STEP = "job", "step"


class RunFile:
    """`.<name>.lrhdr-job.json`: there from the first frame of a run until it is complete."""

    def __init__(self, pattern: Path) -> None:
        """Of the sequence `pattern`, whose folder may hold others."""
        self._pattern = pattern
        self.path = pattern.with_name(f".{pattern.name}.lrhdr-job.json")

    def begin(self, job: Mapping[str, object], step: int = 1) -> None:
        """Say that `job` is under way, writing every `step`-th frame. Raises OSError."""
        write_json(self.path, {_JOB: dict(job), _STEP: step})

    def left(self, job: Mapping[str, object]) -> int | None:
        """The step of the run that was left unfinished; None if none was.

        Raises:
            OutputError: it was another job.
        """
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            before, step = dict(found[_JOB]), int(found[_STEP])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            before, step = {}, 1
        check_same(self._pattern, before, job)
        return step

    def end(self) -> None:
        """The run is complete. Raises OSError."""
        self.path.unlink(missing_ok=True)
