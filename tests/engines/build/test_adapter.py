"""The adapter against recording stand-ins of the three APIs. TensorRT 10 and 11 were never run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lrhdr.contract import LRHDR, signatures
from lrhdr.errors import BackendError
from lrhdr_engines.build.adapter import TensorRT
from lrhdr_engines.build.explain import build_error
from lrhdr_engines.build.network import check_network
from lrhdr_engines.build.settings import BuildSettings
from lrhdr_engines.build.sizes import Shapes, Size
from lrhdr_engines.bundle import Bundle

SHAPES = Shapes.fixed(Size.parse("64x32"))
BUNDLE = Bundle.open("lite", 2)
SIGNATURE = signatures(2, BUNDLE.manifest.pyramids)[LRHDR]
RANGES = {tensor.name: SHAPES.of(tensor) for tensor in SIGNATURE.inputs}


class Enum(SimpleNamespace):
    @property
    def __members__(self) -> dict[str, Any]:
        return vars(self)


class Recorder:
    """What the fake was asked for, in `calls`; any attribute set on a fake lands in it too."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []


def fake(kind: str, *, plan: bytes | None = b"plan", errors: tuple[str, ...] = ()) -> Any:
    """A module with the parts of a package's API that the adapter may touch."""
    record = Recorder()

    class Base:
        pass

    class Flag(int):
        pass

    class Config:
        def __setattr__(self, name: str, value: Any) -> None:
            record.calls.append((name, value))
            object.__setattr__(self, name, value)

        def set_memory_pool_limit(self, pool: str, size: int) -> None:
            record.calls.append((pool, size))

        def add_optimization_profile(self, profile: Any) -> None:
            record.calls.append(("profile", profile.shapes))

        def create_timing_cache(self, content: bytes) -> Any:
            record.calls.append(("timing", content))
            return SimpleNamespace(content=content, serialize=lambda: content + b"+")

        def set_timing_cache(self, keeper: Any, ignore: bool) -> bool:
            return bool(keeper.content != b"of another GPU")

        if kind == "rtx":

            def set_compute_capability(self, capability: str, index: int) -> None:
                record.calls.append((capability, index))

    class Profile:
        def __init__(self) -> None:
            self.shapes: dict[str, Any] = {}

        def set_shape(self, name: str, *shapes: Any) -> None:
            self.shapes[name] = shapes

    def tensor(name: str, dims: int) -> Any:
        shape = (1, 3, 32, 64) if dims == 4 else (3,)
        return SimpleNamespace(name=name, shape=shape, dtype=SimpleNamespace(name="FLOAT"))

    core = SimpleNamespace(plugin_namespace="lrhdr", plugin_name="EntmaxFusion")

    class Layer:
        type = SimpleNamespace(name="PLUGIN_V3")
        plugin = SimpleNamespace(get_capability_interface=lambda kind: core)
        num_outputs = 1

        def get_output(self, index: int) -> Any:
            return tensor("hdr", 4)

    class V3Layer(Layer):
        pass

    inputs = [tensor(t.name, len(t.shape)) for t in SIGNATURE.inputs]
    network = SimpleNamespace(
        num_inputs=len(inputs),
        get_input=inputs.__getitem__,
        num_outputs=1,
        get_output=[tensor("hdr", 4)].__getitem__,
        num_layers=1,
        get_layer=[Layer()].__getitem__,
        get_flag=lambda flag: True,
    )

    class Builder:
        def __init__(self, log: Any) -> None:
            self.log = log

        def create_network(self, flags: int) -> Any:
            record.calls.append(("flags", flags))
            return network

        def create_builder_config(self) -> Any:
            return Config()

        def create_optimization_profile(self) -> Any:
            return Profile()

        def build_serialized_network(self, made: Any, config: Any) -> bytes | None:
            for error in errors:
                self.log.log(SimpleNamespace(name="ERROR"), error)
            monitor = config.progress_monitor
            monitor.phase_start("Building", None, 2)
            monitor.phase_start("Timing", "Building", 1)
            monitor.phase_start("Deep", "Timing", 1)
            record.calls.append(("go on", monitor.step_complete("Building", 0)))
            monitor.phase_finish("Building")
            return plan

    class OnnxParser:
        num_errors = len(errors)

        def __init__(self, made: Any, log: Any) -> None:
            pass

        def parse(self, model: bytes) -> bool:
            return model != b"unreadable"

        def get_error(self, index: int) -> Any:
            return SimpleNamespace(desc=lambda: errors[index])

    flags = {"10": Enum(STRONGLY_TYPED=Flag(1)), "12": Enum()}
    module = SimpleNamespace(
        __version__={"rtx": "1.7.1"}.get(kind, f"{kind}.1"),
        ILogger=Base,
        IProgressMonitor=Base,
        Builder=Builder,
        OnnxParser=OnnxParser,
        IPluginV3Layer=V3Layer,
        PluginCapabilityType=Enum(CORE="core"),
        MemoryPoolType=Enum(WORKSPACE="workspace"),
        NetworkDefinitionCreationFlag=flags.get(kind, Enum(STRONGLY_TYPED=Flag(0))),
        record=record,
    )
    if kind == "rtx":
        module.ComputeCapability = Enum(NONE=0, CURRENT=-1, SM75="SM75", SM89="SM89")
    return module


