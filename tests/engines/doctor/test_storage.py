"""The plugin library: none, whole, damaged, of other sources; the cache: empty, filled, none."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrhdr_engines.doctor import storage
from lrhdr_engines.plugin import LIBRARY, Plugin
from lrhdr_engines.plugin.record import sha256_of, write_record
from lrhdr_engines.plugin.sources import source_folder, source_hash


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("LRHDR_PLUGIN", raising=False)
    monkeypatch.setenv("LRHDR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def library(folder: Path, sources: str | None = None) -> Path:
    folder.mkdir(parents=True)
    path = folder / LIBRARY
    path.write_bytes(b"\x7fELF, as it were")
    write_record(
        Plugin(
            path=path,
            sha256=sha256_of(path),
            sources=sources or source_hash(source_folder()),
            architectures=(86, 89),
            nvcc="13.0",
            headers="10.14.1",
            resources={},
        )
    )
    return path


def test_no_plugin_yet() -> None:
    found = storage.check_plugin()
    assert (found.status, found.remedy) == ("missing", "lrhdr-export plugin")


def test_a_whole_plugin(cache: Path) -> None:
    path = library(cache / "plugin")
    found = storage.check_plugin()
    assert (found.status, found.found) == ("ok", f"{path}, whole, SM 86, 89, of these sources")


def test_a_damaged_plugin(cache: Path) -> None:
    library(cache / "plugin").write_bytes(b"\x7fELF, and then a bad disk")
    found = storage.check_plugin()
    assert found.status == "broken"
    assert found.found.endswith("is damaged")


def test_a_plugin_of_other_sources(cache: Path) -> None:
    library(cache / "plugin", sources="0" * 64)
    found = storage.check_plugin()
    assert found.status == "broken"
    assert found.found.endswith("is of other sources")


def test_a_plugin_that_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = library(tmp_path / "mine", sources="0" * 64)
    monkeypatch.setenv("LRHDR_PLUGIN", str(path))
    assert storage.check_plugin().found.endswith("of other sources")
    path.with_suffix(".json").unlink()
    assert "not checked" in storage.check_plugin().found
    path.unlink()
    found = storage.check_plugin()
    assert found.status == "broken"
    assert "LRHDR_PLUGIN" in found.found


def test_cache(cache: Path) -> None:
    assert storage.check_cache().found == f"{cache}, empty"
    (cache / "engines").mkdir(parents=True)
    (cache / "engines" / "a.plan").write_bytes(bytes(2_500_000))
    found = storage.check_cache()
    assert (found.status, found.found) == ("ok", f"{cache}, 2.5 MB")


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LRHDR_CACHE", str(tmp_path / "file" / "cache"))
    found = storage.check_cache()
    assert found.status == "broken"
    assert "LRHDR_CACHE" in found.remedy
