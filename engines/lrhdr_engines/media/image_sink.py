"""Image sequences: one file a frame, written by several threads."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import LrhdrError
from lrhdr_engines.media.crew import Crew
from lrhdr_engines.media.files import ExistsError, check_target, unfinished, write_error
from lrhdr_engines.media.image_format import ImageFormat
from lrhdr_engines.media.run_file import RunFile
from lrhdr_engines.media.sequence import Names
from lrhdr_engines.media.signal import checked
from lrhdr_engines.media.sink import OutputSettings, Picture


class ImageSink:
    """A folder of images, named by the clip's frame numbers. See `Sink`.

    Each file is whole once it has its name, so a run that dies, however it dies, goes on where
    the first frame is missing. An error of a writer thread is raised by the next `write`, or by
    `close`; frames under way beside it are finished.
    """

    takes_pq = False

    def __init__(
        self,
        target: Path,
        image: ImageFormat,
        settings: OutputSettings,
        *,
        threads: int | None = None,
    ) -> None:
        """Checks the name and the place, and makes the folder.

        Raises:
            InputError: a single name, where a pattern such as frame_%06d.exr is needed.
            OutputError: frames of this run exist and are neither to be replaced nor continued,
                what is to be continued was another job, or the folder cannot be written.
        """
        self._image, self._settings = image, settings
        self._names = Names.of(target, image.suffixes)
        self._run = RunFile(self._names.pattern)
        self._step: int | None = None  # known from the second frame on
        self._next = self._last = settings.first_index
        self._kept = self._new = self._repaired = 0
        self._written: list[int] = []
        folder = self._names.folder
        if not folder.parent.is_dir():
            check_target(folder, overwrite=True)
        self._made = not folder.exists()
        try:
            folder.mkdir(exist_ok=True)
            self._stale = self._check_existing()
            probe = unfinished(self._names.path(settings.first_index))
            probe.touch()
            probe.unlink()
        except (OSError, LrhdrError) as error:
            self._remove_folder()
            if isinstance(error, OSError):
                raise write_error(folder, error) from None
            raise
        self._crew = Crew(threads)

    def _check_existing(self) -> list[Path]:
        """Finds what a resumed run keeps. Returns what is to be replaced.

        Frames before this run's first are no part of it, and stay.
        """
        settings = self._settings
        there = self._names.existing(settings.first_index)
        if settings.resume and (step := self._run.left(self._job())) is not None:
            self._keep(there, step)
            return self._names.unfinished()
        if there and not settings.overwrite:
            raise ExistsError(
                f"{min(there.values())} exists",
                expected="a folder without the frames of this run",
                next_step="--resume goes on, --overwrite starts again"
                if self._run.path.exists()
                else "Choose another folder, or replace them with --overwrite",
            )
        if settings.overwrite:
            return [*there.values(), *self._names.unfinished()]
        return self._names.unfinished() if settings.resume else []

    def _keep(self, there: dict[int, Path], step: int) -> None:
        while self._next in there:
            self._next += step
            self._kept += 1
        # What is whole by its name may still be cut off where the power failed.
        while self._kept and not self._image.readable(there[self._next - step]):
            self._next -= step
            self._kept -= 1
        self._step = step if self._kept > 1 else None

    def _job(self) -> dict[str, object]:
        settings = self._settings
        return {
            "size": [settings.width, settings.height],
            "frame rate": str(settings.frame_rate),
            "first frame": settings.first_index,
            "timecode": settings.timecode,
            "white": settings.white_nits,
            **self._image.job,
            **{f"job {name}": value for name, value in settings.job.items()},
        }

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._next

    @property
    def kept(self) -> int:
        """See `Sink`."""
        return self._kept + len(self._written)

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        if index < self._next:
            return  # it is there, and the same
        frame, bad = checked(picture, self._settings)
        data = self._image.prepare(frame)  # a copy: the caller may use the frame's memory again
        try:
            self._begin(index)
        except OSError as error:
            raise write_error(self._run.path, error) from None
        self._crew.do(lambda: self._write(index, data, time))
        self._new += 1
        self._repaired += bad

    def _begin(self, index: int) -> None:
        """Before frame `index` goes to the threads. Raises OSError."""
        if not self._new:
            for file in self._stale:
                file.unlink(missing_ok=True)
        if self._kept + self._new == 0:
            self._run.begin(self._job())
        elif self._step is None:
            self._step = index - self._last
            if self._step != 1:
                self._run.begin(self._job(), self._step)
        self._last = index

    def _write(self, index: int, data: NDArray[np.floating[Any]], time: Fraction) -> None:
        """In a thread."""
        name = self._names.path(index)
        part = unfinished(name)
        try:
            self._image.write(part, data, time)
            part.replace(name)
        except BaseException as error:
            part.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise write_error(name, error) from None
            raise
        self._written.append(index)  # atomic

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Waits for the frames under way. See `Sink`."""
        self._crew.finish()
        frames = self._kept + len(self._written)
        start = self._settings.first_index
        first = self._names.path(start if self._kept else min(self._written, default=start))
        self._remove_folder()
        if complete and not keep:
            self.tidy()
        return {
            "kind": self._image.kind,
            "path": str(self._names.pattern) if frames else None,
            "frames": frames,
            "first": str(first) if frames else None,
            "white_nits": self._settings.white_nits,
            "repaired_values": self._repaired,
            "notes": [*self._image.notes] if frames else ["no frame was written"],
        }

    def tidy(self) -> None:
        """Remove the job's file. See `Sink`."""
        with contextlib.suppress(OSError):  # a hidden file that stays harms nobody
            self._run.end()

    def abort(self) -> None:
        """Complete frames stay; a folder made for nothing goes. See `Sink`."""
        self._crew.stop()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._made and not self._kept and not self._written and self._names.folder.is_dir():
            with contextlib.suppress(OSError):  # someone else put a file there
                self._run.end()
                self._names.folder.rmdir()
