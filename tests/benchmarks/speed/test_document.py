"""Results as JSON: what is written reads back equal, and what is wrong is refused by its place."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.errors import InputError
from lrhdr_benchmarks.speed.document import facts, load, parse
from lrhdr_benchmarks.speed.record import Result
from tests.benchmarks.speed.results import result

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    float: st.floats(allow_nan=False),
    int: st.integers(1, 10**6),
    str: st.text(max_size=6),
}
NAMED = {"exposures": st.sampled_from([2, 3]), "limit": st.sampled_from(["compute", "memory"])}


def named(name: str, kind: Any) -> st.SearchStrategy[Any]:
    """Any valid value of a field."""
    return NAMED[name] if name in NAMED else anything(kind)


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Any valid value of a declared type."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        values = {f.name: named(f.name, hints[f.name]) for f in fields(kind)}
        return st.builds(kind, **values)  # type: ignore[arg-type]
    if get_origin(kind) is types.UnionType:
        return st.none() | anything(get_args(kind)[0])
    if get_origin(kind) is list:
        return st.lists(anything(get_args(kind)[0]), max_size=2)
    if get_origin(kind) is dict:
        return st.dictionaries(PLAIN[str], anything(get_args(kind)[1]), max_size=2)
    return PLAIN[kind]


@settings(max_examples=30)
@given(anything(Result))
def test_what_is_written_reads_back_equal(made: Result) -> None:
    text = json.dumps(facts(made), allow_nan=False)
    assert parse(text) == made


def test_a_number_that_is_none_is_kept_as_such() -> None:
    plain = facts(result())
    plain["ceilings"]["noise"] = "nan"
    noise = parse(json.dumps(plain)).ceilings.noise
    assert math.isnan(noise)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(facts(result())))
    assert load(file) == result()


@pytest.mark.parametrize("content", [None, b"\xff\xfe{"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "r.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"r\.json cannot be read"):
        load(file)


def put(*path: str | int, to: Any) -> Callable[[Any], None]:
    """What sets one value of a document."""

    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


def drop(*path: str | int) -> Callable[[Any], None]:
    """What leaves one out."""

    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("schema"), "r has no schema"),
        (put("schema", to=2), "r has schema 2"),
        (put("schema", to=True), "r has schema True"),
        (drop("rows"), "r lacks rows"),
        (put("more", to=1), "r has more"),
        (put("machine", to=[]), r"r\.machine is \[\]; expected an object"),
        (put("machine", "threads", to=2), r"r\.machine\.threads is 2; expected a text"),
        (put("rows", to={}), r"r\.rows is {}; expected a list"),
        (put("rows", 0, "fps", to="fast"), r"r\.rows\[0\]\.fps is 'fast'; expected a number"),
        (put("rows", 0, "fps", to=None), r"r\.rows\[0\]\.fps is None"),
        (put("rows", 0, "fps", to=True), r"r\.rows\[0\]\.fps is True"),
        (put("rows", 0, "ahead", to=1.5), r"ahead is 1\.5; expected a whole number"),
        (put("rows", 0, "latency", "count", to=0), r"latency is of 0 times"),
        (put("rows", 0, "case", "exposures", to=4), r"case has 4 exposures; expected 2 or 3"),
        (put("rows", 0, "case", "width", to=0), r"case has the size 0x360"),
        (
            put("rows", 0, "graphs", "lrhdr", "limit", to="sky"),
            r"graphs\.lrhdr has the limit 'sky'; expected compute or memory",
        ),
        (drop("ratios", 1, "low"), r"r\.ratios\[1\] lacks low"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(change: Callable[[Any], None], message: str) -> None:
    document = facts(result())
    change(document)
    with pytest.raises(InputError, match=message):
        parse(json.dumps(document), "r")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"what lrhdr-bench --json writes"):
        parse(text)
