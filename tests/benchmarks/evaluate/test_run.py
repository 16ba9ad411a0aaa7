"""The evaluation with methods whose results are known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.errors import LrhdrError
from lrhdr.metrics import masked_prediction, psnr_t
from lrhdr_benchmarks.evaluate.measures import Domains, fidelity
from lrhdr_benchmarks.evaluate.method import Estimate
from lrhdr_benchmarks.evaluate.results import FrameFigures
from lrhdr_benchmarks.evaluate.run import Evaluation, Shot, oracle_of
from tests.benchmarks.evaluate.rooms import EV, panning, scene_of, texture


@dataclass(frozen=True)
class Half:
    """Half of the truth, and the truth itself as the oracle."""

    name: str = "half"
    about: str = "a method of the tests"
    share: float = 0.5
    masks: Picture | None = None

    def estimate(self, scene: TestScene, wanted: Sequence[int]) -> Iterator[Estimate]:
        for index in wanted:
            truth = scene.read_truth(index)
            light = scene.read_frame(index) if truth is None else truth
            hdr = light * np.float32(self.share)
            yield Estimate(index=index, hdr=hdr, masks=self.masks, oracle=truth)


def ignore(_shot: Shot) -> None:
    """Watch nothing."""


def test_every_method_is_measured_once_a_frame_and_protocol() -> None:
    seen: Counter[str] = Counter()

    def meter(prediction: Domains, truth: Domains) -> dict[str, float]:
        seen["calls"] += 1
        return {"psnr_t": float(prediction.linear.mean() / truth.linear.mean())}

    evaluation = Evaluation([Half(), Half("whole", share=1.0)], [meter], ["raw", "masked"])
    watched: list[Shot] = []
    evaluation.add(scene_of([texture()] * 9), watched.append)
    assert [shot.place.frame for shot in watched] == [2, 3, 4, 5, 6]
    # Two methods and two oracles, under two protocols.
    assert seen["calls"] == len(evaluation.results.figures) == 5 * 4 * 2
    means = evaluation.results.means(lambda f: f.method, "raw")
    assert means["half"]["psnr_t"] == pytest.approx(0.5)
    assert means[oracle_of("half")]["psnr_t"] == pytest.approx(1.0)


def test_a_perfect_method_is_infinitely_good() -> None:
    evaluation = Evaluation([Half(share=1.0)], [fidelity], ["raw"])
    evaluation.add(scene_of([texture()] * 6), ignore)
    for values in (figures.values for figures in evaluation.results.figures):
        assert values == pytest.approx(
            {"psnr_t": math.inf, "ssim_t": 1.0, "psnr_pq": math.inf, "ssim_pq": 1.0}
        )


@pytest.mark.parametrize("exposures", [2, 3])
def test_figures_are_grouped_by_the_role_of_the_reference(exposures: int) -> None:
    scene = scene_of(panning(11), EV[exposures])
    evaluation = Evaluation([Half()], [fidelity], ["raw", "masked"])
    evaluation.add(scene, ignore)
    names = ("low", "high") if exposures == 2 else ("low", "middle", "high")
    for role_index, role in enumerate(names):
        frames = [i for i in scene.measured if i % exposures == role_index]
        raw, masked = [], []
        for index in frames:
            truth = scene.read_truth(index)
            assert truth is not None
            half = (truth * np.float32(0.5)).astype(np.float64)
            e = scene.exposures[index]
            own = masked_prediction(half, scene.read_frame(index), e, role)  # type: ignore[arg-type]
            raw.append(psnr_t(half, truth))
            masked.append(psnr_t(np.clip(own, 0.0, 1.0), truth))
        for protocol, expected in (("raw", raw), ("masked", masked)):
            means = evaluation.results.means(_role, protocol)  # type: ignore[arg-type]
            assert means["half", role]["psnr_t"] == pytest.approx(np.mean(expected), abs=1e-9)


def _role(figures: FrameFigures) -> tuple[str, str]:
    return figures.method, figures.place.role


def test_without_a_truth_there_are_votes_and_nothing_else() -> None:
    masks = np.zeros((24, 32, 6), np.float32)
    masks[:6, :, 1] = masks[6:, :, 3] = 1.0
    evaluation = Evaluation([Half(masks=masks)], [fidelity], ["raw"])
    watched: list[Shot] = []
    evaluation.add(scene_of([texture()] * 6, known=False), watched.append)
    assert len(watched) == len(evaluation.results.votes) == 2
    assert not evaluation.results.figures
    assert not evaluation.results.flicker
    vote = evaluation.results.mean_votes()["half"]
    assert vote.wins == pytest.approx((0.0, 0.25, 0.0, 0.75, 0.0, 0.0))
    assert vote.alive == 1.0


def test_flicker_is_averaged_over_scenes() -> None:
    evaluation = Evaluation([Half()], [], ["raw"])
    for seed in (1, 2):
        truths = [texture(seed=seed)] * 8
        evaluation.add(scene_of(truths, noise=1e-3 * seed, name=f"room {seed}"), ignore)
    first, second = evaluation.results.flicker.values()
    assert first.noise is not None
    assert second.noise is not None
    assert 0.0 < first.noise < second.noise
    assert evaluation.results.mean_flicker()["half"] == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("share", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(share: float) -> None:
    evaluation = Evaluation([Half("broken", share=share)], [fidelity], ["raw"])
    with pytest.raises(LrhdrError, match="broken did not give finite values for frame 2 of room"):
        evaluation.add(scene_of([texture()] * 6), ignore)
