"""The text files of a test set: lists of scenes, of frames and of pairs, and the exposures.

Blank lines, CRLF, a byte-order mark and spaces at the ends of a line count for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from lrhdr.errors import ExposureError, InputError


def read_lines(path: Path, holds: str) -> list[str]:
    """The lines of a list that are not blank.

    Args:
        path: the list.
        holds: what its lines are, in the plural, for the message.

    Raises:
        InputError: the file is missing, no text or empty.
    """
    expected = f"a text file of {holds}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", expected=expected) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file", expected=expected) from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path} is empty", expected=expected)
    return lines


def read_names(path: Path, holds: str) -> list[str]:
    """The lines of a list in which nothing stands twice. See `read_lines`."""
    return _unique(read_lines(path, holds), path)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The "image truth" lines of an `img_hdr_list.txt`; no image stands twice.

    Raises:
        InputError: the list cannot be used, or a line is no pair.
    """
    pairs = []
    for line in read_lines(path, "image and truth pairs"):
        words = line.split()
        if len(words) != 2:
            raise InputError(
                f"{path} has the line {line!r} of {len(words)} names",
                expected="two on each line, an image and its truth",
            )
        pairs.append((words[0], words[1]))
    _unique([image for image, _ in pairs], path)
    return pairs


def read_cycle(path: Path, exposures: int) -> tuple[float, ...]:
    """One cycle of EVs (log2 stops) from an `Exposures.txt`, in the order of the frames.

    White space or commas separate them; `#` starts a comment.

    Raises:
        InputError: the file is missing or empty; an ExposureError: see `check_cycle`.
    """
    lines = read_lines(path, f"{exposures} EVs")
    return check_cycle(" ".join(line.partition("#")[0] for line in lines), exposures, str(path))


def check_cycle(values: str | Iterable[float], exposures: int, origin: str) -> tuple[float, ...]:
    """`values` as a cycle of so many exposures.

    Raises:
        ExposureError: they are not that many different finite numbers. It names `origin`.
    """
    words = values.replace(",", " ").split() if isinstance(values, str) else list(values)
    expected = f"one cycle of {exposures} different EVs"
    try:
        cycle = tuple(map(float, words))
    except ValueError as error:
        raise ExposureError(f"{origin}: {error}", expected=expected) from None
    if len(cycle) != exposures or len(set(cycle)) < exposures or not all(map(math.isfinite, cycle)):
        shown = " ".join(f"{value:g}" for value in cycle[:9]) + (" ..." if len(cycle) > 9 else "")
        raise ExposureError(f"{origin} has {len(cycle)} EVs: {shown or 'none'}", expected=expected)
    return cycle


def check_all_listed(folder: Path, images: Sequence[str], listing: Path) -> None:
    """Refuse a list that is shorter than what its folder holds: a part would pass for the whole.

    Raises:
        InputError: the folder holds .tif files that the list does not name.
    """
    found = {file.name for file in folder.glob("[!.]*.tif")}  # "._a.tif" is no picture
    extra = sorted(found - set(images))
    if extra:
        raise InputError(
            f"{listing} names {len(images)} frames, and {folder} holds {len(extra)} more .tif "
            f"files, such as {extra[0]}",
            expected="a line for every frame",
        )


def find_root(root: Path, folder: str, marker: str) -> Path:
    """`root` itself or the `folder` in it: where the file `marker` is.

    Raises:
        InputError: it is in neither.
    """
    for place in (root, root / folder):
        if (place / marker).is_file():
            return place
    raise InputError(f"{root / marker} is missing", expected=f"it there or in {root / folder}")


def _unique(names: list[str], path: Path) -> list[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InputError(f"{path} names {name!r} twice", expected="each name once")
    return names
