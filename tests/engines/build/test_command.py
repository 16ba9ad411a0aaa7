"""What `lrhdr-export engine` says and refuses, without building anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lrhdr.errors import BackendError, BundleError, InputError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.build import command
from lrhdr_engines.build.engine import BuiltEngine
from lrhdr_engines.bundle import Bundle


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({}, "neither --size nor --profile; expected one of them"),
        ({"size": "1x1", "profile": "1x1,2x2,3x3"}, "both --size and --profile"),
        ({"size": "1080p"}, "the size '1080p'; expected WIDTHxHEIGHT"),
        ({"size": "64x64", "precision": "int8"}, "the precision int8; expected fp32 or fp16"),
        ({"size": "64x64", "sms": "ada"}, "nvidia-smi --query-gpu=compute_cap"),
        ({"size": "64x64", "sms": "89", "builder": "tensorrt"}, "Leave out --sm"),
        ({"size": "64x64", "optimisation_level": 9}, "optimisation level 9; expected 0 to 5"),
    ],
)
def test_what_is_refused_before_anything_is_built(choice: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        command.export_engines("lite-2e", report=print, **choice)
    assert message in str(refusal.value)


def test_bundles_by_name_and_by_folder(tiny: Any, tmp_path: Path) -> None:
    assert command.open_bundle("lite-3e").manifest.exposures == 3
    assert command.open_bundle(str(tiny.folder)).manifest.name == "tiny-2e"
    for name in ("lite-4e", "nonsense", str(tmp_path)):
        with pytest.raises(BundleError, match=r"or one of: lite-2e, lite-3e"):
            command.open_bundle(name)


def test_tensorrt_needs_a_gpu() -> None:
    if why_no_gpu() is None:
        pytest.skip("this machine has a GPU")
    with pytest.raises(BackendError, match="Build with --backend tensorrt-rtx, which needs none"):
        command.export_engines("lite-2e", size="64x64", builder="tensorrt", report=print)


def test_the_table_and_what_is_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []

    def build_bundle(bundle: Bundle, *choices: Any, **more: Any) -> Any:
        asked.extend((bundle.manifest.name, *map(str, choices[:2]), choices[3]))
        for graph, sms, built in (("lrhdr", (75,), True), ("lrhdr", (86, 89), False)):
            yield BuiltEngine(
                graph=graph, sms=sms, path=tmp_path, plan=bytes(2_500_000), seconds=1.5, built=built
            )

    monkeypatch.setattr(command, "build_bundle", build_bundle)
    monkeypatch.setenv("LRHDR_CACHE", str(tmp_path))
    lines: list[str] = []
    command.export_engines(
        "lite-2e",
        profile="64x64,128x64,256x256",
        timing_cache=tmp_path / "t",
        plugin=lambda: tmp_path,
        report=lines.append,
    )
    assert asked == ["lite-2e", "64x64-128x64-256x256", "fp16", tmp_path / "engines"]
    assert lines[0].endswith("--timing-cache has no effect")
    assert [line.split() for line in lines[1:]] == [
        ["graph", "SM", "seconds", "plan", "MB"],
        ["lrhdr", "75", "1.5", "2.5"],
        ["lrhdr", "86,89", "1.5", "2.5", "(kept)"],
        ["all", "3.0", "5.0"],
    ]
