"""The engines of one bundle on one GPU: taken from the cache, or built when they are first used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from lrhdr.errors import BackendError
from lrhdr_engines.build.cache import EngineCache, Entry
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.forms import Form
from lrhdr_engines.build.job import Plugin
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.settings import Report
from lrhdr_engines.build.sizes import Size


class Order(Protocol):
    """One plan that is wanted; see `lrhdr_engines.build.job.Job`."""

    @property
    def graph(self) -> str:
        """Its name in the contract."""

    @property
    def plugin(self) -> Plugin | None:
        """The library that the plan needs."""

    @property
    def recipe(self) -> Recipe:
        """Everything that makes the plan."""

    def build(self, report: Report) -> bytes:
        """Make the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Gives execution contexts of the graphs that streaming needs.

    Attributes:
        order: the order of a graph at a padded size and in a form.
        cache: where plans are kept.
        load: makes a context of a plan; raises BackendError where TensorRT does not take it.
        report: told what is built and why, how far it is and how long it took.
    """

    order: Callable[[str, Size, Form], Order]
    cache: EngineCache
    load: Callable[[Order, bytes], Any]
    report: Report

    def recipes(self, size: Size, form: Form) -> list[Recipe]:
        """What makes each graph's plan; nothing is built."""
        return [self.order(graph, size, form).recipe for graph in STREAMING]

    def contexts(self, size: Size, forms: Mapping[str, Form]) -> dict[str, Any]:
        """An execution context for every graph.

        Raises:
            BackendError: a plan cannot be built, or cannot be loaded although it is new.
            OutputError: a plan cannot be kept.
        """
        return {graph: self._context(graph, size, forms[graph]) for graph in STREAMING}

    def _context(self, graph: str, size: Size, form: Form) -> Any:
        order = self.order(graph, size, form)
        while True:  # every turn but the last throws one kept plan away
            entry = self._obtain(order)
            try:
                return self.load(order, entry.plan)
            except BackendError as error:
                if entry.built:
                    raise
                self.report(f"{graph}: the kept engine cannot be used: {error}")
                self.cache.discard(entry.path)

    def _obtain(self, order: Order) -> Entry:
        began = time.monotonic()
        build = partial(order.build, self.report)
        entry = self.cache.obtain(order.recipe, build, self.report)
        if entry.built:
            seconds, megabytes = time.monotonic() - began, len(entry.plan) / 1e6
            self.report(f"{order.graph}: built in {seconds:.1f} s, {megabytes:.1f} MB")
        return entry
