from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import lrhdr_export.film_weights
from lrhdr.errors import BundleError, InputError, OutputError
from lrhdr.model.config import FilmConfig
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr_export.film_weights import (
    adopt_official_film,
    check_layout,
    convert_film,
    expected_shapes,
)

# The same keys as the released network's, and 0.1 % of its size.
SMALL = FilmConfig(filters=2, flow_filters=(2, 4, 6, 8))


class Official(nn.Module):
    """The parts of a `Film` under the official names; its forward does nothing."""

    def __init__(self, film: Film) -> None:
        super().__init__()
        self.extract = film.extract
        self.predict_flow = film.predict_flow
        self.fuse = film.fuse

    def forward(self, x: Tensor) -> Tensor:
        return x + 1.0


def save(module: nn.Module, path: Path) -> Path:
    """Write TorchScript, as FILM's release is."""
    traced: Any = torch.jit.trace(module, (torch.zeros(1),))  # type: ignore[no-untyped-call]
    traced.save(str(path))
    return path


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """A file like film_net_fp16.pt with random weights, and what it holds."""
    torch.manual_seed(7)
    module = Official(Film(FilmConfig()).half())
    path = tmp_path_factory.mktemp("official") / "film_net_fp16.pt"
    return save(module, path), module.state_dict()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the right keys and the wrong shapes."""
    return save(Official(Film(SMALL)), tmp_path_factory.mktemp("small") / "small.pt")


def test_the_released_network_has_82_tensors() -> None:
    shapes = expected_shapes()
    assert len(shapes) == 82
    millions = sum(torch.Size(shape).numel() for shape in shapes.values()) / 1e6
    assert round(millions, 1) == 34.4
    assert shapes["extract.extract_sublevels.convs.0.0.0.weight"] == (64, 3, 3, 3)
    assert shapes["predict_flow._predictor._convs.4.0.bias"] == (2,)
    assert shapes["fuse.output_conv.weight"][0] == 3


def test_an_official_file_converts(
    official: tuple[Path, dict[str, Tensor]], tmp_path: Path
) -> None:
    source, state = official
    target = tmp_path / "film.safetensors"
    assert convert_film(source, target) == sum(v.numel() for v in state.values())
    assert [path.name for path in tmp_path.iterdir()] == ["film.safetensors"]
    converted = load_file(target)
    Film(FilmConfig()).load_state_dict(converted, strict=True)
    assert converted.keys() == state.keys()
    for key, value in state.items():
        assert converted[key].dtype == torch.float32
        assert torch.equal(converted[key], value.float()), key


def test_a_file_with_other_shapes_is_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"small.pt: extract.*weight has shape \(2, 3, 3, 3\)"):
        convert_film(small, tmp_path / "film.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_file_with_a_missing_key_is_refused(tmp_path: Path) -> None:
    film = Film(SMALL)
    film.fuse.output_conv = nn.Identity()  # type: ignore[assignment]
    source = save(Official(film), tmp_path / "short.pt")
    message = r"2 keys missing \(first: \['fuse.output_conv.bias'\]\).*expected the 82 tensors"
    with pytest.raises(InputError, match=message):
        convert_film(source, tmp_path / "film.safetensors")
    assert not (tmp_path / "film.safetensors").exists()


def meta_state() -> dict[str, Tensor]:
    return {k: torch.empty(shape, device="meta") for k, shape in expected_shapes().items()}


@pytest.mark.parametrize("key", sorted(expected_shapes())[::9])
def test_the_layout_names_the_key(key: str) -> None:
    state = meta_state()
    check_layout(state, "it")
    tensor = state.pop(key)
    with pytest.raises(InputError) as missing:
        check_layout(state, "it")
    assert f"it: 1 keys missing (first: ['{key}'])" in str(missing.value)
    with pytest.raises(InputError) as wrong:
        check_layout(state | {key: tensor[:1][None]}, "it")
    assert f"it: {key} has shape" in str(wrong.value)
    assert f"expected {tuple(tensor.shape)}" in str(wrong.value)


def test_the_layout_names_an_unknown_key() -> None:
    with pytest.raises(InputError, match=r"0 keys missing .*1 unknown \(first: \['extra.bias'\]\)"):
        check_layout(meta_state() | {"extra.bias": torch.zeros(1)}, "it")


@pytest.mark.parametrize("content", [None, b"", b"not a model\n" * 100, b"PK\x03\x04broken"])
def test_a_file_that_is_no_torchscript(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "film_net.pt"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(InputError) as raised:
        convert_film(source, tmp_path / "film.safetensors")
    message = str(raised.value)
    assert "film_net.pt is no TorchScript file (" in message
    assert "expected film_net_fp32.pt or film_net_fp16.pt" in message
    assert "\n" not in message
    assert not (tmp_path / "film.safetensors").exists()


def test_a_folder_is_no_torchscript(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no TorchScript file"):
        convert_film(tmp_path, tmp_path / "film.safetensors")


def test_an_existing_target_is_refused(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "film.safetensors"
    target.write_text("mine")
    with pytest.raises(OutputError, match=r"exists\. Give another -o, or add --overwrite"):
        convert_film(small, target)
    assert target.read_text() == "mine"


def test_the_target_is_untouched_on_an_error(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "film.safetensors"
    target.write_text("mine")
    with pytest.raises(InputError):
        convert_film(small, target, overwrite=True)

    def full(tensors: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lrhdr_export.film_weights, "save_file", full)
    monkeypatch.setattr(lrhdr_export.film_weights, "check_layout", lambda state, origin: None)
    with pytest.raises(OutputError, match=r"film.safetensors cannot be written .*No space left"):
        convert_film(small, target, overwrite=True)
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["film.safetensors"]


def test_a_target_in_no_folder(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrhdr_export.film_weights, "check_layout", lambda state, origin: None)
    with pytest.raises(OutputError, match="cannot be written"):
        convert_film(small, tmp_path / "nowhere" / "film.safetensors")


def test_another_interpolator_cannot_adopt_it(networks: dict[int, Network], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"lite model has a smaller FILM.*Use --model paper"):
        adopt_official_film(networks[2], tmp_path / "film.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"no weights, only words"])
def test_adopting_a_file_that_is_none(
    networks: dict[int, Network],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
) -> None:
    film = networks[2].config.film
    monkeypatch.setattr(lrhdr_export.film_weights, "FilmConfig", lambda: film)
    path = tmp_path / "film.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read as weights .*lrhdr-export film-weights"):
        adopt_official_film(networks[2], path)
