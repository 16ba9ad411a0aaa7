"""Measuring a bundle: every graph against torch in float64, at 256 x 256.

Each graph is fed with what the exact network computed up to there, so that a
breach is found where it arises.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    MANIFEST,
    PRECISIONS,
    WINDOWS,
    Precision,
)
from lrhdr.errors import BundleError
from lrhdr.light import linearise, tonemap
from lrhdr.manifest import Manifest
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights
from lrhdr.tolerances import FP16_IMAGE_DB, FP16_TENSOR_DB, FP32_IMAGE_MAX, FP32_TENSOR_MAX
from lrhdr_engines.backends import Backend, open_backend
from lrhdr_export.goldens import inputs
from lrhdr_export.graphs import build_graph, network_signatures

Arrays = dict[str, NDArray[Any]]
_IMAGES = ("interpolated", "hdr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One graph at one precision.

    Attributes:
        error: largest error against float64; images in T, other tensors as a share of the
            largest value.
        decibels: PSNR against float64 by the same measures, the worst output.
        passed: within `lrhdr.tolerances`.
    """

    graph: str
    precision: Precision
    error: float
    decibels: float
    passed: bool

    def __str__(self) -> str:
        """A line for the screen."""
        verdict = "ok" if self.passed else "BREACH"
        return (
            f"{self.graph:13} {self.precision}  max {self.error:.1e}  "
            f"{self.decibels:6.1f} dB  {verdict}"
        )


def verify_bundle(folder: Path) -> Iterator[Measurement]:
    """Measure every graph of a bundle.

    Raises:
        BundleError: a file is missing or damaged, or holds no weights or goldens.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"no model bundle in {folder}: {MANIFEST} cannot be read") from error
    manifest = Manifest.from_json(text, str(folder / MANIFEST))
    if manifest.weights is None or manifest.goldens is None:
        raise BundleError(f"{folder} holds no weights or no goldens to measure against")
    network = load_weights(manifest.weights.verified(folder)).double()
    with np.load(manifest.goldens.verified(folder)) as stored:
        goldens: Arrays = dict(stored)
    feeds = exact_feeds(network, goldens)
    backend = open_backend("onnxruntime")
    for graph, entry in manifest.graphs.items():
        for precision in PRECISIONS:
            if precision in entry.files:
                model = entry.files[precision].verified(folder)
                yield _measure(network, backend, graph, precision, model, feeds[graph])


@torch.no_grad()
def exact_feeds(network: Network, goldens: Mapping[str, NDArray[Any]]) -> dict[str, list[Tensor]]:
    """Float64 inputs of every graph, in the contract's order, from a golden window."""
    window = WINDOWS[network.config.exposures]
    planar, exposures = inputs(goldens)
    frames, slots = [torch.from_numpy(f) for f in planar], torch.from_numpy(exposures)
    step = window.interpolations[0]
    film, finest = network.film, network.config.film.finest_flow
    a, b = film.extract(frames[step.a]), film.extract(frames[step.b])
    ab, ba = film.flow(a[finest:], b[finest:])
    time = torch.tensor([step.time], dtype=torch.float64)
    guide = (
        [frames[window.reference], slots[[window.reference, step.a]]]
        if network.config.film.pyramids.guided
        else []
    )
    levels = network.config.film.fusion_levels
    films = network.interpolate(frames, slots.unsqueeze(0))
    whole = [*frames, *films, slots]
    return {
        EXTRACT: [frames[step.a]],
        FLOW: [*a[finest:], *b[finest:]],
        FUSE: [*a[:levels], *b[:levels], *ab, *ba, time, *guide],
        FILM: [frames[step.a], frames[step.b], time, *guide],
        LRHDR: whole,
        LRHDR_MASKS: whole,
    }


def _measure(
    network: Network,
    backend: Backend,
    graph: str,
    precision: Precision,
    model: Path,
    feed: list[Tensor],
) -> Measurement:
    signature = network_signatures(network)[graph]
    compute = np.float16 if precision == "fp16" else np.float32
    given = {
        t.name: v.numpy().astype(compute if t.dtype == "compute" else np.float32)
        for t, v in zip(signature.inputs, feed, strict=True)
    }
    with torch.no_grad():
        expected = build_graph(graph, copy.deepcopy(network))(*feed)
    exact = [expected] if isinstance(expected, Tensor) else list(expected)
    found = backend.load(model, precision, None).run(given)
    errors, decibels, passed = [], [], True
    for tensor, value in zip(signature.outputs, exact, strict=True):
        error, db = distance(tensor.name, found[tensor.name], value.numpy())
        errors.append(error)
        decibels.append(db)
        image = tensor.name in _IMAGES
        if precision == "fp32":
            passed &= error <= (FP32_IMAGE_MAX if image else FP32_TENSOR_MAX)
        elif tensor.name != "masks":
            # Sparse masks flip between equal candidates; the image that they make is judged.
            passed &= db >= (FP16_IMAGE_DB if image else FP16_TENSOR_DB)
    return Measurement(
        graph=graph,
        precision=precision,
        error=max(errors),
        decibels=min(decibels),
        passed=bool(passed),
    )


def distance(name: str, found: NDArray[Any], exact: NDArray[Any]) -> tuple[float, float]:
    """(largest error, PSNR in dB) of one output: images in T, others relative to their peak."""
    a: NDArray[Any] = found.astype(np.float64)
    b: NDArray[Any] = exact.astype(np.float64)
    if name == "interpolated":
        a, b = linearise(a, 1.0), linearise(b, 1.0)
    if name in _IMAGES:
        a, b = tonemap(a), tonemap(b)
    else:
        peak = max(float(np.abs(b).max()), 1e-12)
        a, b = a / peak, b / peak
    difference = np.abs(a - b)
    if not np.isfinite(difference).all():
        return float("inf"), 0.0
    return float(difference.max()), float(-10 * np.log10(max((difference**2).mean(), 1e-20)))
