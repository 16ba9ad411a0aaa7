"""Frames in, HDR out: clips and folders of images; HDR10 video, EXR sequences, nothing."""

from lrhdr_engines.media.opening import open_sink, open_source
from lrhdr_engines.media.sink import OutputSettings, Sink
from lrhdr_engines.media.source import ClipInfo, Frame, Source

__all__ = [
    "ClipInfo",
    "Frame",
    "OutputSettings",
    "Sink",
    "Source",
    "open_sink",
    "open_source",
]
