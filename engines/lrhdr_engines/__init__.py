"""The lrhdr runtime: alternating exposures in, HDR out. Needs no torch."""

from lrhdr_engines.api import Model, open_model
from lrhdr_engines.streaming import Output, StreamingModel

__all__ = ["Model", "Output", "StreamingModel", "open_model"]
