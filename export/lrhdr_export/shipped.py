"""The weights that ship, inside the runtime's bundles."""

from __future__ import annotations

from pathlib import Path

import lrhdr_engines
from lrhdr.contract import WEIGHTS
from lrhdr.errors import BundleError


def shipped_weights(model: str, exposures: int) -> Path:
    """The weights file of a shipped bundle.

    Raises:
        BundleError: none ship for that model.
    """
    path = Path(lrhdr_engines.__file__).parent / "bundles" / f"{model}-{exposures}e" / WEIGHTS
    if not path.is_file():
        raise BundleError(
            f"no weights ship for {model} with {exposures} exposures",
            next_step="Train some with lrhdr-train and give --checkpoint, or add --untrained",
        )
    return path
