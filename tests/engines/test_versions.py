"""Versions of what is installed; what is not is left out."""

from __future__ import annotations

import numpy as np

from lrhdr_engines.versions import versions


def test_only_what_is_installed_is_named() -> None:
    assert versions(["numpy", "no-such-package"]) == {"numpy": np.__version__}
