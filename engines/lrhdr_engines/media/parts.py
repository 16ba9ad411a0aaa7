"""The hidden folder beside an output, in which its frames wait until they are all there."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lrhdr.errors import OutputError
from lrhdr_engines.lock import locked
from lrhdr_engines.media.files import exists_error, sync_folder
from lrhdr_engines.media.same_job import check_same
from lrhdr_engines.media.segment import SIDECAR, Segment, read_segment, write_json

_JOB, _JOINED, _LOCK = "job.json", "joined.json", "lock"


class Parts:
    """`.<name>.parts`: the job, its finished segments, and a lock while a run writes them."""

    def __init__(self, target: Path) -> None:
        """Nothing is touched yet."""
        self.target = target
        self.folder = target.with_name(f".{target.name}.parts")
        self._held = ExitStack()

    def begin(
        self, job: Mapping[str, object], *, resume: bool, overwrite: bool
    ) -> tuple[Segment, ...]:
        """Make or take over the folder.

        Returns:
            The finished segments that the run goes on after, without a gap.

        Raises:
            OutputError: there is an earlier run's output or folder, and neither `resume` nor
                `overwrite`; what is resumed was made by another job; another process is at it.
            OSError: the folder cannot be made.
        """
        left = self._left()
        if left and not (resume or overwrite):
            raise OutputError(
                f"{self.target} was begun by an earlier run, whose frames are in {self.folder}",
                expected="a new name",
                next_step="--resume goes on, --overwrite starts again",
            )
        if left and resume:
            self._compare(job)
        if not overwrite and not self.may_replace():
            raise exists_error(self.target)
        self.folder.mkdir(exist_ok=True)
        self._lock()
        self._clear_old()
        segments = self._whole() if resume else []
        self._sweep(segments)
        write_json(self.folder / _JOB, dict(job))
        return tuple(segments)

    def _left(self) -> bool:
        """Whether there is anything that a resumed run could use."""
        return any(file.stem.isdigit() for file in self.folder.glob(f"*{SIDECAR}"))

    def _compare(self, job: Mapping[str, object]) -> None:
        try:
            before = json.loads((self.folder / _JOB).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        check_same(self.target, before, job)

    def may_replace(self) -> bool:
        """Whether the target is not there, or is what `publish` put there."""
        if not self.target.exists():
            return True
        return _look(self.target) in self._published()

    def _published(self) -> list[dict[str, int]]:
        try:
            return list(json.loads((self.folder / _JOINED).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return []

    @property
    def whole(self) -> Path:
        """Where the segments are joined, before the file gets its name."""
        return self.folder / f"whole{self.target.suffix}"

    def publish(self) -> None:
        """Give `whole` the target's name, as a file of this job. Raises OSError."""
        # Before the renaming, so that a run killed in between finds its own file.
        write_json(self.folder / _JOINED, [*self._published()[-1:], _look(self.whole)])
        self.whole.replace(self.target)
        sync_folder(self.target.parent)

    def _lock(self) -> None:
        def taken() -> None:
            raise OutputError(
                f"{self.target} is being written by another process",
                next_step="Wait until it has ended, or choose another name",
            )

        self._held.enter_context(locked(self.folder / _LOCK, taken))

    def _whole(self) -> list[Segment]:
        found: list[Segment] = []
        while segment := read_segment(self.folder, sum(s.frames for s in found)):
            found.append(segment)
        return found

    def _sweep(self, segments: list[Segment]) -> None:
        """Remove all but the segments: what died unfinished, and what follows a damaged one."""
        kept = {f"{segment.before:08d}" for segment in segments}
        kept |= {Path(name).stem for name in (_LOCK, _JOB, _JOINED)} if segments else {_LOCK}
        for file in self.folder.iterdir():
            if file.name.split(".")[0] not in kept or file.suffix == ".part":
                file.unlink()

    def release(self) -> None:
        """Let others at the folder; what is in it stays."""
        self._held.close()

    def remove(self) -> None:
        """The folder and all that is in it; renamed first, so that no half of it can be taken."""
        self.release()
        with contextlib.suppress(OSError):
            self.folder.replace(self._old)
        self._clear_old()

    @property
    def _old(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.old")

    def _clear_old(self) -> None:
        shutil.rmtree(self._old, ignore_errors=True)


def _look(file: Path) -> dict[str, int]:
    state = file.stat()
    return {"size": state.st_size, "modified": state.st_mtime_ns}
