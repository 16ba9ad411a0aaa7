"""What `ImageSink` must know of a file format, and how OpenImageIO writes a file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from lrhdr_engines.media.sink import Radiance

Pixels = NDArray[np.floating[Any]]


class ImageFormat(Protocol):
    """One file a frame."""

    @property
    def kind(self) -> str:
        """The format's name."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of its files; a folder's get the first."""
        ...

    @property
    def job(self) -> Mapping[str, object]:
        """What a resumed run must have in common with the first, as JSON values."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the user on what the format cannot carry."""
        ...

    def prepare(self, frame: Radiance) -> Pixels:
        """(H, W, 3) finite radiance, as `write` wants it, in memory of its own."""
        ...

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        """One file, from any thread; `time` as in `Sink.write`. Raises OSError."""
        ...

    def readable(self, path: Path) -> bool:
        """Whether a file that should be whole is, as far as a quick look tells."""
        ...


def write_image(path: Path, pixels: Pixels, spec: oiio.ImageSpec) -> None:
    """One file. Raises OSError with OpenImageIO's reason."""
    out = oiio.ImageOutput.create(str(path))
    if out is None:
        raise OSError(errno.EINVAL, f"OpenImageIO cannot write it: {oiio.geterror()}")
    written = out.open(str(path), spec) and out.write_image(pixels)
    reason = " ".join(out.geterror().split())
    if not (out.close() and written):
        # The libraries say only that output failed; the usual reason is asked of the disk.
        full = shutil.disk_usage(path.parent).free < pixels.nbytes
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(reason)


def has_size(path: Path, width: int, height: int) -> bool:
    """Whether a file's header and last row can be read, and it has this size."""
    image = oiio.ImageInput.open(str(path))
    if image is None:
        oiio.geterror()  # taken, or it would be reported when the process ends
        return False
    spec = image.spec()
    same = (spec.width, spec.height) == (width, height)
    rows = image.read_scanlines(height - 1, height, 0, 0, 3, "float") if same else None
    image.geterror()
    image.close()
    return rows is not None
