from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any, Literal

import pytest

from lrhdr.model.config import (
    AccrConfig,
    ApswfConfig,
    FilmConfig,
    ModelConfig,
    lite,
    paper,
    preset,
    without,
)

EVERY = [
    pytest.param(make(exposures), id=f"{make.__name__}-{exposures}e")
    for make in (paper, lite)
    for exposures in (2, 3)
]
Part = Literal["accr", "eic", "rm", "sparse"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"flow_convs": (3, 3, 3)},
            r"flow_convs \(3, 3, 3\) and flow_filters \(32, 64, 128, 256\)",
        ),
        ({"sub_levels": 5}, "levels of equal width"),
        ({"fusion_levels": 8}, "fusion_levels <= pyramid_levels"),
        ({"pyramid_levels": 4}, "fusion_levels <= pyramid_levels"),
        ({"finest_flow": 5}, "finest_flow < fusion_levels"),
        ({"guide_steps": 1}, "finest_flow must be 1"),
        (
            {"flow_convs": (), "flow_filters": (), "finest_flow": 4},
            "at least one flow predictor",
        ),
    ],
)
def test_plans_that_cannot_be_built_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(FilmConfig(), **change)


def test_a_shared_predictor_may_begin_where_widths_are_equal() -> None:
    assert replace(FilmConfig(), sub_levels=4, finest_flow=0).sub_levels == 4
    two = replace(FilmConfig(), flow_convs=(3, 3), flow_filters=(32, 64), sub_levels=2)
    assert [two.feature_channels(level) for level in range(4)] == [64, 192, 192, 192]
    with pytest.raises(ValueError, match="equal width"):
        replace(two, sub_levels=3)
    assert replace(two, sub_levels=3, finest_flow=1).finest_flow == 1


def test_the_paper_is_the_released_film() -> None:
    config = paper(2)
    assert config.film == FilmConfig()
    assert config.film.multiple == 64
    assert [config.film.feature_channels(i) for i in range(7)] == [64, 192, 448, *[960] * 4]
    pyramids = config.film.pyramids
    assert pyramids.channels == (67, 195, 451, *[963] * 4)
    assert not pyramids.guided
    assert list(pyramids.flow_levels) == [0, 1, 2, 3, 4]
    assert config.apswf.alpha == 1.75
    assert config.apswf.widths == (32, 64, 128, 256)
    assert config.accr == AccrConfig(width=64)


def test_lite_hands_over_one_corrected_flow() -> None:
    film = lite(2).film
    assert film.multiple == 32
    assert film.pyramids.guided
    assert list(film.pyramids.flow_levels) == [1]


@pytest.mark.parametrize("name", ["paper", "lite"])
@pytest.mark.parametrize(("exposures", "count"), [(2, 6), (3, 10)])
def test_presets_are_found_by_name(
    name: Literal["paper", "lite"], exposures: int, count: int
) -> None:
    config = preset(name, exposures)
    assert config == {"paper": paper, "lite": lite}[name](exposures)
    assert (config.preset, config.exposures, config.candidates) == (name, exposures, count)


def test_two_and_three_exposures_share_their_interpolator() -> None:
    assert paper(2).film == paper(3).film
    assert lite(2).film == lite(3).film


@pytest.mark.parametrize("config", EVERY)
@pytest.mark.parametrize("parts", [(), ("accr",), ("eic", "rm"), ("sparse",)])
def test_a_configuration_survives_json(config: ModelConfig, parts: tuple[Part, ...]) -> None:
    config = without(config, *parts)
    again = ModelConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert hash(again) == hash(config)
    assert isinstance(again.film.flow_filters, tuple)


@pytest.mark.parametrize("key", ["preset", "exposures", "film", "accr", "apswf"])
def test_a_missing_section_is_named(key: str) -> None:
    data = lite(2).to_dict()
    del data[key]
    with pytest.raises(KeyError, match=key):
        ModelConfig.from_dict(data)


def test_an_unknown_field_is_named() -> None:
    data = lite(2).to_dict()
    data["film"]["depth"] = 3
    with pytest.raises(TypeError, match="depth"):
        ModelConfig.from_dict(data)


def test_reading_checks_the_plan() -> None:
    data = lite(2).to_dict()
    data["film"]["fusion_levels"] = 9
    with pytest.raises(ValueError, match="fusion_levels"):
        ModelConfig.from_dict(data)


@pytest.mark.parametrize("config", EVERY)
def test_without_changes_only_its_part(config: ModelConfig) -> None:
    accr = config.accr
    assert accr is not None
    assert without(config) == config
    assert without(config, "accr") == replace(config, accr=None)
    assert without(config, "eic") == replace(config, accr=replace(accr, eic=False))
    assert without(config, "rm") == replace(config, accr=replace(accr, rm=False))
    assert without(config, "sparse") == replace(config, apswf=replace(config.apswf, dense=True))
    both = replace(config, accr=replace(accr, eic=False, rm=False))
    assert without(config, "eic", "rm") == both == without(config, "rm", "eic")


def test_parts_of_a_missing_accr_are_missing_already() -> None:
    assert without(paper(2), "accr", "eic", "rm") == without(paper(2), "accr")


def test_configurations_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ApswfConfig().alpha = 1.5  # type: ignore[misc]
