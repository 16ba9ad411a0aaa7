"""The TensorRT plugin library (`lrhdr::Entmax`, `lrhdr::EntmaxFusion`): found, or built by nvcc.

Its sources are `engines/entmax_plugin` in a checkout and `lrhdr_engines/plugin/src` in a wheel.
"""

from lrhdr_engines.plugin.build import ARCHITECTURES, build_plugin, parse_architectures
from lrhdr_engines.plugin.find import find_plugin, located_plugin, make_plugin, plugin_folder
from lrhdr_engines.plugin.record import LIBRARY, Plugin

__all__ = [
    "ARCHITECTURES",
    "LIBRARY",
    "Plugin",
    "build_plugin",
    "find_plugin",
    "located_plugin",
    "make_plugin",
    "parse_architectures",
    "plugin_folder",
]
