"""Building one plan from one graph of a bundle, or every plan that streaming needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.forms import Form
from lrhdr_engines.build.job import Job, PluginSource
from lrhdr_engines.build.settings import BuildSettings, Report, plans
from lrhdr_engines.build.sizes import Shapes
from lrhdr_engines.bundle import Bundle

STREAMING = (EXTRACT, FLOW, FUSE, LRHDR)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltEngine:
    """One plan in a folder.

    Attributes:
        graph: its name in the contract.
        sms: compute capabilities it is for; empty for the builder's own choice.
        path: of the plan.
        plan: its bytes.
        seconds: that building or loading took.
        built: False if it was there already.
    """

    graph: str
    sms: tuple[int, ...]
    path: Path
    plan: bytes
    seconds: float
    built: bool


def build_engine(
    bundle: Bundle,
    graph: str,
    shapes: Shapes,
    form: Form,
    settings: BuildSettings,
    *,
    plugin: PluginSource,
    report: Report,
) -> bytes:
    """Build a plan: strongly typed, and with our operators as plugins.

    Args:
        bundle: the model.
        graph: its name in the contract.
        shapes: sizes of the frames; they are padded here.
        form: of the engine.
        settings: how to build.
        plugin: finds or makes the plugin library; asked only where the graph holds a plugin.
        report: told how far the build is.

    Raises:
        BundleError: the graph's file is missing or damaged.
        BackendError: the builder is not installed, misread the graph or failed.
    """
    return Job.of(bundle, graph, shapes, form, settings, plugin).build(report)


def build_bundle(
    bundle: Bundle,
    shapes: Shapes,
    form: Form,
    settings: BuildSettings,
    folder: Path,
    *,
    plugin: PluginSource,
    report: Report,
    graphs: tuple[str, ...] = STREAMING,
) -> Iterator[BuiltEngine]:
    """Every plan that streaming needs, from the folder or built into it.

    Args and Raises as `build_engine`; besides, OutputError where a plan cannot be kept. With SMs
    older and newer than 8.0 there are two plans of a graph.
    """
    cache = EngineCache(folder)
    for graph in graphs:
        for sms in plans(settings.sms):
            chosen = replace(settings, sms=sms)
            began = time.monotonic()
            job = Job.of(bundle, graph, shapes, form, chosen, plugin)
            entry = cache.obtain(job.recipe, partial(job.build, report), report)
            yield BuiltEngine(
                graph=graph,
                sms=sms,
                path=entry.path,
                plan=entry.plan,
                seconds=time.monotonic() - began,
                built=entry.built,
            )
