"""The rows of the paper's Tables 2 and 3, each trained with the same small budget.

python benchmarks/ablations.py --data hdri --start runs/first/interpolator/weights.safetensors

The interpolator is given and frozen; each row trains ACCR and APSWF of `lite` from the same seed
on the same windows. PSNR_T in dB on windows of the photographs kept apart, by the exposure of the
reference. Rows that were done are not done again (`--out`).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from lrhdr.model.config import preset
from lrhdr.training.loop import LoopSettings
from lrhdr.training.precision import native_bf16
from lrhdr.training.recipe import ABLATIONS, ablate, recipe
from lrhdr.training.stages import StageSettings, train_stage

NAMES = {
    "base": "Base",
    "eic": "EIC",
    "rm": "RM",
    "rm+accr-loss": "RM + ACCR loss",
    "no-accr-loss": "ACCR + APSWF (no ACCR loss)",
    "no-vote": "all without vote loss",
    "dense-fusion": "dense fusion instead of APSWF",
    "all": "all",
    "recipe": "all without both losses (`lite`'s recipe)",
}


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of HDR photographs")
    parser.add_argument("--start", type=Path, required=True, help="weights with an interpolator")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=96)
    options = parser.parse_args()
    plan = recipe("lite")
    print("| row | short reference | long reference | mean | candidates alive |")
    print("| --- | --- | --- | --- | --- |")
    for row in NAMES:
        folder: Path = options.out / row
        done = folder / "figures.json"
        if not done.exists():
            config, losses = preset("lite", 2), plan.losses
            for name in ABLATIONS:
                if name == row:
                    config, losses = ablate(config, losses, name)
            figures = train_stage(
                "fusion",
                StageSettings(
                    data=options.data,
                    out=folder,
                    config=config,
                    rates=(plan.film_rate, plan.accr_rate, plan.rate),
                    windows=replace(plan.windows, side=options.side),
                    losses=losses,
                    start=options.start,
                ),
                LoopSettings(
                    steps=options.steps,
                    batch=options.batch,
                    warmup=options.steps // 10,
                    ema=0.98,
                    every=options.steps,
                    bf16=native_bf16(),
                ),
            )
            done.write_text(json.dumps(figures))
        figures = json.loads(done.read_text())
        cells = [f"{figures[key]:.2f}" for key in ("ours_e0", "ours_e1", "ours")]
        print(f"| {NAMES[row]} | {' | '.join(cells)} | {figures['alive']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
