"""The manifest of a model bundle: what export writes and the runtime reads.

A bundle is a folder with this file (`manifest.json`), the ONNX graphs in each
precision, golden vectors and weights. Every file is named relative to the
folder and carries its SHA-256, so that a damaged bundle is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

from lrhdr.contract import (
    MANIFEST,
    PRECISIONS,
    SCHEMA_VERSION,
    WINDOWS,
    Precision,
    Pyramids,
    Tensor,
    signatures,
)
from lrhdr.errors import BundleError

T = TypeVar("T")

_AGAIN = "Install the package again, or export the bundle again with lrhdr-export onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of the bundle: its path relative to the bundle's folder, hash and size in bytes."""

    path: str
    sha256: str
    bytes: int

    @classmethod
    def of(cls, folder: Path, path: str) -> FileEntry:
        """Describe the file `path` of `folder` as it is now."""
        content = (folder / path).read_bytes()
        return cls(path=path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))

    def verified(self, folder: Path) -> Path:
        """The file's full path, after its content was found unchanged.

        Raises:
            BundleError: it is missing, or a byte has changed.
        """
        full = folder / self.path
        try:
            found = FileEntry.of(folder, self.path)
        except OSError as error:
            raise BundleError(
                f"{full} cannot be read ({error.strerror})", next_step=_AGAIN
            ) from error
        if found.bytes != self.bytes:
            raise BundleError(
                f"{full} has {found.bytes} bytes",
                expected=f"{self.bytes} as {MANIFEST} says",
                next_step=_AGAIN,
            )
        if found.sha256 != self.sha256:
            raise BundleError(
                f"{full} has been changed: its SHA-256 starts with {found.sha256[:12]}",
                expected=f"{self.sha256[:12]} as {MANIFEST} says",
                next_step=_AGAIN,
            )
        return full


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEntry:
    """One graph: its tensors in order, and the file of each precision."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    files: Mapping[Precision, FileEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything `manifest.json` says.

    Attributes:
        name: of the bundle, as in "lite-2e".
        model: the preset it was made from.
        exposures: Ne, 2 or 3.
        multiple: heights and widths that the graphs take are multiples of it.
        opset: of ONNX's own domain.
        pyramids: what the interpolator's graphs exchange.
        graphs: by the names of `lrhdr.contract`.
        goldens: recorded inputs and outputs, if any.
        weights: the parameters, if any.
        made: how it was made, in free form.
        schema: version of this layout.
    """

    name: str
    model: str
    exposures: int
    multiple: int
    opset: int
    pyramids: Pyramids
    graphs: Mapping[str, GraphEntry]
    goldens: FileEntry | None = None
    weights: FileEntry | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: str) -> Manifest:
        """Read the text of a `manifest.json`; `origin` names it in errors.

        Raises:
            BundleError: no JSON, another schema version, a field that is missing or of another
                type, or graphs that are not those of `lrhdr.contract`.
        """
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise BundleError(f"{origin} is not JSON ({error})", next_step=_AGAIN) from error
        reader = _Reader(raw, origin)
        schema = reader.take("schema", int)
        if schema != SCHEMA_VERSION:
            raise BundleError(
                f"{origin} has schema version {schema}",
                expected=str(SCHEMA_VERSION),
                next_step="Export the bundle again with this version's lrhdr-export onnx",
            )
        pyramids = reader.inner("pyramids")
        channels = pyramids.take("channels", list)
        if not all(type(count) is int for count in channels):
            raise BundleError(
                f"{origin}: pyramids: channels is {channels!r}",
                expected="a list of integers",
                next_step=_AGAIN,
            )
        manifest = cls(
            name=reader.take("name", str),
            model=reader.take("model", str),
            exposures=reader.take("exposures", int),
            multiple=reader.take("multiple", int),
            opset=reader.take("opset", int),
            pyramids=Pyramids(
                channels=tuple(channels),
                fusion_levels=pyramids.take("fusion_levels", int),
                finest_flow=pyramids.take("finest_flow", int),
                guided=pyramids.take("guided", bool),
            ),
            graphs={name: _graph(entry) for name, entry in reader.inner("graphs").items()},
            goldens=_file(reader.inner("goldens")) if reader.has("goldens") else None,
            weights=_file(reader.inner("weights")) if reader.has("weights") else None,
            made=reader.take("made", dict),
        )
        manifest._check(origin)
        return manifest

    def _check(self, origin: str) -> None:
        if self.exposures not in WINDOWS or self.multiple < 1:
            raise BundleError(
                f"{origin} is for {self.exposures} exposures and multiples of {self.multiple}",
                expected="2 or 3 exposures and a multiple of at least 1",
                next_step=_AGAIN,
            )
        p = self.pyramids
        if not 0 <= p.finest_flow < p.fusion_levels <= len(p.channels):
            raise BundleError(
                f"{origin}: pyramids fuses {p.fusion_levels} of {len(p.channels)} levels, with "
                f"flow from level {p.finest_flow}",
                expected="finest_flow < fusion_levels <= the number of channels",
                next_step=_AGAIN,
            )
        for name, signature in signatures(self.exposures, p).items():
            graph = self.graphs.get(name)
            if graph is None:
                raise BundleError(f"{origin} has no graph {name}", next_step=_AGAIN)
            if (graph.inputs, graph.outputs) != (signature.inputs, signature.outputs):
                raise BundleError(
                    f"{origin}: the tensors of graph {name} are not those of this version",
                    next_step="Export the bundle again with this version's lrhdr-export onnx",
                )


