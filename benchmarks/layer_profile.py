"""Where OpenVINO's time goes inside each graph: by kind of layer, and how quick convolutions are.

python benchmarks/layer_profile.py                               # lite, two exposures, 1280x720
python benchmarks/layer_profile.py --exposures 3 --size 1920x1080 --layers 10

Each graph runs on the sample's frames as in a stream, several times; the quickest run counts.
"Convolution" divides the graph's operations by the time of its convolutions alone, to be compared
with `matrix product`, which is measured here. Layers that OpenVINO has fused count as one.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, signatures
from lrhdr_benchmarks.speed import ceilings, clips
from lrhdr_benchmarks.speed.counts import stream_counts
from lrhdr_engines.backends.openvino_backend import OpenVinoBackend, OpenVinoSession
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.reconstruct import Reconstructor
from lrhdr_engines.window import SlidingWindow

Layers = list[tuple[str, str, float]]  # kind, name, milliseconds


class ProfiledEngine:
    """Runs a bundle's graphs and keeps the quickest run of each."""

    def __init__(self, bundle: Bundle) -> None:
        """Load what a stream needs."""
        self.manifest, self.joined = bundle.manifest, False
        backend = OpenVinoBackend(profiles=True)
        self._sessions: dict[str, OpenVinoSession] = {
            name: backend.load(bundle.graph(name, "fp32"), "fp32", None)
            for name in (EXTRACT, FLOW, FUSE, LRHDR)
        }
        self._inputs = {
            name: [tensor.name for tensor in graph.inputs]
            for name, graph in signatures(
                bundle.manifest.exposures, bundle.manifest.pyramids
            ).items()
        }
        self.quickest: dict[str, Layers] = {}

    def run(self, graph: str, available: Tensors) -> dict[str, NDArray[Any]]:
        """See `lrhdr_engines.engine.Engine.run`."""
        session = self._sessions[graph]
        result = session.run({name: available[name] for name in self._inputs[graph]})
        layers = list(session.profile())
        if graph not in self.quickest or total(layers) < total(self.quickest[graph]):
            self.quickest[graph] = layers
        return result


def total(layers: Layers) -> float:
    """Milliseconds."""
    return sum(layer[-1] for layer in layers)


def main() -> None:
    """Print a table for each graph."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="lite", help="lite or a bundle's folder")
    parser.add_argument("--exposures", type=int, default=2)
    parser.add_argument("--size", default="1280x720", help="WIDTHxHEIGHT")
    parser.add_argument("--outputs", type=int, default=5)
    parser.add_argument("--layers", type=int, default=0, help="also the longest layers, so many")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    bundle = Bundle.open(options.model, options.exposures)
    engine = ProfiledEngine(bundle)
    reconstructor = Reconstructor(engine, clips.ev(options.exposures))
    window: SlidingWindow[NDArray[Any]] = SlidingWindow(options.exposures)
    frames = clips.frames(width, height, options.exposures)
    ready = (filled for frame in frames for filled in window.push(frame))
    for filled in islice(ready, options.outputs):
        reconstructor.reconstruct(filled)
    counts = stream_counts(bundle, width, height, "fp32")
    ceiling = ceilings.measure(None)
    print(f"matrix product {ceiling.gflops:.0f} GFLOP/s, copy {ceiling.copy_gb_s:.0f} GB/s")
    for graph, layers in engine.quickest.items():
        report(graph, layers, counts[graph].gflop, options.layers)


def report(graph: str, layers: Layers, gflop: float, longest: int) -> None:
    """One graph's table."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for kind, _, milliseconds in layers:
        kinds[kind].append(milliseconds)
    convolutions = sum(kinds["Convolution"])
    whole = total(layers)
    print(
        f"\n{graph}: {whole:.0f} ms, {gflop:.1f} GFLOP, {1e3 * gflop / whole:.0f} GFLOP/s; "
        f"its convolutions {1e3 * gflop / convolutions:.0f} GFLOP/s\n"
    )
    print("| layers | how many | ms | share |\n| --- | --: | --: | --: |")
    for kind, times in sorted(kinds.items(), key=lambda item: -sum(item[1])):
        if sum(times) > 0.01 * whole:
            share = sum(times) / whole
            print(f"| {kind} | {len(times)} | {sum(times):.0f} | {share:.0%} |")
    for kind, name, milliseconds in sorted(layers, key=lambda layer: -layer[-1])[:longest]:
        print(f"{milliseconds:8.1f} ms  {kind}  {name}")


if __name__ == "__main__":
    main()
