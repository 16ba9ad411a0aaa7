"""Whether a run that goes on is the one that was begun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lrhdr.errors import OutputError


def check_same(target: Path, before: Mapping[str, object], job: Mapping[str, object]) -> None:
    """Compare the job of an unfinished output, as it was read from its file, with this run's.

    Raises:
        OutputError: they differ; it names the first field that does.
    """
    now = json.loads(json.dumps(dict(job)))  # tuples become lists, as in the file
    for name in sorted(set(before) | set(now)):
        if before.get(name) != now.get(name):
            raise OutputError(
                f"{target} cannot be resumed: {name} was {before.get(name)!r} "
                f"and is {now.get(name)!r}",
                expected="the same job as before",
                next_step="Run with the earlier settings, or start again with --overwrite",
            )
