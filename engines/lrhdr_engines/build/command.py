"""What `lrhdr-export engine` does, without its command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrhdr.contract import MANIFEST, PRECISIONS, WINDOWS, Precision
from lrhdr.errors import BundleError, InputError
from lrhdr.manifest import Manifest
from lrhdr_engines.build.engine import BuiltEngine, build_bundle
from lrhdr_engines.build.job import PluginSource
from lrhdr_engines.build.location import engines_folder
from lrhdr_engines.build.settings import Builder, BuildSettings, Report, parse_sms
from lrhdr_engines.build.sizes import Shapes, Size
from lrhdr_engines.bundle import SHIPPED, Bundle


def export_engines(
    bundle: str,
    *,
    size: str | None = None,
    precision: Precision = "fp16",
    builder: Builder = "tensorrt-rtx",
    sms: str | None = None,
    profile: str | None = None,
    optimisation_level: int | None = None,
    workspace_mb: int | None = None,
    timing_cache: Path | None = None,
    out: Path | None = None,
    plugin: PluginSource | None = None,
    report: Report,
) -> list[BuiltEngine]:
    """Build every engine that streaming needs, and keep them in a folder.

    Args:
        bundle: a bundle's folder, or a shipped one as "lite-2e".
        size: of the frames, "1920x1080".
        precision: fp16 or fp32.
        builder: tensorrt, for the GPU at hand; or tensorrt-rtx.
        sms: compute capabilities for tensorrt-rtx, "75,86,89,120"; None: 8.0 and newer.
        profile: "MIN,OPT,MAX" sizes, instead of `size`.
        optimisation_level: 0 to 5; None leaves it to TensorRT.
        workspace_mb: most MiB for one layer's own use; None: no limit.
        timing_cache: file for TensorRT's measurements.
        out: the folder; None for the cache, where lrhdr-run looks.
        plugin: finds or makes the plugin library; None: as `lrhdr_engines.plugin` does it.
        report: told how far it is, and in the end the table.

    Raises:
        LrhdrError: an option is wrong, or a step failed; the message says what to do.
    """
    if precision not in PRECISIONS:
        raise InputError(f"the precision {precision}", expected=" or ".join(PRECISIONS))
    shapes = _shapes(size, profile)
    settings = BuildSettings(
        builder=builder,
        sms=() if sms is None else parse_sms(sms),
        optimisation_level=optimisation_level,
        workspace_mb=workspace_mb,
        timing_cache=timing_cache,
    )
    opened = open_bundle(bundle)
    if timing_cache is not None and builder == "tensorrt-rtx":
        report("TensorRT-RTX measures on the GPU at first run: --timing-cache has no effect")
    engines = list(
        build_bundle(
            opened,
            shapes,
            precision,
            settings,
            engines_folder() if out is None else out,
            plugin=plugin or default_plugin(report),
            report=report,
        )
    )
    for line in table(engines):
        report(line)
    return engines


def table(engines: Sequence[BuiltEngine]) -> Iterator[str]:
    """Graph, SMs, seconds and MB of every plan, and the sums."""
    yield f"{'graph':13} {'SM':14} {'seconds':>8} {'plan MB':>8}"
    for engine in engines:
        sms = ",".join(map(str, engine.sms)) or "default"
        kept = "" if engine.built else "  (kept)"
        megabytes = len(engine.plan) / 1e6
        yield f"{engine.graph:13} {sms:14} {engine.seconds:8.1f} {megabytes:8.1f}{kept}"
    seconds = sum(engine.seconds for engine in engines)
    total = sum(len(engine.plan) for engine in engines) / 1e6
    yield f"{'all':13} {'':14} {seconds:8.1f} {total:8.1f}"


def open_bundle(name: str) -> Bundle:
    """Open a bundle by its folder, or a shipped one as "lite-2e".

    Raises:
        BundleError: there is none, or it is damaged.
    """
    shipped = re.fullmatch(r"(.+)-(\d)e", name)
    if (
        shipped is not None
        and shipped[1] in SHIPPED
        and int(shipped[2]) in WINDOWS
        and not Path(name).exists()
    ):
        return Bundle.open(shipped[1], int(shipped[2]))
    folder = Path(name)
    file = folder / MANIFEST
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        names = (f"{model}-{exposures}e" for model in SHIPPED for exposures in WINDOWS)
        raise BundleError(
            f"no model bundle in {folder}: {MANIFEST} cannot be read",
            expected=f"a folder written by lrhdr-export onnx, or one of: {', '.join(names)}",
        ) from error
    return Bundle(folder=folder, manifest=Manifest.from_json(text, str(file)))


def _shapes(size: str | None, profile: str | None) -> Shapes:
    if size is not None and profile is None:
        return Shapes.fixed(Size.parse(size))
    if profile is not None and size is None:
        return Shapes.parse(profile)
    raise InputError(
        "neither --size nor --profile" if size is None else "both --size and --profile",
        expected="one of them",
        next_step="Add --size 1920x1080 for one size, or --profile MIN,OPT,MAX for a range",
    )


def default_plugin(report: Report) -> PluginSource:
    """The plugin library, found, or built where there is none."""
    from lrhdr_engines.plugin import find_plugin

    def source() -> Path:
        return find_plugin(report=report)

    return source
