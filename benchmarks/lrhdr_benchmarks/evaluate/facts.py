"""Everything an evaluation found, as JSON."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lrhdr import __version__
from lrhdr_benchmarks.evaluate.measures import MEASURES, PROTOCOLS, Protocol
from lrhdr_benchmarks.evaluate.method import Method
from lrhdr_benchmarks.evaluate.motion import EDGES
from lrhdr_benchmarks.evaluate.results import Results
from lrhdr_benchmarks.evaluate.sheets import candidate_names
from lrhdr_engines.versions import versions as versions_of

_PACKAGES = ("numpy", "opencv-python-headless", "scikit-image", "onnxruntime", "torch", "cvvdp")


def versions() -> dict[str, str]:
    """What ran, as far as it is installed."""
    return {
        "lrhdr": __version__,
        "python": platform.python_version(),
    } | versions_of(_PACKAGES)


def facts(
    results: Results, methods: Sequence[Method], protocols: Sequence[Protocol], exposures: int
) -> dict[str, Any]:
    """The results as plain values; frames count from 0."""
    flicker = results.mean_flicker()
    return {
        "methods": {method.name: method.about for method in methods},
        "protocols": {protocol: PROTOCOLS[protocol] for protocol in protocols},
        "measures": {name: measure.title for name, measure in MEASURES.items()},
        "means": {protocol: _means(results, protocol) for protocol in protocols},
        "flicker": {
            "mean": {m: {"amplitude": a, "ratio": ratio} for m, (a, ratio) in flicker.items()},
            "scenes": {
                scene: {**asdict(found), "ratios": {m: found.ratio(m) for m in found.methods}}
                for scene, found in results.flicker.items()
            },
        },
        "motion": {
            "edges": list(EDGES),
            "blocks": results.motion.counts.tolist(),
            "psnr_t": {
                protocol: {m: v for (m, p), v in results.motion.means().items() if p == protocol}
                for protocol in protocols
            },
        },
        "votes": {
            method: {
                "wins": dict(zip(candidate_names(exposures, len(v.wins)), v.wins, strict=True)),
                "alive": v.alive,
            }
            for method, v in results.mean_votes().items()
        },
        "frames": [
            {**asdict(f.place), "method": f.method, "protocol": f.protocol, **f.values}
            for f in results.figures
        ],
        "frame_votes": [
            {**asdict(v.place), "method": v.method, **asdict(v.vote)} for v in results.votes
        ],
    }


def _means(results: Results, protocol: Protocol) -> dict[str, Any]:
    by_role = results.means(lambda f: (f.method, f.place.role), protocol)
    by_scene = results.means(lambda f: (f.method, f.place.scene), protocol)
    return {
        method: {
            "all": values,
            "roles": {role: v for (name, role), v in by_role.items() if name == method},
            "scenes": {scene: v for (name, scene), v in by_scene.items() if name == method},
        }
        for method, values in results.means(lambda f: f.method, protocol).items()
    }


def to_json(values: Mapping[str, Any]) -> str:
    """Strict JSON, which has no infinity: that is the string "inf", and what is no number null."""
    return json.dumps(_plain(values), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
