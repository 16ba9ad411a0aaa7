"""The timing cache file: TensorRT's measurements, behind a checksum.

TensorRT aborts the process on a damaged timing cache, so it never sees one.
Layout: the 8 bytes of `_MAGIC`, the SHA-256 of the rest, the rest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from lrhdr_engines.build.settings import Report
from lrhdr_engines.whole import keep_whole

_MAGIC = b"lrhdrTC1"
_HEADER = len(_MAGIC) + hashlib.sha256().digest_size


def read_timings(path: Path, report: Report) -> bytes:
    """What the file holds; nothing, with a line that says so, if it cannot be used."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        report(f"the timing cache {path} cannot be read ({error.strerror}): beginning a new one")
        return b""
    digest, timings = content[len(_MAGIC) : _HEADER], content[_HEADER:]
    if not content.startswith(_MAGIC) or hashlib.sha256(timings).digest() != digest:
        report(f"the timing cache {path} is damaged: beginning a new one")
        return b""
    return timings


def write_timings(path: Path, timings: bytes) -> None:
    """Replace the file.

    Raises:
        OutputError: the system refuses.
    """
    keep_whole(path, _MAGIC + hashlib.sha256(timings).digest() + timings)
