"""The reference model in PyTorch: every equation of the paper's section 3."""

from lrhdr.model.config import (
    AccrConfig,
    ApswfConfig,
    FilmConfig,
    ModelConfig,
    lite,
    paper,
    preset,
    without,
)
from lrhdr.model.cost import gflop_per_megapixel
from lrhdr.model.entmax import entmax, entmax_loss
from lrhdr.model.film import Film
from lrhdr.model.network import Lrhdr, Network, Reconstruction

__all__ = [
    "AccrConfig",
    "ApswfConfig",
    "Film",
    "FilmConfig",
    "Lrhdr",
    "ModelConfig",
    "Network",
    "Reconstruction",
    "entmax",
    "entmax_loss",
    "gflop_per_megapixel",
    "lite",
    "paper",
    "preset",
    "without",
]
