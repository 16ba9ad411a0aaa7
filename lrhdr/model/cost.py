"""Cost of each graph: 2 x MAC of convolutions and products, unpadded, per output megapixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network

_SIDE = 1024


def _flops(run: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


@torch.no_grad()
def gflop_per_megapixel(config: ModelConfig) -> dict[str, float]:
    """GFLOP a megapixel of output, by graph, as a stream runs them.

    One extraction and one flow pair an output; one synthesis for each
    interpolated frame. Counted on a 1024 x 1024 frame on the meta device.
    """
    with torch.device("meta"):
        network = Network(config).eval()
        film = network.film
        frame = torch.zeros(1, 3, _SIDE, _SIDE)
        time, e_pair = torch.zeros(1), torch.ones(1, 2)
        exposures = torch.ones(1, network.window.frames)
    pyramid = film.extract(frame)
    low = pyramid[config.film.finest_flow :]
    ab, ba = film.flow(low, low)
    frames = [frame] * network.window.frames
    films = [frame] * len(network.window.interpolations)
    per_output = {
        EXTRACT: _flops(lambda: film.extract(frame)),
        FLOW: _flops(lambda: film.flow(low, low)),
        FUSE: len(films)
        * _flops(lambda: film.synthesize(pyramid, pyramid, ab, ba, time, frame, e_pair)),
        LRHDR: _flops(lambda: network.lrhdr(frames, films, exposures)),
    }
    return {graph: flops / 1e9 / (_SIDE**2 / 1e6) for graph, flops in per_output.items()}
