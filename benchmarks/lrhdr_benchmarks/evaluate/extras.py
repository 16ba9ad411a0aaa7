"""Packages that are not there for everybody: their absence shows before the work, in one line."""

from __future__ import annotations

from importlib import import_module

from lrhdr.errors import LrhdrError


def need(module: str, extra: str) -> None:
    """See to it that a module can be imported.

    Args:
        module: the name that is imported.
        extra: of this package that brings it.

    Raises:
        LrhdrError: it is not installed.
    """
    try:
        import_module(module)
    except ModuleNotFoundError:
        raise LrhdrError(
            f"the package {module} is not installed",
            next_step=f"In a clone, run: pip install '.[{extra}]' -c constraints.txt",
        ) from None
