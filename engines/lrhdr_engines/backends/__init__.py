"""Ways to run a bundle's graphs on this machine."""

from lrhdr_engines.backends.protocol import Backend, Session
from lrhdr_engines.backends.registry import BACKENDS, BackendName, open_backend

__all__ = ["BACKENDS", "Backend", "BackendName", "Session", "open_backend"]