class _Reader:
    """Takes typed fields from a JSON object and names the one that is wrong."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise BundleError(f"{where} is no JSON object", next_step=_AGAIN)
        self._raw = cast("dict[str, object]", raw)
        self._where = where

    def has(self, key: str) -> bool:
        return self._raw.get(key) is not None

    def take(self, key: str, kind: type[T]) -> T:
        value = self._raw.get(key)
        # bool is an int to isinstance, and no field is meant to be either.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BundleError(
                f"{self._where}: {key} is {value!r}",
                expected=f"a value of type {kind.__name__}",
                next_step=_AGAIN,
            )
        return value

    def inner(self, key: str) -> _Reader:
        return _Reader(self._raw.get(key), f"{self._where}: {key}")

    def each(self, key: str) -> list[_Reader]:
        where = f"{self._where}: {key}"
        return [_Reader(item, f"{where}[{i}]") for i, item in enumerate(self.take(key, list))]

    def items(self) -> list[tuple[str, _Reader]]:
        return [(key, self.inner(key)) for key in self._raw]


def _file(reader: _Reader) -> FileEntry:
    path = reader.take("path", str)
    parts = PurePosixPath(path)
    # One step up lets two bundles side by side share their interpolator.
    if parts.is_absolute() or ".." in parts.parts[1:]:
        raise BundleError(
            f"a bundle's file is called {path}",
            expected="a path inside it or in a bundle beside it",
        )
    return FileEntry(path=path, sha256=reader.take("sha256", str), bytes=reader.take("bytes", int))


def _tensor(reader: _Reader) -> Tensor:
    limits = reader.take("range", list) if reader.has("range") else None
    return Tensor(
        name=reader.take("name", str),
        shape=tuple(reader.take("shape", list)),
        dtype=cast("Any", reader.take("dtype", str)),
        range=(limits[0], limits[1]) if limits and len(limits) == 2 else None,
    )


def _graph(reader: _Reader) -> GraphEntry:
    files = reader.inner("files")
    return GraphEntry(
        inputs=tuple(_tensor(item) for item in reader.each("inputs")),
        outputs=tuple(_tensor(item) for item in reader.each("outputs")),
        files={p: _file(files.inner(p)) for p in PRECISIONS if files.has(p)},
    )
