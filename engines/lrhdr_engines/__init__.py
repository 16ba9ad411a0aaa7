"""The lrhdr runtime: alternating exposures in, HDR out. Needs no torch."""

from lrhdr_engines.api import Model, Output, open_model

__all__ = ["Model", "Output", "open_model"]
