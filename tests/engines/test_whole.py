"""Files that are there as a whole, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lrhdr.errors import OutputError
from lrhdr_engines.whole import keep_whole, sweep, write_whole


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"one", b"", b"three\n"):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        os.ftruncate(descriptor, 2)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a\.json cannot be written: the disk is full") as caught:
        write_whole(path, b"new content")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"missing.*cannot be written"):
        write_whole(tmp_path / "missing" / "a.json", b"")


def test_a_folder_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(OutputError, match=r"a\.json cannot be written"):
        write_whole(path, b"text")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_our_own_is_made(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "engines" / "a.plan"
    keep_whole(path, b"plan")
    assert path.read_bytes() == b"plan"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        keep_whole(tmp_path / "file" / "a.plan", b"plan")


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "a.plan"
    left, other = tmp_path / ".a.1234.part.plan", tmp_path / ".b.1234.part.plan"
    for file in (path, left, other):
        file.write_bytes(b"")
    sweep(path)
    assert sorted(tmp_path.iterdir()) == sorted([path, other])
