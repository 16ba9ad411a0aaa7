"""A camera's measured response, from and to a file.

Two forms are read:

- `.csv`: rows of `code,light` or `code,red,green,blue`, after a header or not; `#` begins a
  comment. Codes rise from 0 to the greatest, which says what they count: 1 (a share), 255,
  1023, 4095, 65535 ... Light is linear, in any unit. Between rows it runs straight.
- `.mat`: the matrix `BaslerCRF` of the TOG13 data set, the light of codes 0 to N - 1, one row
  a code and a column a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.matfile import read_matrix

SUFFIXES = (".csv", ".mat")
_MATRIX = "BaslerCRF"
_GREATEST = (1, *(2**bits - 1 for bits in range(8, 17)))
_HEADER = "code,red,green,blue"


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Linear light of codes.

    Attributes:
        codes: (N,) rising from 0 to 1.
        light: (N, 3) of R, G, B in [0, 1]; 1 is the greatest of all three.
    """

    codes: NDArray[np.float64]
    light: NDArray[np.float64]

    def __call__(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Signals (N,) in [0, 1] to light (N, 3)."""
        channels = [np.interp(signal, self.codes, column) for column in self.light.T]
        return np.stack(channels, axis=1)


def read_response(path: Path) -> Response:
    """The response in a file.

    Raises:
        InputError: the file is missing, of another form, or no camera responds so.
    """
    if path.suffix.lower() == ".mat":
        light = read_matrix(path, _MATRIX)
        codes = np.arange(len(light)) / max(1, len(light) - 1)
    else:
        table = _rows(path)
        codes, light = table[:, 0], table[:, 1:]
        if codes[0] != 0 or codes[-1] not in _GREATEST or (np.diff(codes) <= 0).any():
            raise InputError(
                f"{path} has codes from {codes[0]:g} to {codes[-1]:g}",
                expected="codes that rise from 0 to 1, 255, 1023, 4095 or 65535",
            )
        codes = codes / codes[-1]
    usable = light.shape[1] in (1, 3) and len(light) > 1 and np.isfinite(light).all()
    if not usable or (light[-1] <= np.maximum(light[0], 0.0)).any():
        raise InputError(
            f"{path} holds a {'x'.join(map(str, light.shape))} table of light, "
            f"{np.min(light, initial=np.inf):g} to {np.max(light, initial=-np.inf):g}",
            expected="finite light in one or three columns, more of it at the greatest code",
        )
    light = np.broadcast_to(np.maximum(light, 0.0) / light.max(), (len(light), 3))
    return Response(codes, light)


def write_response(path: Path, response: Response, comment: str) -> None:
    """A response as CSV, shares of the greatest code. `comment` is one line.

    Raises:
        OSError: the file cannot be written.
    """
    rows = np.column_stack([response.codes, response.light])
    lines = [",".join(f"{value:.9g}" for value in row) for row in rows]
    path.write_text("\n".join([f"# {comment}", _HEADER, *lines, ""]), encoding="utf-8")


def _rows(path: Path) -> NDArray[np.float64]:
    expected = f"a response curve: rows of code,light or {_HEADER}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise InputError(f"{path}: {reason}", expected=expected) from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    rows = [line.split(",") for line in lines if line]
    if rows and rows[0][0].strip().isalpha():
        del rows[0]
    try:
        table = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError:  # a cell that is no number, or rows of different lengths
        table = np.empty(0)
    if table.ndim != 2:
        raise InputError(f"{path} cannot be read as a table of numbers", expected=expected)
    return table
