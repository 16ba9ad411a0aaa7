"""Programs over TensorRT's contexts, by a fake that notes its calls. Not run on a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device.capture import MayRefuse, Queued, captured
from lrhdr_engines.device.protocol import Encoding
from lrhdr_engines.device.tensorrt_programs import TensorRtPrograms

IO: dict[str, tuple[tuple[int, ...], str]] = {
    "frame": ((1, 3, 8, 8), "FLOAT"),
    "pyramid_0": ((1, 4, 8, 8), "HALF"),
}


class Context:
    """An IExecutionContext and its engine."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.works = True
        self.engine = self
        self.num_io_tensors = len(IO)

    def get_tensor_name(self, k: int) -> str:
        return list(IO)[k]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return IO[name][0]

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name=IO[name][1])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.calls.append((name, address))
        return True

    def execute_async_v3(self, stream: int) -> bool:
        self.calls.append(("run", stream))
        return self.works


class Kernels:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def unpack(self, *given: Any) -> None:
        self.calls.append(("unpack", *given))

    def pack(self, *given: Any) -> None:
        self.calls.append(("pack", *given))


def buffer(address: int, shape: tuple[int, ...], kind: type[Any]) -> Any:
    return SimpleNamespace(address=address, shape=shape, dtype=np.dtype(kind))


FRAME, PYRAMID = buffer(10, (1, 3, 8, 8), np.float32), buffer(20, (1, 4, 8, 8), np.float16)
STREAM: Any = SimpleNamespace(handle=7)


def programs(context: Context, kernels: Kernels | None = None) -> TensorRtPrograms:
    return TensorRtPrograms("fp16 by tensorrt", {"film_extract": context}, kernels or Kernels())


def test_each_run_sets_the_addresses_of_its_binding() -> None:
    context = Context()
    made = programs(context)
    one = made.graph("film_extract", {"frame": FRAME, "other": FRAME}, {"pyramid_0": PYRAMID})
    other = buffer(30, (1, 4, 8, 8), np.float16)
    two = made.graph("film_extract", {"frame": FRAME}, {"pyramid_0": other})
    assert context.calls == []
    one.enqueue(STREAM)
    two.enqueue(STREAM)
    assert context.calls == [
        ("frame", 10),
        ("pyramid_0", 20),
        ("run", 7),
        ("frame", 10),
        ("pyramid_0", 30),
        ("run", 7),
    ]


@pytest.mark.parametrize(
    ("inputs", "outputs", "here"),
    [
        ({}, {"pyramid_0": PYRAMID}, r"frame as FLOAT .* here it is nothing"),
        ({"frame": FRAME}, {"pyramid_0": buffer(1, (1, 4, 4, 8), np.float16)}, r"\(1, 4, 4, 8\)"),
        ({"frame": FRAME}, {"pyramid_0": buffer(1, (1, 4, 8, 8), np.float32)}, "is float32"),
    ],
)
def test_an_engine_for_something_else_is_refused(inputs: Any, outputs: Any, here: str) -> None:
    with pytest.raises(BackendError, match=rf"the engine of film_extract .*{here}.*lrhdr-export"):
        programs(Context()).graph("film_extract", inputs, outputs)


def test_a_run_that_fails_is_an_error() -> None:
    context = Context()
    program = programs(context).graph("film_extract", {"frame": FRAME}, {"pyramid_0": PYRAMID})
    context.works = False
    with pytest.raises(BackendError, match=r"could not run film_extract \(fp16 by tensorrt\)"):
        program.enqueue(STREAM)


def test_warm_is_when_every_context_has_run_once() -> None:
    contexts, warmed = {"one": Context(), "two": Context()}, []
    made = TensorRtPrograms("fp16", contexts, Kernels(), warm=lambda: warmed.append(True))
    one, two = (made.graph(name, {"frame": FRAME}, {"pyramid_0": PYRAMID}) for name in contexts)
    one.enqueue(STREAM)
    one.enqueue(STREAM)
    contexts["two"].works = False
    with pytest.raises(BackendError):
        two.enqueue(STREAM)
    assert warmed == []
    contexts["two"].works = True
    for _ in range(2):
        two.enqueue(STREAM)
        one.enqueue(STREAM)
    assert warmed == [True]


@pytest.mark.parametrize("says", [True, False])
def test_tensorrt_rtx_is_asked_what_may_be_captured(says: bool) -> None:
    class Asked(Context):
        def is_stream_capturable(self, stream: int) -> bool:
            self.calls.append(("capturable", stream))
            return says

    context = Asked()
    program = programs(context).graph("film_extract", {"frame": FRAME}, {"pyramid_0": PYRAMID})
    assert isinstance(program, MayRefuse)
    assert program.capturable(STREAM) is says
    assert context.calls == [("capturable", 7)]
    begun: list[str] = []

    class Captures:
        handle = 7

        def begin_capture(self) -> None:
            begun.append("begun")

        def end_capture(self) -> Any:
            return "a graph"

    stream: Any = Captures()
    graph = captured(stream, [program])
    assert begun == (["begun"] if says else [])
    assert isinstance(graph, Queued) is not says
    context.calls.clear()
    if not says:
        graph.launch(stream)
        assert context.calls[-1] == ("run", 7)


def test_tensorrt_is_not_asked() -> None:
    made = programs(Context())
    program = made.graph("film_extract", {"frame": FRAME}, {"pyramid_0": PYRAMID})
    assert program.capturable(STREAM)
    assert made.unpack(FRAME, PYRAMID).capturable(STREAM)


def test_kernels_are_launched_on_the_stream() -> None:
    kernels, encoding = Kernels(), Encoding(gain=1.0)
    made = programs(Context(), kernels)
    made.unpack(FRAME, PYRAMID).enqueue(STREAM)
    made.pack(FRAME, PYRAMID, FRAME, encoding).enqueue(STREAM)
    assert kernels.calls == [
        ("unpack", FRAME, PYRAMID, 7),
        ("pack", FRAME, PYRAMID, FRAME, encoding, 7),
    ]


def test_the_fake_offers_nothing_that_tensorrt_lacks() -> None:
    real = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    context, engine = dir(real.IExecutionContext), dir(real.ICudaEngine)
    assert {"engine", "set_tensor_address", "execute_async_v3", "is_stream_capturable"} <= set(
        context
    )
    used = {"num_io_tensors", "get_tensor_name", "get_tensor_shape", "get_tensor_dtype"}
    assert used <= set(engine)
    assert {real.DataType.FLOAT.name, real.DataType.HALF.name} == {"FLOAT", "HALF"}
