"""A result as JSON and back. Every number, text and name is checked when it is read."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError
from lrhdr_benchmarks.speed.record import Case, GraphCost, Result, Spread

SCHEMA = 1
LIMITS = ("compute", "memory")

_SCHEMA = "schema"
# JSON has no words for these; they go as texts.
_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def facts(result: Result) -> dict[str, Any]:
    """The result as plain values, which are strict JSON: what is not finite is "inf" or "nan"."""
    return {_SCHEMA: SCHEMA, **_plain(result)}


def load(path: Path) -> Result:
    """The result in a file.

    Raises:
        InputError: it cannot be read, or `parse` refuses it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read: {error}", expected="a file of lrhdr-bench --json"
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str = "the text") -> Result:
    """The result in a JSON text.

    Args:
        text: as `json.dumps` writes `facts`.
        name: what to call it in errors.

    Raises:
        InputError: it is no JSON, of another schema, or a value is missing, unknown, of another
            type or out of range; the message says which.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        _refuse(name, f"is no JSON: {error}", "what lrhdr-bench --json writes")
    if not isinstance(found, dict) or _SCHEMA not in found:
        _refuse(name, f"has no {_SCHEMA}", "what lrhdr-bench --json writes")
    schema = found.pop(_SCHEMA)
    if schema != SCHEMA or isinstance(schema, bool):
        _refuse(name, f"has schema {schema!r}", str(SCHEMA))
    return typing.cast("Result", _made(Result, found, name))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _made(kind: Any, value: Any, where: str) -> Any:
    """The value of a declared type, from plain values; `where` leads to it."""
    if is_dataclass(kind):
        return _dataclass(typing.cast("type[Any]", kind), value, where)
    if get_origin(kind) is types.UnionType:
        (other,) = (each for each in get_args(kind) if each is not types.NoneType)
        return None if value is None else _made(other, value, where)
    if get_origin(kind) is list:
        (each,) = get_args(kind)
        items = _of(list, value, where, "a list")
        return [_made(each, item, f"{where}[{i}]") for i, item in enumerate(items)]
    if get_origin(kind) is dict:
        _, each = get_args(kind)
        items = _of(dict, value, where, "an object")
        return {key: _made(each, item, f"{where}.{key}") for key, item in items.items()}
    if kind is float:
        return _number(value, where)
    return _of(kind, value, where, {int: "a whole number", str: "a text"}[kind])


def _dataclass(kind: type[Any], value: Any, where: str) -> Any:
    found = _of(dict, value, where, "an object")
    types_ = typing.get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    if missing := sorted(names - found.keys()):
        _refuse(where, f"lacks {', '.join(missing)}", "every field")
    if unknown := sorted(found.keys() - names):
        _refuse(where, f"has {', '.join(unknown)}", "no other field")
    made = kind(**{name: _made(types_[name], found[name], f"{where}.{name}") for name in names})
    _check(made, where)
    return made


def _check(made: object, where: str) -> None:
    """What the types do not say."""
    if isinstance(made, Case):
        if made.exposures not in WINDOWS:
            _refuse(where, f"has {made.exposures} exposures", "2 or 3")
        if min(made.width, made.height) < 1:
            _refuse(where, f"has the size {made.width}x{made.height}", "at least 1x1")
    if isinstance(made, GraphCost) and made.limit not in LIMITS:
        _refuse(where, f"has the limit {made.limit!r}", " or ".join(LIMITS))
    if isinstance(made, Spread) and made.count < 1:
        _refuse(where, f"is of {made.count} times", "at least 1")


def _number(value: Any, where: str) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(where, f"is {value!r}", "a number")
    return float(value)


def _of(kind: type[Any], value: Any, where: str, words: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        _refuse(where, f"is {value!r}", words)
    return value


def _refuse(where: str, what: str, expected: str) -> NoReturn:
    raise InputError(f"{where} {what}", expected=expected)
