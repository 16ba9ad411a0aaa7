"""Everything that made a plan: the key of the engine cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from lrhdr_engines.build.settings import FIRST_PORTABLE_SM

# Raise it where this package begins to build other plans from the same choices.
REVISION = 1

_NO_PLUGIN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The ingredients of one plan. Two plans of equal recipes can stand for each other.

    Attributes:
        graph: its name in the contract.
        precision: the engine's form; see `forms`.
        shapes: the padded sizes, as `Shapes` prints them.
        onnx_sha256: of the graph's file.
        plugin_sha256: of the plugin library; empty where the graph holds no plugin.
        builder: tensorrt or tensorrt-rtx.
        version: of that package.
        cuda: that the package is made for.
        gpu: its name; "any" where the plan is made for SMs.
        sms: compute capabilities, in growing order; empty for the builder's own choice.
        optimisation_level: None for the builder's own.
        workspace_mb: None for no limit.
        revision: of this package's building.
    """

    graph: str
    precision: str
    shapes: str
    onnx_sha256: str
    plugin_sha256: str = _NO_PLUGIN
    builder: str
    version: str
    cuda: str
    gpu: str
    sms: tuple[int, ...]
    optimisation_level: int | None
    workspace_mb: int | None
    revision: int = REVISION

    @property
    def digest(self) -> str:
        """SHA-256 over every field, in hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def filename(self) -> str:
        """What its plan is called: enough to read, and 16 digits of the digest to be the one."""
        return f"{self.graph}.{self.precision}.{self.shapes}.{self.digest[:16]}.plan"

    @classmethod
    def from_json(cls, raw: Any) -> Recipe:
        """Read what `dataclasses.asdict` and JSON made of a recipe.

        Raises:
            ValueError: it is something else.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(raw, dict) or raw.keys() != names or not isinstance(raw["sms"], list):
            raise ValueError("it holds other fields")
        numbers = [raw[name] for name in ("optimisation_level", "workspace_mb") if raw[name]]
        texts = [raw[name] for name in names - _NUMBERS]
        if not all(type(value) is int for value in (*numbers, *raw["sms"], raw["revision"])):
            raise ValueError("a number is none")
        if not all(isinstance(value, str) for value in texts):
            raise ValueError("a text is none")
        return cls(**raw | {"sms": tuple(raw["sms"])})

    def serves(self, wanted: Recipe) -> bool:
        """Whether its plan does what the wanted one would: the same, perhaps for more SMs."""
        if wanted.sms and self.sms:
            more = set(self.sms) >= set(wanted.sms)
        else:
            more = not self.sms and all(sm >= FIRST_PORTABLE_SM for sm in wanted.sms)
        return more and set(_names(self, wanted)) <= {"sms"}

    def differences(self, before: Recipe) -> list[str]:
        """In words, what is not as it was: "TensorRT version 1.7.1 instead of 1.6.0"."""
        return [
            f"{_WORDS[name]} {_short(name, getattr(self, name))} instead of "
            f"{_short(name, getattr(before, name))}"
            for name in _names(self, before)
        ]


_NUMBERS = {"sms", "optimisation_level", "workspace_mb", "revision"}
_WORDS = {
    "graph": "graph",
    "precision": "precision",
    "shapes": "size",
    "onnx_sha256": "ONNX graph",
    "plugin_sha256": "plugin library",
    "builder": "builder",
    "version": "TensorRT version",
    "cuda": "CUDA version",
    "gpu": "GPU",
    "sms": "SM",
    "optimisation_level": "optimisation level",
    "workspace_mb": "workspace in MiB",
    "revision": "revision of the builder",
}


def _names(a: Recipe, b: Recipe) -> list[str]:
    return [name for name in _WORDS if getattr(a, name) != getattr(b, name)]


def _short(name: str, value: Any) -> str:
    if name.endswith("sha256"):
        return value[:12] or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "by default"
    return "by default" if value is None else str(value)