def opened(module: Any) -> TensorRT:
    return TensorRT(module, "tensorrt-rtx" if hasattr(module, "ComputeCapability") else "tensorrt")


def build(module: Any, settings: BuildSettings, **more: Any) -> Any:
    tensorrt = opened(module)
    ranges = more.pop("ranges", RANGES)
    network = tensorrt.parse(b"model", LRHDR, ranges)
    more.setdefault("report", lambda line: None)
    return tensorrt.build(network, LRHDR, ranges, settings, **more)


@pytest.mark.parametrize(("kind", "flags"), [("10", 2), ("11", 1), ("12", 0), ("rtx", 1)])
def test_strong_typing_is_asked_for_as_each_version_knows_it(kind: str, flags: int) -> None:
    module = fake(kind)
    network = opened(module).parse(b"model", LRHDR, RANGES)
    assert module.record.calls == [("flags", flags)]
    assert network.strongly_typed
    check_network(network, LRHDR, SIGNATURE, SHAPES, "fp16", ["EntmaxFusion"])
    with pytest.raises(BackendError, match="lrhdr::EntmaxFusion instead of none"):
        check_network(network, LRHDR, SIGNATURE, SHAPES, "fp16", [])


def test_what_was_parsed_wrongly_is_named() -> None:
    module = fake("10")
    network = opened(module).parse(b"model", LRHDR, RANGES)
    _, made, _ = network.handles
    made.get_flag = lambda flag: False
    made.get_input(0).dtype.name = "HALF"
    made.get_output(0).shape = (1, 3, 32, 32)
    wrong = opened(module).parse(b"model", LRHDR, RANGES)
    with pytest.raises(BackendError) as refusal:
        check_network(wrong, LRHDR, SIGNATURE, SHAPES, "fp16", ["EntmaxFusion"])
    for part in (
        "not strongly typed",
        "frame_0 is float16 instead of float32",
        "hdr has the shape (1, 3, 32, 32) instead of (1, 3, 32, 64)",
    ):
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("form", "halves", "strays"),
    [
        ("fp32", {"CONVOLUTION", "RESIZE"}, "CONVOLUTION, RESIZE in FP16"),
        ("fp16", {"CONVOLUTION", "RESIZE", "GRID_SAMPLE"}, ": GRID_SAMPLE in FP16"),
        ("fp16", {"CONVOLUTION", "RESIZE"}, None),
        ("fp16-wide", {"CONVOLUTION", "CAST", "CONSTANT", "RESIZE"}, ": RESIZE in FP16"),
        ("fp16-wide", {"CONVOLUTION", "CAST", "CONSTANT"}, None),
        ("fp32", set(), None),
    ],
)
def test_islands_that_are_not_there_are_named(form: Any, halves: Any, strays: str | None) -> None:
    network = replace(opened(fake("rtx")).parse(b"model", LRHDR, RANGES), halves=frozenset(halves))
    given = network, LRHDR, SIGNATURE, SHAPES, form, ["EntmaxFusion"]
    if strays is None:
        check_network(*given)
    else:
        with pytest.raises(BackendError, match=strays):
            check_network(*given)


