"""Which of our own operators an ONNX file holds, read from its bytes.

The runtime does without the package `onnx`, and needs one fact of a graph
that TensorRT will not tell: what should have become a plugin. So this walks
the protocol buffers' wire format down to ModelProto.graph (field 7),
GraphProto.node (1) and there NodeProto.op_type (4) and domain (7), as
numbered in onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from lrhdr.errors import BundleError

_GRAPH, _NODE, _OP_TYPE, _DOMAIN = 7, 1, 4, 7
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def operators(model: bytes, domain: str) -> list[str]:
    """Types of the main graph's nodes in `domain`, in the order of the graph.

    Raises:
        BundleError: the bytes are no ONNX model.
    """
    try:
        return list(_operators(memoryview(model), domain.encode()))
    except (IndexError, UnicodeDecodeError, ValueError) as error:
        raise BundleError(
            f"a graph's file is no ONNX model ({error})", next_step="Export the bundle again"
        ) from error


def _operators(model: memoryview, domain: bytes) -> Iterator[str]:
    for graph in _field(model, _GRAPH):
        for node in _field(graph, _NODE):
            if bytes(next(_field(node, _DOMAIN), b"")) == domain:
                yield bytes(next(_field(node, _OP_TYPE), b"")).decode()


def _field(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Every occurrence of a length-delimited field."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _BYTES:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("it ends early")
            if number == wanted:
                yield message[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
