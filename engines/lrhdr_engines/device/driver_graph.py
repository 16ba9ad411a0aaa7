"""Stream capture by the CUDA driver itself, for libraries that do not offer it. Not run on a GPU.

CUDA Driver API, "Stream Management" and "Graph Management"; CUDA 11.4 or newer.
"""

from __future__ import annotations

import ctypes
from typing import Any

from lrhdr_engines.backends.nvidia import DRIVER
from lrhdr_engines.device.errors import explain, explain_code
from lrhdr_engines.device.protocol import Stream

_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL


class Driver:
    """Calls of the driver that raise BackendError unless they succeed."""

    def __init__(self, library: Any = None) -> None:
        """`library` is the driver's; loaded if None."""
        try:
            self._library = ctypes.CDLL(DRIVER) if library is None else library
        except OSError as error:
            raise explain(str(error)) from error

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function by its name in cuda.h."""
        if code := getattr(self._library, function)(*arguments):
            name = ctypes.c_char_p()
            self._library.cuGetErrorName(code, ctypes.byref(name))
            raise explain_code((name.value or str(code).encode()).decode(), function)

    def begin_capture(self, stream: int) -> None:
        """Begin to capture a CUstream."""
        self.call("cuStreamBeginCapture_v2", ctypes.c_void_p(stream), ctypes.c_int(_THREAD_LOCAL))

    def end_capture(self, stream: int) -> DriverGraph:
        """End it and make the graph launchable."""
        graph, launchable = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuStreamEndCapture", ctypes.c_void_p(stream), ctypes.byref(graph))
        try:
            self.call(
                "cuGraphInstantiateWithFlags",
                ctypes.byref(launchable),
                graph,
                ctypes.c_ulonglong(0),
            )
        finally:
            self.call("cuGraphDestroy", graph)
        return DriverGraph(self, launchable)


class DriverGraph:
    """See `Graph`. It lives as long as its context."""

    def __init__(self, driver: Driver, launchable: ctypes.c_void_p) -> None:
        """Use `Driver.end_capture`."""
        self._driver = driver
        self._launchable = launchable

    def launch(self, stream: Stream) -> None:
        """See `Graph`."""
        self._driver.call("cuGraphLaunch", self._launchable, ctypes.c_void_p(stream.handle))
