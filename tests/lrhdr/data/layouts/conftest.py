"""Tiny test sets, written by hand as the public ones are: not by our own writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Light = NDArray[np.float32]

CYCLES = {2: ["-3.00", "0.00"], 3: ["-2.00", "0.00", "2.00"]}
SHAPE = (6, 8, 3)


def codes_of(index: int, shape: tuple[int, int, int] = SHAPE) -> Codes:
    """Frame `index` of every scene, RGB."""
    return np.random.default_rng(index).integers(0, 65536, shape, dtype=np.uint16)


def light_of(index: int, peak: float = 1.0) -> Light:
    """Truth `index`, RGB: powers of two, which RGBE holds exactly, up to `peak`."""
    exponents = np.random.default_rng(index + 1000).integers(-5, 0, SHAPE)
    light = np.float32(peak) * np.exp2(exponents).astype(np.float32)
    light[0, 0] = peak
    return light


def put(path: Path, rgb: Codes | Light) -> None:
    assert cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))


def put_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def put_matrix(path: Path, name: str, matrix: NDArray[np.float64]) -> None:
    """A MATLAB 5 file of one matrix of doubles."""

    def element(kind: int, content: bytes) -> bytes:
        tag = np.array([kind, len(content)], "<u4").tobytes()
        return tag + content + bytes(-len(content) % 8)

    parts = [
        element(6, np.array([6, 0], "<u4").tobytes()),
        element(5, np.array(matrix.shape, "<i4").tobytes()),
        element(1, name.encode()),
        element(9, matrix.astype("<f8").tobytes(order="F")),
    ]
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    path.write_bytes(header + element(14, b"".join(parts)))


@pytest.fixture
def codes() -> Callable[..., Codes]:
    return codes_of


@pytest.fixture
def light() -> Callable[..., Light]:
    return light_of


@pytest.fixture
def save() -> Callable[[Path, Codes | Light], None]:
    return put


@pytest.fixture
def synthetic(tmp_path: Path) -> Callable[..., Path]:
    """synthetic(exposures, count=9, scenes=("a", "b")): a set; truths where it is measured."""

    def make(exposures: int, count: int = 9, scenes: Sequence[str] = ("a", "b")) -> Path:
        root = tmp_path / "HDR_Synthetic_Test_Dataset"
        folders = [f"{scene}_{exposures}expo" for scene in scenes]
        put_lines(root / f"scenes_{exposures}expo.txt", folders)
        for folder in (root / "Images" / name for name in folders):
            stems = [f"shot.{index:03}" for index in range(count)]
            known = stems[exposures : count - exposures]
            put_lines(folder / "img_list.txt", stems)
            put_lines(folder / "Exposures.txt", CYCLES[exposures])
            put_lines(folder / "hdr_expos.txt", (f"{stem}.hdr 1.000000" for stem in known))
            for index, stem in enumerate(stems):
                put(folder / f"{stem}.tif", codes_of(index))
                if stem in known:
                    put(folder / f"{stem}.hdr", light_of(index))
        return root

    return make


@pytest.fixture
def real(tmp_path: Path) -> Callable[..., Path]:
    """real(kind, exposures, count): the parent of a set of one scene, `room`."""
    names = {
        "dynamic": "dynamic_RGB_data_{}exp_release",
        "static": "static_RGB_data_{}exp_rand_motion_release",
    }

    def make(kind: str, exposures: int, count: int) -> Path:
        root = tmp_path / names[kind].format(exposures)
        folder = root / "room"
        images = [f"img_{index:02}.tif" for index in range(count)]
        own = [image.replace(".tif", ".hdr") for image in images]
        truths = own if kind == "static" else ["room.hdr"] * count
        put_lines(root / "scene_all.txt", ["room"])
        put_lines(folder / "img_list.txt", images)
        put_lines(folder / "img_hdr_list.txt", map("{} {}".format, images, truths))
        put_lines(folder / "Exposures.txt", CYCLES[exposures])
        for index, (image, truth) in enumerate(zip(images, truths, strict=True)):
            put(folder / image, codes_of(index))
            put(folder / truth, light_of(index, peak=4.0))
        return tmp_path

    return make


@pytest.fixture
def kalantari13(tmp_path: Path) -> Callable[..., Path]:
    """kalantari13(exposures, count=6, response=...): a set of one scene, `dog`."""

    def make(exposures: int, count: int = 6, response: NDArray[np.float64] | None = None) -> Path:
        root = tmp_path / "TOG13_Dynamic_Dataset"
        images = [f"{index:03}.tif" for index in range(count)]
        put_lines(root / f"{exposures}Exp_scenes.txt", ["dog"])
        put_lines(root / "dog" / "img_list.txt", images)
        put_lines(root / "dog" / "img_hdr_list.txt", (f"{i} HDR/{i}.hdr" for i in images))
        put_lines(root / "dog" / "Exposures.txt", CYCLES[exposures])
        for index, image in enumerate(images):
            put(root / "dog" / image, codes_of(index))
        if response is None:
            response = np.linspace(0.0, 1.0, 65536)[:, None] * [1.0, 2.0, 4.0]
        put_matrix(root / "BaslerCRF.mat", "BaslerCRF", response)
        return root

    return make
