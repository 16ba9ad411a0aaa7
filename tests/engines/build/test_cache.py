from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.errors import OutputError
from lrhdr_engines.build.cache import Damaged, EngineCache
from lrhdr_engines.build.recipe import Recipe

PLAN = bytes(range(256)) * 4
OTHERS: dict[str, Any] = {
    "graph": "film",
    "precision": "fp32",
    "shapes": "640x384",
    "onnx_sha256": "c" * 64,
    "plugin_sha256": "",
    "builder": "tensorrt",
    "version": "1.6.0",
    "cuda": "12",
    "gpu": "NVIDIA GeForce RTX 4090",
    "sms": (75,),
    "optimisation_level": 5,
    "workspace_mb": 1024,
    "revision": 2,
}


def never() -> bytes:
    raise AssertionError("built although it is there")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def sidecar(cache: EngineCache, recipe: Recipe) -> Path:
    return cache.path(recipe).with_name(cache.path(recipe).name + ".json")


def test_what_was_kept_is_taken(cache: EngineCache, recipe: Recipe) -> None:
    lines: list[str] = []
    assert cache.obtain(recipe, lambda: PLAN, lines.append).built
    again = cache.obtain(recipe, never, lines.append)
    assert (again.plan, again.built) == (PLAN, False)
    assert lines == ["lrhdr: building, there is none yet"]


@pytest.mark.parametrize("field", OTHERS)
def test_every_ingredient_changes_the_key(field: str, recipe: Recipe) -> None:
    changed = replace(recipe, **{field: OTHERS[field]})
    assert changed.digest != recipe.digest
    assert not changed.serves(recipe)
    assert len(recipe.differences(changed)) == 1


def test_the_table_above_names_every_field() -> None:
    assert OTHERS.keys() == set(Recipe.__slots__)


def test_the_field_that_differs_from_the_nearest_is_named(
    cache: EngineCache, recipe: Recipe
) -> None:
    cache.save(replace(recipe, version="1.6.0"), PLAN)
    cache.save(replace(recipe, version="1.5.0", shapes="640x384", cuda="12"), PLAN)
    lines: list[str] = []
    cache.obtain(recipe, lambda: PLAN, lines.append)
    assert lines == ["lrhdr: building, TensorRT version 1.7.1 instead of 1.6.0"]


def test_a_plan_for_more_sms_serves(cache: EngineCache, recipe: Recipe) -> None:
    cache.save(replace(recipe, sms=(86, 89, 120)), PLAN)
    assert cache.obtain(recipe, never, print).plan == PLAN
    assert cache.load(replace(recipe, sms=(80, 89))) is None
    assert cache.load(replace(recipe, sms=())) is None


def test_a_plan_for_every_newer_gpu_serves(cache: EngineCache, recipe: Recipe) -> None:
    cache.save(replace(recipe, sms=()), PLAN)
    assert cache.obtain(recipe, never, print).plan == PLAN
    assert cache.load(replace(recipe, sms=(75,))) is None


def damage(cache: EngineCache, recipe: Recipe, path: Path, content: bytes) -> None:
    """A damaged file is never handed out, and is built again."""
    path.write_bytes(content)
    try:
        entry = cache.load(recipe)
    except Damaged:
        lines: list[str] = []
        again = cache.obtain(recipe, lambda: PLAN, lines.append)
        assert again.built
        assert cache.path(recipe).name in lines[0]
        assert cache.obtain(recipe, never, print).plan == PLAN
    else:
        # JSON allows the one byte to be another white space.
        assert path.suffix == ".json"
        assert entry is not None
        assert entry.plan == PLAN


@settings(max_examples=30)
@given(data=st.data())
def test_a_flipped_bit_is_found(tmp_path_factory: Any, recipe: Recipe, data: st.DataObject) -> None:
    cache = EngineCache(tmp_path_factory.mktemp("flip"))
    cache.save(recipe, PLAN)
    path = data.draw(st.sampled_from([cache.path(recipe), sidecar(cache, recipe)]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    damage(cache, recipe, path, bytes(content))


@settings(max_examples=30)
@given(share=st.floats(0, 0.99), plan=st.booleans())
def test_a_truncated_file_is_found(
    tmp_path_factory: Any, recipe: Recipe, share: float, plan: bool
) -> None:
    cache = EngineCache(tmp_path_factory.mktemp("cut"))
    cache.save(recipe, PLAN)
    path = cache.path(recipe) if plan else sidecar(cache, recipe)
    content = path.read_bytes().rstrip()
    damage(cache, recipe, path, content[: int(len(content) * share)])


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"recipe": 3, "plan": 4, "layout": 1}'])
def test_a_sidecar_of_another_kind(cache: EngineCache, recipe: Recipe, text: str) -> None:
    cache.save(recipe, PLAN)
    damage(cache, recipe, sidecar(cache, recipe), text.encode())


@pytest.mark.parametrize("which", ["plan", "sidecar"])
def test_a_missing_file(cache: EngineCache, recipe: Recipe, which: str) -> None:
    cache.save(recipe, PLAN)
    (cache.path(recipe) if which == "plan" else sidecar(cache, recipe)).unlink()
    with pytest.raises(Damaged, match="cannot be read"):
        cache.load(recipe)
    assert cache.obtain(recipe, lambda: PLAN, print).built


def test_a_plan_under_the_name_of_another(cache: EngineCache, recipe: Recipe) -> None:
    other = replace(recipe, version="1.6.0")
    cache.save(other, PLAN)
    cache.path(other).rename(cache.path(recipe))
    cache.path(other).with_name(cache.path(other).name + ".json").rename(sidecar(cache, recipe))
    with pytest.raises(Damaged, match="about another engine"):
        cache.load(recipe)


def test_a_sidecar_of_odd_types_is_passed_over(cache: EngineCache, recipe: Recipe) -> None:
    other = replace(recipe, version="1.6.0")
    path = cache.save(other, PLAN)
    file = path.with_name(path.name + ".json")
    for field, value in (("plugin_sha256", 5), ("sms", [[1]]), ("workspace_mb", "much")):
        facts = json.loads(file.read_text())
        facts["recipe"][field] = value
        file.write_text(json.dumps(facts))
        assert cache.why_missing(recipe) == "there is none yet"


def test_a_full_disk_is_refused_and_leaves_nothing(
    cache: EngineCache, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"the disk is full .* Free some space"):
        cache.obtain(recipe, lambda: PLAN, print)
    assert [file.suffix for file in cache.folder.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made(tmp_path: Path, recipe: Recipe) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        EngineCache(tmp_path / "file" / "engines").obtain(recipe, lambda: PLAN, print)
