"""Acceptance: does an engine reproduce the bundle's golden window where it will run?

The goldens hold the frames, and what float64 makes of them: the interpolated
frames and the HDR frame. Each graph is judged by what becomes of those when it
alone is the engine's and the other graphs are a trusted runtime's (FP32 by ONNX
Runtime, measured at export); the fusion is fed with the golden interpolated
frames; and last the engine does everything. All errors are in T (Eq. 12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, Precision, Signature, signatures
from lrhdr.light import Floats, linearise, tonemap
from lrhdr.manifest import Manifest
from lrhdr.tolerances import FP16_IMAGE_DB, FP32_IMAGE_MAX
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.reconstruct import Reconstruction, Reconstructor, normalised
from lrhdr_engines.window import FilledWindow

# Runs a graph: every output from every input, by the names of the contract.
Run = Callable[[str, Tensors], Mapping[str, NDArray[Any]]]
Goldens = Mapping[str, NDArray[Any]]

FILM_GRAPHS = (EXTRACT, FLOW, FUSE)
TOGETHER = "together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is judged: how to run its graphs, and the precision of each."""

    run: Run
    precisions: Mapping[str, Precision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The error of one graph in T, over all of its image's pixels and channels.

    `graph` is "together" where every graph is the engine's.
    """

    graph: str
    precision: Precision
    largest: float
    mean: float
    decibels: float

    @property
    def passed(self) -> bool:
        """Within `lrhdr.tolerances`: FP32 by the largest error, FP16 by PSNR."""
        if self.precision == "fp32":
            return self.largest <= FP32_IMAGE_MAX
        return self.decibels >= FP16_IMAGE_DB

    def __str__(self) -> str:
        """A line of the table."""
        bound = (
            f"max <= {FP32_IMAGE_MAX:.0e}"
            if self.precision == "fp32"
            else f">= {FP16_IMAGE_DB:.0f} dB"
        )
        return (
            f"{self.graph:13} {self.precision}  max {self.largest:.1e}  mean {self.mean:.1e}  "
            f"{self.decibels:6.1f} dB  {'ok' if self.passed else 'REFUSED'} ({bound})"
        )


def judge(
    candidate: Candidate, trusted: Run, goldens: Goldens, manifest: Manifest
) -> list[Judgement]:
    """Judge every streaming graph, and all of them together.

    Args:
        candidate: the engine.
        trusted: runs the bundle's FP32 graphs.
        goldens: `goldens.npz` of the bundle.
        manifest: of the bundle.
    """
    known = signatures(manifest.exposures, manifest.pyramids)
    films, hdr = goldens["interpolated"], goldens["hdr"]

    def precision_of(graph: str) -> Precision:
        return candidate.precisions[graph]

    rows = []
    for graph in FILM_GRAPHS:
        mixed = _Mixed(candidate, trusted, frozenset({graph}), manifest, known)
        found = _reconstruct(mixed, goldens).interpolated
        rows.append(_judgement(graph, precision_of(graph), found, films, gamma=True))
    everything = _Mixed(candidate, trusted, frozenset(known), manifest, known)
    fused = everything.run(LRHDR, _fusion_feeds(goldens))["hdr"]
    rows.append(_judgement(LRHDR, precision_of(LRHDR), fused, hdr[None]))
    halves = "fp16" in (precision_of(graph) for graph in (*FILM_GRAPHS, LRHDR))
    whole = _reconstruct(everything, goldens).hdr
    rows.append(_judgement(TOGETHER, "fp16" if halves else "fp32", [whole], hdr[None]))
    return rows


class _Mixed:
    """Some graphs by the candidate, the others trusted; each is fed in its own precision."""

    def __init__(
        self,
        candidate: Candidate,
        trusted: Run,
        judged: frozenset[str],
        manifest: Manifest,
        known: Mapping[str, Signature],
    ) -> None:
        self.joined = False
        self._candidate = candidate
        self._trusted = trusted
        self._judged = judged
        self._known = known
        self.manifest = manifest

    def run(self, graph: str, available: Tensors) -> dict[str, NDArray[Any]]:
        ours = graph in self._judged
        precision: Precision = self._candidate.precisions[graph] if ours else "fp32"
        feeds = {
            tensor.name: available[tensor.name].astype(tensor.type_at(precision))
            for tensor in self._known[graph].inputs
        }
        return dict((self._candidate.run if ours else self._trusted)(graph, feeds))


def _reconstruct(runner: _Mixed, goldens: Goldens) -> Reconstruction:
    frames, exposures = goldens["frames"], goldens["exposures"]
    # The reference of the golden window is frame Ne - 1, so slot k holds frame k.
    cycle = [float(np.log2(exposures[i])) for i in range(runner.manifest.exposures)]
    window = FilledWindow(
        index=runner.manifest.exposures - 1,
        slots=tuple(range(len(frames))),
        frames=tuple(frames),
    )
    return Reconstructor(runner, cycle).reconstruct(window)


def _fusion_feeds(goldens: Goldens) -> dict[str, NDArray[Any]]:
    feeds: dict[str, NDArray[Any]] = {
        f"frame_{k}": normalised(frame) for k, frame in enumerate(goldens["frames"])
    }
    feeds |= {f"interpolated_{i}": film[None] for i, film in enumerate(goldens["interpolated"])}
    feeds["exposures"] = goldens["exposures"]
    return feeds


def _judgement(
    graph: str,
    precision: Precision,
    found: Sequence[NDArray[Any]] | NDArray[Any],
    exact: NDArray[Any],
    *,
    gamma: bool = False,
) -> Judgement:
    """Compare images (K, 3, H, W); those in gamma space are linearised first."""
    images: list[Floats] = [image.astype(np.float64) for image in (np.stack(list(found)), exact)]
    if gamma:
        images = [linearise(image, 1.0) for image in images]
    error = np.abs(tonemap(np.maximum(images[0], 0.0)) - tonemap(images[1]))
    if not np.isfinite(error).all():
        return Judgement(
            graph=graph, precision=precision, largest=np.inf, mean=np.inf, decibels=-np.inf
        )
    return Judgement(
        graph=graph,
        precision=precision,
        largest=float(error.max()),
        mean=float(error.mean()),
        decibels=float(-10.0 * np.log10(max(float((error**2).mean()), 1e-20))),
    )
