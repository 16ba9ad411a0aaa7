"""Frames in, HDR out: clips and folders of images; HDR10 video, EXR sequences, nothing."""

from lrhdr_engines.media.opening import open_source
from lrhdr_engines.media.outputs import Target, open_sink, parse_output
from lrhdr_engines.media.sink import OutputSettings, Picture, PqPicture, Sink
from lrhdr_engines.media.source import ClipInfo, Frame, Source

__all__ = [
    "ClipInfo",
    "Frame",
    "OutputSettings",
    "Picture",
    "PqPicture",
    "Sink",
    "Source",
    "Target",
    "open_sink",
    "open_source",
    "parse_output",
]
