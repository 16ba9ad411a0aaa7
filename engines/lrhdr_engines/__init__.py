"""The lrhdr runtime: alternating exposures in, HDR out. Needs no torch."""

import os

from lrhdr_engines.api import Model, open_model
from lrhdr_engines.streaming import Output, StreamingModel

__all__ = ["Model", "Output", "StreamingModel", "open_model"]

# ONNX Runtime's wheels for Linux report its use to Microsoft unless told not to, before they are
# imported, which only the backends do.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
