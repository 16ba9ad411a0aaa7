"""Engines are judged on this GPU before a frame is trusted to them, once for each key.

The key is everything that could change the verdict: the recipes of all plans, the GPU and its
driver (TensorRT-RTX compiles a plan's kernels on the machine), the goldens and the tolerances. The
record of an acceptance that passed lies beside the plans. A refusal is not kept: it is an error,
and the next start tries again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lrhdr.contract import Precision
from lrhdr.errors import OutputError
from lrhdr.tolerances import FP16_IMAGE_DB, FP32_IMAGE_MAX
from lrhdr_engines.build.accept import FILM_GRAPHS, Goldens, Run
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.fallback import Accepted, Forms, settle
from lrhdr_engines.build.forms import FORMS, Form, precision_of
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.build.settings import Report
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.doctor.driver import driver_version
from lrhdr_engines.gpu.engines import Engines
from lrhdr_engines.whole import keep_whole

_LAYOUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Decides in which form every graph of a bundle runs on a GPU.

    Attributes:
        bundle: the model.
        gpu: the engines' GPU.
        engines: what is judged.
        prepare: makes engines of a padded size and of these forms ready to run.
        trusted: loads what runs the bundle's FP32 graphs; called only where something is judged.
        report: told the figures, once for each key.
    """

    bundle: Bundle
    gpu: Gpu
    engines: Engines
    prepare: Callable[[Size, Forms], Run]
    trusted: Callable[[], Run]
    report: Report

    def forms(self, asked: Precision) -> Forms:
        """Those that are trusted: by a record, or because they pass now.

        Raises:
            BackendError: the engines do not reproduce the goldens, with the figures; or the
                bundle has no goldens.
            OutputError: a plan cannot be kept.
        """
        goldens = self.bundle.goldens()
        _, height, width, _ = goldens["frames"].shape
        size = Size(width=width, height=height).padded(self.bundle.manifest.multiple)
        about = self._about(size, asked)
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        record = self.engines.cache.folder / f"acceptance.{asked}.{digest[:16]}.json"
        kept = _read(record, about)
        if kept is not None:
            return kept
        self.report(f"judging the engines on the {self.gpu.name} by the bundle's golden window")
        accepted = self._settle(asked, size, goldens)
        self._keep(record, about, accepted)
        return accepted.forms

    def _settle(self, asked: Precision, size: Size, goldens: Goldens) -> Accepted:
        manifest, trusted = self.bundle.manifest, self.trusted()
        prepare = partial(self.prepare, size)
        accepted = settle(asked, prepare, trusted, goldens, manifest, self.report)
        # Pyramids pass from one film graph to the others in the same memory.
        if len({precision_of(accepted.forms[graph]) for graph in FILM_GRAPHS}) > 1:
            self.report("a stream's interpolation has one precision: fp32 for every graph")
            accepted = settle("fp32", prepare, trusted, goldens, manifest, self.report)
        return accepted

    def _about(self, size: Size, asked: Precision) -> dict[str, Any]:
        goldens = self.bundle.manifest.goldens
        return {
            "layout": _LAYOUT,
            "precision": asked,
            "recipes": [recipe.digest for recipe in self.engines.recipes(size, asked)],
            "gpu": self.gpu.name,
            "sm": self.gpu.sm,
            "driver": driver_version() or "unknown",
            "goldens": "" if goldens is None else goldens.sha256,
            "tolerances": [FP32_IMAGE_MAX, FP16_IMAGE_DB],
        }

    def _keep(self, record: Path, about: Mapping[str, Any], accepted: Accepted) -> None:
        facts = {
            "about": about,
            "fallback": accepted.fallback,
            "forms": dict(accepted.forms),
            "figures": [str(row) for row in accepted.judgements],
        }
        try:
            keep_whole(record, (json.dumps(facts, indent=2) + "\n").encode())
        except OutputError as error:  # the engines are good; only the next start is slower
            self.report(f"they will be judged again at the next start: {error}")


def _read(record: Path, about: Mapping[str, Any]) -> Forms | None:
    """The forms of a record; None if it is not there, damaged or about something else."""
    try:
        facts = json.loads(record.read_bytes())
        forms: dict[str, Form] = facts["forms"]
        whole = facts["about"] == about and forms.keys() == set(STREAMING)
        known = all(value in FORMS for value in forms.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return forms if whole and known else None
