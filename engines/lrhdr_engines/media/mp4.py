"""Just enough of ISO base media (MP4, MOV) to tell a file without an index."""

from __future__ import annotations

from pathlib import Path

_HEAD = {b"ftyp", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid"}
_INDEX = {b"moov", b"moof"}


def index_missing(path: Path) -> bool:
    """Whether this is an MP4 or MOV file that has samples, but no moov (ISO/IEC 14496-12, 4.2)."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            kinds: list[bytes] = []
            position = 0
            while position + 8 <= size and len(kinds) < 1000:
                file.seek(position)
                length = int.from_bytes(file.read(4))
                kind = file.read(4)
                if length == 1:  # a 64-bit length follows
                    length = int.from_bytes(file.read(8))
                if kind not in _HEAD | _INDEX and not kinds:
                    return False
                kinds.append(kind)
                if length < 8:  # 0: up to the end of the file
                    break
                position += length
    except OSError:
        return False
    return bool(kinds) and not _INDEX & set(kinds)
