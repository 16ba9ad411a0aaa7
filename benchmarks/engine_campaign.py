"""Every engine at every size, built ahead of time by TensorRT-RTX: no GPU needed.

python benchmarks/engine_campaign.py lite-2e lite-3e paper-2e --out campaign

Builds each streaming graph of each bundle from 640x360 to 3840x2160, prints a table of seconds and
plan sizes, and goes on after a failure; exit code 1 if there was one. Plans that are whole already
are kept, so a campaign that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, PRECISIONS
from lrhdr.errors import LrhdrError
from lrhdr_engines.build import BuiltEngine, export_engines

SIZES = ("640x360", "960x540", "1280x720", "1920x1080", "2560x1440", "3840x2160")
GRAPHS = (EXTRACT, FLOW, FUSE, LRHDR)


def main() -> int:
    """Build all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundles", nargs="+", help="folders, or lite-2e and lite-3e")
    parser.add_argument("--size", action="append", help=f"default: {', '.join(SIZES)}")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp16")
    parser.add_argument("--sm", default="89", help="compute capabilities")
    parser.add_argument("--out", type=Path, help="folder of the plans; default: the cache")
    options = parser.parse_args()
    failures = 0
    print(f"| bundle, {options.precision}, SM {options.sm} | size | {' | '.join(GRAPHS)} |")
    print("| --- | --- |" + " --- |" * len(GRAPHS))
    for bundle in options.bundles:
        for size in options.size or SIZES:
            try:
                engines = export_engines(
                    bundle,
                    size=size,
                    precision=options.precision,
                    sms=options.sm,
                    out=options.out,
                    report=lambda line: print(line, file=sys.stderr, flush=True),
                )
            except LrhdrError as error:
                failures += 1
                print(f"| {bundle} | {size} | failed: {error} |", flush=True)
                continue
            cells = [_cell([e for e in engines if e.graph == graph]) for graph in GRAPHS]
            print(f"| {Path(bundle).name} | {size} | {' | '.join(cells)} |", flush=True)
    print(f"{failures} failures", file=sys.stderr)
    return 1 if failures else 0


def _cell(plans: Sequence[BuiltEngine]) -> str:
    """Seconds and size of a graph's plans: several capabilities may need several."""
    made = (f"{plan.seconds:.1f} s" if plan.built else "kept" for plan in plans)
    sizes = (f"{len(plan.plan) / 1e6:.1f} MB" for plan in plans)
    return ", ".join(f"{how} / {size}" for how, size in zip(made, sizes, strict=True))


if __name__ == "__main__":
    sys.exit(main())
