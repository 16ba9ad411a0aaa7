from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lrhdr.errors import BundleError
from lrhdr.model.config import ModelConfig, without
from lrhdr.model.network import Network
from lrhdr.model.weights import adopt_film, load_weights, read_notes, save_weights

MakeConfig = Callable[..., ModelConfig]


@pytest.fixture
def file(tiny: MakeConfig, tmp_path: Path) -> Path:
    path = tmp_path / "network.safetensors"
    save_weights(Network(tiny(2)), path, {"steps": 7})
    return path


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Change the configuration that a weights file names."""
    with safe_open(path, framework="pt") as opened:
        metadata = dict(opened.metadata())
    stored = json.loads(metadata["lrhdr"])
    config = stored["config"]
    change(config)
    metadata["lrhdr"] = json.dumps(stored)
    save_file(load_file(path), path, metadata)


def same(a: Network, b: Network) -> bool:
    one, other = a.state_dict(), b.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("guided", [False, True])
def test_weights_come_back_with_their_configuration(
    tiny: MakeConfig, tmp_path: Path, exposures: int, guided: bool
) -> None:
    network = Network(tiny(exposures, guided=guided)).train()
    path = tmp_path / "network.safetensors"
    save_weights(network, path)
    again = load_weights(path)
    assert again.config == network.config
    assert same(again, network)
    assert not again.training
    assert read_notes(path) == {}


def test_ablations_come_back(tiny: MakeConfig, tmp_path: Path) -> None:
    network = Network(without(tiny(2), "accr", "sparse"))
    save_weights(network, tmp_path / "base.safetensors")
    again = load_weights(tmp_path / "base.safetensors")
    assert again.config.accr is None
    assert same(again, network)


def test_weights_are_kept_in_float32(tiny: MakeConfig, tmp_path: Path) -> None:
    save_weights(Network(tiny(2)).double(), tmp_path / "w.safetensors")
    assert {t.dtype for t in load_file(tmp_path / "w.safetensors").values()} == {torch.float32}


def test_notes_are_kept(file: Path) -> None:
    assert read_notes(file) == {"steps": 7}


def test_saving_again_replaces_the_file_and_leaves_nothing_else(
    tiny: MakeConfig, file: Path
) -> None:
    network = Network(tiny(2))
    before = load_weights(file)
    assert not same(before, network)
    save_weights(network, file)
    assert same(load_weights(file), network)
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_weights(path)
    message = str(caught.value)
    assert str(path) in message
    assert "expected" in message
    assert "\n" not in message
    return message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.safetensors")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 100])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert "cannot be read as weights" in refused(path)


def test_a_truncated_file_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    assert "cannot be read as weights" in refused(file)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_weights_of_something_else_are_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata)
    assert "names no configuration" in refused(path)


def wider(config: Any) -> None:
    config["accr"]["width"] *= 2


def other_exposures(config: Any) -> None:
    config["exposures"] = 3


def no_such_exposures(config: Any) -> None:
    config["exposures"] = 7


def no_accr(config: Any) -> None:
    config["accr"] = None


def unknown_field(config: Any) -> None:
    config["film"]["depth"] = 3


def missing_section(config: Any) -> None:
    del config["apswf"]


def impossible_plan(config: Any) -> None:
    config["film"]["fusion_levels"] = 99


def section_that_is_a_number(config: Any) -> None:
    config["film"] = 3


@pytest.mark.parametrize(
    "change",
    [
        wider,
        other_exposures,
        no_such_exposures,
        no_accr,
        unknown_field,
        missing_section,
        impossible_plan,
        section_that_is_a_number,
    ],
)
def test_a_changed_configuration_is_refused(file: Path, change: Callable[[Any], None]) -> None:
    rewrite(file, change)
    refused(file)


def test_a_tensor_that_is_missing_is_refused(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        metadata = dict(opened.metadata())
    tensors = load_file(file)
    del tensors["film.fuse.output_conv.bias"]
    save_file(tensors, file, metadata)
    refused(file)


def test_an_interpolator_is_adopted_by_another_number_of_exposures(tiny: MakeConfig) -> None:
    network, source = Network(tiny(3)), Network(tiny(2))
    rest = {k: v.clone() for k, v in network.lrhdr.state_dict().items()}
    adopt_film(network, source)
    for key, value in source.film.state_dict().items():
        assert torch.equal(network.film.state_dict()[key], value)
    for key, value in rest.items():
        assert torch.equal(network.lrhdr.state_dict()[key], value)


def test_an_interpolator_of_another_plan_is_refused(tiny: MakeConfig) -> None:
    config = tiny(2)
    other = replace(config, film=replace(config.film, filters=6))
    network = Network(config)
    with pytest.raises(BundleError, match=r"filters=6.*expected.*filters=4"):
        adopt_film(network, Network(other))
