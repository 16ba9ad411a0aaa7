"""The evaluation itself: scene by scene and frame by frame, all methods side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.errors import LrhdrError
from lrhdr.metrics import role_of
from lrhdr_benchmarks.evaluate.flicker import FlickerMeter
from lrhdr_benchmarks.evaluate.measures import Domains, Meter, Protocol, as_measured
from lrhdr_benchmarks.evaluate.method import Estimate, Method
from lrhdr_benchmarks.evaluate.motion import block_means, block_psnr, motion_of
from lrhdr_benchmarks.evaluate.results import FrameFigures, FrameVote, Place, Results
from lrhdr_benchmarks.evaluate.scenes import frames_of, remembering
from lrhdr_benchmarks.evaluate.vote import count_votes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One frame with all that was made of it.

    Attributes:
        place: which frame it is.
        cycle: e of one cycle of its scene.
        exposure: e of the frame.
        frame: as recorded, (H, W, 3) in gamma space.
        truth: None where it is unknown.
        results: by method, (H, W, 3) linear, in [0, 1].
        oracles: by method, of those that have one.
        masks: (H, W, N) by method, of those that have some.
    """

    place: Place
    cycle: Sequence[float]
    exposure: float
    frame: Picture
    truth: Domains | None
    results: Mapping[str, Picture]
    oracles: Mapping[str, Picture]
    masks: Mapping[str, NDArray[np.float32]]


def oracle_of(method: str) -> str:
    """The name under which the oracle of a method is measured."""
    return f"{method} oracle"


class Evaluation:
    """Measures scenes one by one. Of each method, one frame is in memory at a time."""

    def __init__(
        self, methods: Sequence[Method], meters: Sequence[Meter], protocols: Sequence[Protocol]
    ) -> None:
        """What to measure, with what, and under which protocols."""
        self._methods, self._meters, self._protocols = methods, meters, protocols
        self.results = Results()

    def add(self, scene: TestScene, watch: Callable[[Shot], None]) -> None:
        """Measure a scene; `watch` sees every frame.

        Raises:
            LrhdrError: a picture cannot be read, or a method failed or gave no finite numbers.
        """
        scene = remembering(scene)
        wanted = frames_of(scene)
        flicker = FlickerMeter(scene, wanted)
        streams = [method.estimate(scene, wanted) for method in self._methods]
        for index, *estimates in zip(wanted, *streams, strict=True):
            shot = self._shot(scene, index, estimates)
            if shot.truth is not None:
                self._measure(shot, shot.truth, motion_of(scene, index))
                flicker.add(index, shot.frame, shot.truth.linear, shot.results)
            for name, masks in shot.masks.items():
                vote = FrameVote(place=shot.place, method=name, vote=count_votes(masks))
                self.results.votes.append(vote)
            watch(shot)
        found = flicker.result()
        if found is not None:
            self.results.flicker[scene.name] = found

    def _shot(self, scene: TestScene, index: int, estimates: Sequence[Estimate]) -> Shot:
        named = {m.name: e for m, e in zip(self._methods, estimates, strict=True)}
        for name, estimate in named.items():
            if estimate.index != index or not np.isfinite(estimate.hdr).all():
                raise LrhdrError(
                    f"{name} did not give finite values for frame {index} of {scene.name}",
                    expected="linear HDR for each frame, in order",
                )
        truth = scene.read_truth(index)
        exposure = scene.exposures[index]
        role = role_of(exposure, scene.exposures)
        return Shot(
            place=Place(scene=scene.name, frame=index, role=role),
            cycle=scene.exposures[: len(scene.ev)],
            exposure=exposure,
            frame=scene.read_frame(index),
            truth=None if truth is None else Domains.of(truth),
            results={name: np.clip(e.hdr, 0.0, 1.0) for name, e in named.items()},
            oracles={name: e.oracle for name, e in named.items() if e.oracle is not None},
            masks={name: e.masks for name, e in named.items() if e.masks is not None},
        )

    def _measure(self, shot: Shot, truth: Domains, motion: NDArray[np.float64] | None) -> None:
        oracles = {oracle_of(name): oracle for name, oracle in shot.oracles.items()}
        blocks = {}
        for name, picture in {**shot.results, **oracles}.items():
            raw = Domains.of(picture)
            for protocol in self._protocols:
                seen = as_measured(raw, protocol, shot.frame, shot.exposure, shot.place.role)
                values: dict[str, float] = {}
                for meter in self._meters:
                    values |= meter(seen, truth)
                self.results.figures.append(
                    FrameFigures(place=shot.place, method=name, protocol=protocol, values=values)
                )
                blocks[name, protocol] = block_psnr(seen.t, truth.t)
        if motion is not None:
            self.results.motion.add(block_means(motion), blocks)