@pytest.mark.parametrize("kind", ["10", "11", "rtx"])
def test_settings_reach_the_configuration(kind: str) -> None:
    module = fake(kind)
    settings = BuildSettings(
        builder="tensorrt-rtx" if kind == "rtx" else "tensorrt",
        optimisation_level=5,
        workspace_mb=2,
    )
    assert build(module, settings).plan == b"plan"
    assert ("builder_optimization_level", 5) in module.record.calls
    assert ("workspace", 2 << 20) in module.record.calls
    assert not [call for call in module.record.calls if call[0] in ("profile", "timing")]


def test_sms_are_named_to_rtx() -> None:
    module = fake("rtx")
    build(module, BuildSettings(sms=(75, 89)))
    calls = module.record.calls
    assert [c for c in calls if c[0] in ("num_compute_capabilities", "SM75", "SM89")] == [
        ("num_compute_capabilities", 2),
        ("SM75", 0),
        ("SM89", 1),
    ]
    with pytest.raises(BackendError, match=r"builds nothing for SM 90; expected 75, 89"):
        build(module, BuildSettings(sms=(90,)))


def test_a_range_of_sizes_becomes_a_profile() -> None:
    shapes = Shapes.parse("32x32,64x32,128x64")
    ranges = {tensor.name: shapes.of(tensor) for tensor in SIGNATURE.inputs}
    module = fake("11")
    build(module, BuildSettings(builder="tensorrt"), ranges=ranges)
    profile = dict(module.record.calls)["profile"]
    assert profile["frame_0"] == ((1, 3, 32, 32), (1, 3, 32, 64), (1, 3, 64, 128))
    assert profile["exposures"] == ((3,), (3,), (3,))


def test_the_timing_cache_of_tensorrt(tmp_path: Any) -> None:
    settings = BuildSettings(builder="tensorrt", timing_cache=tmp_path / "t")
    lines: list[str] = []
    built = build(fake("10"), settings, timing_cache=b"known", report=lines.append)
    assert built.timing_cache == b"known+"
    other = build(fake("10"), settings, timing_cache=b"of another GPU", report=lines.append)
    assert other.timing_cache == b"+"
    assert "another GPU or TensorRT: beginning a new one" in " ".join(lines)
    assert build(fake("rtx"), BuildSettings(timing_cache=tmp_path / "t")).timing_cache is None


def test_progress_is_reported_down_to_one_level() -> None:
    lines: list[str] = []
    build(fake("10"), BuildSettings(builder="tensorrt"), report=lines.append)
    assert lines == ["Building (2 steps)", "Timing (1 step)"]


def test_a_report_that_fails_stops_the_build() -> None:
    def failing(line: str) -> None:
        raise KeyboardInterrupt

    module = fake("10")
    with pytest.raises(KeyboardInterrupt):
        build(module, BuildSettings(builder="tensorrt"), report=failing)
    assert ("go on", False) in module.record.calls


def test_errors_become_one_line_with_a_remedy() -> None:
    errors = ("Could not find any implementation\n for node X", "again", "again")
    with pytest.raises(BackendError) as failure:
        build(fake("10", plan=None, errors=errors), BuildSettings(builder="tensorrt"))
    text = str(failure.value)
    assert "Could not find any implementation for node X / again;" not in text
    assert "for node X / again." in text
    assert "memory ran out: raise --workspace" in text
    with pytest.raises(BackendError, match=r"cannot read graph lrhdr: no such thing / nor this"):
        opened(fake("10", errors=("no such thing", "nor this"))).parse(b"unreadable", LRHDR, {})


def test_many_errors_are_counted() -> None:
    assert "and 6 more" in str(build_error("it failed", [f"error {i}" for i in range(10)]))
    assert "it gave no reason" in str(build_error("it failed", []))
