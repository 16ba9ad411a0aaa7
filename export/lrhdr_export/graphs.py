"""Each subgraph as a module with flat inputs and outputs, in the contract's order."""

from __future__ import annotations

from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    WINDOWS,
    Precision,
    Pyramids,
    Signature,
    signatures,
)
from lrhdr.model.entmax import Entmax
from lrhdr.model.network import Network
from lrhdr_export.entmax_node import EntmaxNode
from lrhdr_export.fusion_node import Fusion, FusionNode


class _Graph(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.pyramids: Pyramids = network.config.film.pyramids


class _Extract(_Graph):
    def forward(self, frame: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.film.extract(frame))


class _Flow(_Graph):
    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        half = len(tensors) // 2
        ab, ba = self.network.film.flow(list(tensors[:half]), list(tensors[half:]))
        return (*ab, *ba)


class _OneWay(_Graph):
    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        half = len(tensors) // 2
        return tuple(self.network.film.one_way(list(tensors[:half]), list(tensors[half:])))


class _Fuse(_Graph):
    def forward(self, *tensors: Tensor) -> Tensor:
        levels, flows = self.pyramids.fusion_levels, len(self.pyramids.flow_levels)
        take = iter(tensors)
        a, b = ([next(take) for _ in range(levels)] for _ in range(2))
        ab, ba = ([next(take) for _ in range(flows)] for _ in range(2))
        time, *guide = take
        return self.network.film.synthesize(a, b, ab, ba, time, *_batched(guide))


class _Film(_Graph):
    def forward(self, a: Tensor, b: Tensor, time: Tensor, *guide: Tensor) -> Tensor:
        result: Tensor = self.network.film(a, b, time, *_batched(guide))
        return result


class _Lrhdr(_Graph):
    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.fusion = Fusion(network.lrhdr.apswf)

    def forward(self, *tensors: Tensor) -> Tensor:
        fused: Tensor = self.fusion(self.network.lrhdr.prepare(*self.window(tensors)))
        return fused

    def window(self, tensors: tuple[Tensor, ...]) -> tuple[list[Tensor], list[Tensor], Tensor]:
        slots = WINDOWS[self.network.config.exposures].frames
        *images, exposures = tensors
        return images[:slots], images[slots:], exposures.unsqueeze(0)


class _LrhdrMasks(_Lrhdr):
    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        ready = self.network.lrhdr.prepare(*self.window(tensors))
        return self.fusion(ready), self.network.lrhdr.apswf.masks(ready.logits)


def _batched(guide: Any) -> list[Tensor]:
    """(reference, exposures) with the batch axis that the contract leaves out of exposures."""
    return [guide[0], guide[1].unsqueeze(0)] if guide else []


# What is traced of the flow: `film_flow` of the contract holds it twice.
ONE_WAY = "one_way"

GRAPHS: dict[str, type[_Graph]] = {
    EXTRACT: _Extract,
    ONE_WAY: _OneWay,
    FLOW: _Flow,
    FUSE: _Fuse,
    FILM: _Film,
    LRHDR: _Lrhdr,
    LRHDR_MASKS: _LrhdrMasks,
}


def build_graph(name: str, network: Network) -> nn.Module:
    """The module of one graph."""
    return GRAPHS[name](network).eval()


def place_nodes(module: nn.Module) -> None:
    """Replace what the plugins do by their nodes."""
    for parent in module.modules():
        for name, child in parent.named_children():
            if isinstance(child, Fusion) and not child.apswf.dense:
                setattr(parent, name, FusionNode(child.apswf.alpha))
            elif isinstance(child, Entmax):
                setattr(parent, name, EntmaxNode(child.alpha))


def network_signatures(network: Network) -> dict[str, Signature]:
    """The contract's signatures for a network."""
    return signatures(network.config.exposures, network.config.film.pyramids)


def example_inputs(
    signature: Signature, height: int, width: int, precision: Precision
) -> tuple[Tensor, ...]:
    """Distinct random inputs of a size: the exporter ties inputs that share an example."""
    compute = torch.float16 if precision == "fp16" else torch.float32
    seeds = count(1)
    examples = []
    for tensor in signature.inputs:
        shape = tensor.sized(height, width)
        generator = torch.Generator().manual_seed(next(seeds))
        value = torch.rand(shape, generator=generator)
        if tensor.name == "exposures":
            value = 1.0 + 7.0 * value
        examples.append(value.to(compute if tensor.dtype == "compute" else torch.float32))
    return tuple(examples)
