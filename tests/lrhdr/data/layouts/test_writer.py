"""What is written is read back, and nothing is half written."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.data.layouts import Picture, open_layout, write_synthetic
from lrhdr.errors import InputError, LrhdrError, OutputError

EV = {2: (-3.0, 0.0), 3: (-2.0, 0.0, 2.0)}


def pictures(seed: int, count: int, size: tuple[int, int] = (5, 7)) -> list[Picture]:
    """In [0, 1], from deep shadows up to the end of the range."""
    rng = np.random.default_rng(seed)
    levels = rng.random((count, *size, 3)) * 10.0 ** rng.uniform(-4, 0, (count, *size, 1))
    levels[:, 0, 0], levels[:, -1, -1] = 0.0, 1.0
    return list(levels.astype(np.float32))


@settings(max_examples=15)
@given(
    exposures=st.sampled_from([2, 3]),
    extra=st.integers(1, 3),
    size=st.tuples(st.integers(1, 9), st.integers(2, 20)),
    steps=st.lists(st.floats(-8, 8, allow_subnormal=False), min_size=3, max_size=3, unique=True),
    seed=st.integers(0, 2**16),
)
def test_a_set_comes_back(
    exposures: int, extra: int, size: tuple[int, int], steps: list[float], seed: int
) -> None:
    count = 2 * exposures + extra
    frames, truths = pictures(seed, count, size), pictures(seed + 1, count, size)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "new" / "set"
        write_synthetic(root, [("a", steps[:exposures], frames, truths)], exposures)
        (scene,) = open_layout(root, "synthetic", exposures)
        assert scene.name == f"a_{exposures}expo"
        assert scene.ev == tuple(steps[:exposures])
        assert scene.measured == tuple(range(exposures, count - exposures))
        assert len(scene) == count
        for index, (frame, truth) in enumerate(zip(frames, truths, strict=True)):
            assert abs(scene.read_frame(index) - frame).max() <= 0.5001 / 65535
            read = scene.read_truth(index)
            assert read is not None
            error = abs(read - truth) / np.maximum(truth.max(axis=2, keepdims=True), 1e-30)
            assert error.max() <= 1 / 128


def test_the_lists_are_those_of_the_layout(tmp_path: Path) -> None:
    truths = [None, None, *pictures(1, 1), None, None]
    write_synthetic(tmp_path, [("a", EV[2], pictures(0, 5), truths)], 2)
    folder = tmp_path / "Images" / "a_2expo"
    assert (tmp_path / "scenes_2expo.txt").read_text() == "a_2expo\n"
    assert (folder / "img_list.txt").read_text() == "0000\n0001\n0002\n0003\n0004\n"
    assert (folder / "Exposures.txt").read_text() == "-3.0\n0.0\n"
    assert (folder / "hdr_expos.txt").read_text() == "0002.hdr 1.000000\n"
    assert [file.name for file in sorted(folder.glob("*.hdr"))] == ["0002.hdr"]


def test_scenes_are_added(tmp_path: Path) -> None:
    for name in ("a", "b_2expo"):
        write_synthetic(tmp_path, [(name, EV[2], pictures(0, 5), pictures(1, 5))], 2)
    assert [scene.name for scene in open_layout(tmp_path, "synthetic", 2)] == ["a_2expo", "b_2expo"]
    with pytest.raises(OutputError, match=r"a_2expo exists\. Choose another name"):
        write_synthetic(tmp_path, [("a", EV[2], pictures(0, 5), pictures(1, 5))], 2)
    assert len(open_layout(tmp_path, "synthetic", 2)) == 2


def test_an_interrupted_scene_leaves_those_before_it(tmp_path: Path) -> None:
    def broken() -> Iterator[Picture]:
        yield from pictures(0, 3)
        raise KeyboardInterrupt

    scenes = [
        ("whole", EV[3], pictures(0, 7), pictures(1, 7)),
        ("half", EV[3], broken(), pictures(1, 7)),
    ]
    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path, scenes, 3)
    assert [scene.name for scene in open_layout(tmp_path, "synthetic", 3)] == ["whole_3expo"]
    assert [file.name for file in (tmp_path / "Images").iterdir()] == ["whole_3expo"]


def wrong(**parts: Any) -> tuple[Any, ...]:
    scene = {"name": "a", "ev": EV[2], "frames": pictures(0, 5), "truths": pictures(1, 5)}
    return tuple((scene | parts).values())


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (wrong(name="a/b"), "the scene 'a/b'; expected the name of a folder"),
        (wrong(name=""), "the name of a folder"),
        (wrong(name="a\n"), "the name of a folder"),
        (wrong(ev=EV[3]), "the scene a has 3 EVs: -2 0 2; expected one cycle of 2"),
        (wrong(ev=(1.0, 1.0)), "different EVs"),
        (wrong(frames=pictures(0, 4)), "4 frames and 5 truths"),
        (wrong(truths=pictures(1, 6)), "5 frames and 6 truths"),
        (wrong(truths=pictures(1, 2)), "5 frames and 2 truths; expected at least 5 frames"),
        (wrong(frames=[]), "0 frames and 5 truths"),
        (wrong(frames=[*pictures(0, 4), np.ones((5, 8, 3))]), "frame 4 of a has the shape"),
        (wrong(truths=pictures(1, 5, (5, 8))), "truth 0 of a has the shape"),
        (wrong(frames=[np.ones((5, 7))] * 5), "frame 0 of a has the shape"),
        (wrong(frames=[np.full((5, 7, 3), 1.5)] * 5), "frame 0 of a has values from 1.5 to 1.5"),
        (wrong(truths=[np.full((5, 7, 3), np.nan)] * 5), "truth 0 of a has values from nan"),
    ],
)
def test_a_scene_that_does_not_fit_is_refused(tmp_path: Path, scene: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_synthetic(tmp_path / "set", [scene], 2)
    assert not list(tmp_path.rglob("*.*"))


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"a_2expo cannot be written \(No space left"):
        write_synthetic(tmp_path, [wrong()], 2)
    assert not list(tmp_path.rglob("*.*"))


def test_other_exposures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LrhdrError, match="4 exposures; expected 2 or 3"):
        write_synthetic(tmp_path, [], 4)
