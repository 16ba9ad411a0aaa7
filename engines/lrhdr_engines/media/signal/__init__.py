"""HDR frames to the signal of a video: PQ, HLG or SDR, as Y'CbCr."""

from lrhdr_engines.media.signal.encoder import SignalEncoder
from lrhdr_engines.media.signal.finite import checked
from lrhdr_engines.media.signal.kinds import Kind
from lrhdr_engines.media.signal.meter import LightMeter
from lrhdr_engines.media.signal.planes import Chroma

__all__ = ["Chroma", "Kind", "LightMeter", "SignalEncoder", "checked"]
