"""Building engines ahead of time with TensorRT or TensorRT-RTX, keeping and accepting them."""

from lrhdr_engines.build.accept import Candidate, Judgement, judge
from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.command import export_engines
from lrhdr_engines.build.engine import BuiltEngine, build_bundle, build_engine
from lrhdr_engines.build.fallback import FALLBACKS, Accepted, settle
from lrhdr_engines.build.location import cache_root, engines_folder
from lrhdr_engines.build.package import open_tensorrt
from lrhdr_engines.build.settings import BuildSettings
from lrhdr_engines.build.sizes import Shapes, Size

__all__ = [
    "FALLBACKS",
    "Accepted",
    "BuildSettings",
    "BuiltEngine",
    "Candidate",
    "EngineCache",
    "Judgement",
    "Shapes",
    "Size",
    "build_bundle",
    "build_engine",
    "cache_root",
    "engines_folder",
    "export_engines",
    "judge",
    "open_tensorrt",
    "settle",
]
