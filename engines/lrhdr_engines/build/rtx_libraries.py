"""Opening TensorRT-RTX's libraries so that its ONNX parser survives a plugin.

Once the parser meets a plugin it opens `libtensorrt_rtx.so` by that name. The
wheel has only `libtensorrt_rtx.so.1`, and the failure ends the process: an
exception in code that may not throw. The parser looks in the folder that it was
itself opened from (its RPATH is $ORIGIN). So it is opened here first, from a
folder of ours with links of both names; the package then gets the very same
libraries, since the system knows them by their inode.

Seen with tensorrt-rtx 1.7.1 on Linux; Windows has no versioned names.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import tempfile
from pathlib import Path

from lrhdr.errors import BackendError

_PACKAGE = "tensorrt_rtx_libs"
# Lives as long as the process: the parser looks into it later.
_links: list[tempfile.TemporaryDirectory[str]] = []


def open_libraries() -> None:
    """Open the wheel's libraries through links of both names, once, before the package does.

    Raises:
        BackendError: the package was imported before.
    """
    libraries = _without_plain_name()
    if _links or not libraries:
        return
    if _PACKAGE in sys.modules:
        raise BackendError(
            "tensorrt_rtx was imported before lrhdr could prepare its libraries, and would abort "
            "at the first plugin",
            next_step="Call lrhdr_engines.build.open_tensorrt before importing tensorrt_rtx",
        )
    folder = tempfile.TemporaryDirectory(prefix="lrhdr-rtx-", ignore_cleanup_errors=True)
    _links.append(folder)
    for library in libraries:
        for name in (library.name, _plain_name(library)):
            (Path(folder.name) / name).symlink_to(library)
    for library in libraries:
        # Without RTLD_GLOBAL: TensorRT exports some of the same names.
        ctypes.CDLL(str(Path(folder.name) / library.name))


def _without_plain_name() -> list[Path]:
    spec = importlib.util.find_spec(_PACKAGE) if sys.platform == "linux" else None
    if spec is None or spec.origin is None:
        return []
    found = sorted(Path(spec.origin).parent.glob("libtensorrt*.so.*"))
    return [path for path in found if not path.with_name(_plain_name(path)).exists()]


def _plain_name(library: Path) -> str:
    return library.name.partition(".so")[0] + ".so"
