from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr_engines.build.location import cache_root, engines_folder
from lrhdr_engines.build.timing import read_timings, write_timings


@settings(max_examples=25)
@given(content=st.binary(max_size=200))
def test_it_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("timing") / "timing.cache"
    lines: list[str] = []
    write_timings(path, content)
    assert read_timings(path, lines.append) == content
    assert not lines


@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_one_is_dropped_with_a_word(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("timing") / "timing.cache"
    write_timings(path, b"measurements")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    lines: list[str] = []
    assert read_timings(path, lines.append) == b""
    assert lines == [f"the timing cache {path} is damaged: beginning a new one"]


def test_a_missing_one_is_empty(tmp_path: Path) -> None:
    lines: list[str] = []
    assert read_timings(tmp_path / "none", lines.append) == b""
    assert not lines
    assert read_timings(tmp_path, lines.append) == b""
    assert "cannot be read" in lines[0]


def test_where_things_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setenv = monkeypatch.setenv
    setenv("LRHDR_CACHE", "")
    setenv("XDG_CACHE_HOME", str(tmp_path))
    assert engines_folder() == tmp_path / "lrhdr" / "engines"
    setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == Path.home() / ".cache" / "lrhdr"
    setenv("LRHDR_CACHE", str(tmp_path / "here"))
    assert engines_folder() == tmp_path / "here" / "engines"
