"""The names of a numbered sequence of files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lrhdr.errors import InputError

_DIGITS = 6  # at least: names then sort in frame order up to a million frames
_NUMBER = re.compile(r"%0?(\d*)d|(#+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`folder/before000012after`."""

    folder: Path
    before: str
    digits: int
    after: str

    @classmethod
    def of(cls, target: Path, suffixes: tuple[str, ...]) -> Names:
        """From a folder, or a pattern such as `frame_%06d.exr` or `shot.####.exr`.

        Args:
            target: what the user named; a folder gets `frame_%06d` and the first suffix.
            suffixes: those that make a name a pattern, in lower case.

        Raises:
            InputError: a name without one place for the number.
        """
        if target.suffix.lower() not in suffixes or target.is_dir():
            return cls(folder=target, before="frame_", digits=_DIGITS, after=suffixes[0])
        numbers = list(_NUMBER.finditer(target.name))
        if len(numbers) != 1:
            raise InputError(
                f"{target} has {len(numbers) or 'no'} places for the frame number",
                expected=f"one, for example frame_%06d{suffixes[0]} or ######{suffixes[0]}",
            )
        found = numbers[0]
        return cls(
            folder=target.parent,
            before=target.name[: found.start()],
            digits=max(_DIGITS, int(found[1] or 0) if found[2] is None else len(found[2])),
            after=target.name[found.end() :],
        )

    @property
    def pattern(self) -> Path:
        """As printf wants it."""
        return self.folder / f"{self.before}%0{self.digits}d{self.after}"

    def path(self, index: int) -> Path:
        """The file of frame `index`."""
        return self.folder / f"{self.before}{index:0{self.digits}d}{self.after}"

    def existing(self, first: int) -> dict[int, Path]:
        """Files of frames from `first` on, by their number. Raises OSError."""
        form = re.compile(re.escape(self.before) + r"(\d+)" + re.escape(self.after))
        found = ((form.fullmatch(file.name), file) for file in self.folder.iterdir())
        return {int(m[1]): file for m, file in found if m and int(m[1]) >= first}

    def unfinished(self) -> list[Path]:
        """What a killed run was writing (see `files.unfinished`). Raises OSError."""
        suffix = Path(self.before + "0" + self.after).suffix
        rest = self.after.removesuffix(suffix)
        form = re.compile(
            rf"\.{re.escape(self.before)}\d+{re.escape(rest)}"
            rf"\.\d+\.part{re.escape(suffix)}"
        )
        return [file for file in self.folder.iterdir() if form.fullmatch(file.name)]
