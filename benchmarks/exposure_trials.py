"""The clips of `exposure_errors`: what is filmed, and what must be said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from exposure_clips import Motion, Recipe

_CRF = 30  # "low rate": about 150 kbit/s at 320x192


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A clip, and what must be said of it.

    Attributes:
        alternates: False for clips that must be refused.
        crf: of x264; None for frames as rendered.
    """

    name: str
    recipe: Recipe
    crf: int | None = None
    alternates: bool = True


def events_of(recipe: Recipe) -> set[str]:
    """The cuts and slips in a clip, in words."""
    return {
        *(f"cut {frame}" for frame in recipe.cuts),
        *(f"dropped {frame}" for frame in recipe.dropped if frame not in recipe.cuts),
        *(f"duplicated {frame}" for frame in (*recipe.duplicated, *recipe.replaced)),
        # The frame after a replaced one follows a lost one.
        *(f"dropped {frame + 1}" for frame in recipe.replaced),
    }


def trials() -> Iterator[Trial]:
    """All clips: exposures, curves, conditions, events, and what looks like events but is none."""
    base = Recipe()
    for step in np.arange(1.0, 4.25, 0.5):
        yield Trial(name=f"2 exposures, {step:g} EV", recipe=replace(base, ev=(-step, 0.0)))
    for step in np.arange(1.0, 4.25, 0.5):
        three = (0.0, step, -step)
        yield Trial(name=f"3 exposures, {step:g} EV", recipe=replace(base, ev=three, seed=1))
    yield Trial(name="3 exposures, 3 and 1 EV", recipe=replace(base, ev=(-3.0, 0.0, 1.0)))
    for curve in ("srgb", "bt709", "s-curve"):
        for ev in ((0.0, -2.0), (0.0, -3.6), (-2.0, 0.0, 2.0)):
            name = f"{curve}, {','.join(f'{value:g}' for value in ev)} EV"
            yield Trial(name=name, recipe=replace(base, ev=ev, curve=curve))
    conditions = {
        "16 bit": replace(base, dtype=np.uint16),
        "no noise": replace(base, noise=0.0),
        "much noise": replace(base, noise=4.0),
        "dark: medians of 2% and 0.3% of white": replace(base, middle=0.007),
        "bright: half of it clipped": replace(base, middle=1.0),
        "light falls by a stop": replace(base, drift=-1.0),
        "light rises by a stop, 3 exposures": replace(base, ev=(-2.0, 0.0, 2.0), drift=1.0),
    }
    for name, recipe in conditions.items():
        yield Trial(name=name, recipe=recipe)
    yield Trial(name=f"H.264 at crf {_CRF}", recipe=base, crf=_CRF)
    yield Trial(name="H.264 at crf 36", recipe=replace(base, ev=(-2.0, 0.0)), crf=36)
    yield from _with_events(base)
    yield from _without(base)


def _with_events(base: Recipe) -> Iterator[Trial]:
    three = replace(base, ev=(-2.0, 0.0, 2.0), seed=2)
    events = {
        "cut": replace(base, cuts=(21,)),
        "cut, and the rhythm with it": replace(base, cuts=(21,), dropped=(21,)),
        "cut, 3 exposures": replace(three, cuts=(22,)),
        "three cuts, shots of 5 and 12 frames": replace(base, cuts=(12, 17, 29)),
        "dropped frame": replace(base, dropped=(21,)),
        "dropped frame, 1 EV": replace(base, ev=(0.0, -1.0), dropped=(30,)),
        "dropped frame, 4 EV": replace(base, ev=(0.0, -4.0), dropped=(30,)),
        "dropped frame, 3 exposures": replace(three, dropped=(20,)),
        "dropped frame, tripod": replace(base, motion="still", dropped=(25,)),
        "dropped frame, hand-held": replace(base, motion="hand", dropped=(25,)),
        "duplicated frame": replace(base, duplicated=(21,)),
        "duplicated frame, 3 exposures": replace(three, duplicated=(21,)),
        "duplicated frame, tripod": replace(base, motion="still", duplicated=(25,)),
        "frame replaced by the one before": replace(base, replaced=(21,)),
        "three slips and a cut": replace(
            base, count=96, cuts=(60,), dropped=(20, 80), duplicated=(40,)
        ),
        "slip at 77, 3.6 EV, sRGB": replace(
            base, count=150, curve="srgb", ev=(0.0, -3.6), dropped=(77,)
        ),
    }
    for name, recipe in events.items():
        yield Trial(name=name, recipe=recipe)
        if name in ("cut", "dropped frame", "duplicated frame", "slip at 77, 3.6 EV, sRGB"):
            yield Trial(name=f"{name}, H.264 at crf {_CRF}", recipe=recipe, crf=_CRF)


def _without(base: Recipe) -> Iterator[Trial]:
    """What may be taken for a cut or a slip, and what must be refused."""
    motions: dict[Motion, str] = {
        "still": "tripod",
        "hand": "hand-held",
        "whip": "whip pan",
        "object": "object crosses in 6 frames",
    }
    for motion, name in motions.items():
        yield Trial(name=name, recipe=replace(base, motion=motion))
        yield Trial(
            name=f"{name}, 3 exposures, H.264 at crf {_CRF}",
            recipe=replace(base, motion=motion, ev=(0.0, 2.0, -2.0)),
            crf=_CRF,
        )
    lights = {
        "flash in one frame": replace(base, flashes=(20,)),
        "flashes in 2 frames and in 1": replace(base, flashes=(20, 21, 33)),
        "flash, 3 exposures": replace(base, flashes=(20,), ev=(-2.0, 0.0, 2.0)),
        "flicker of 0.1 EV": replace(base, flicker=0.1),
        "fade to black over 20 frames": replace(base, fade=20),
    }
    for name, recipe in lights.items():
        yield Trial(name=name, recipe=recipe)
    refused = {
        "no alternation": replace(base, ev=(0.0, 0.0)),
        "no alternation, three cuts": replace(base, ev=(0.0, 0.0), cuts=(12, 24, 36)),
        "alternation of 0.3 EV": replace(base, ev=(0.0, -0.3)),
        "flicker of 0.3 EV alone": replace(base, ev=(0.0, 0.0), flicker=0.3),
        "cycle of 4": replace(base, ev=(0.0, -1.0, -2.0, -3.0)),
        "cycle of 4, 2 of them alike": replace(base, ev=(0.0, -3.0, 0.0, -2.0)),
        "three frames": replace(base, count=3),
    }
    for name, recipe in refused.items():
        yield Trial(name=name, recipe=recipe, alternates=False)
