"""Engines are judged by the golden window, once for each key; refusals have figures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr.errors import BackendError, BundleError, OutputError
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.forms import FORMS, precision_of
from lrhdr_engines.gpu import acceptance
from lrhdr_engines.gpu.acceptance import Acceptance
from lrhdr_engines.gpu.arrays import OnArrays

FP32 = dict.fromkeys(STREAMING, "fp32")
FP16 = dict.fromkeys(STREAMING, "fp16")


def acceptance_of(machine: Any, **other: Any) -> Acceptance:
    def prepare(size: Any, forms: Any) -> Any:
        programs = machine.programs(size, forms)
        manifest = machine.bundle.manifest
        precisions = {graph: precision_of(form) for graph, form in forms.items()}
        return OnArrays(machine.device, programs, manifest, size, precisions).run

    given = {
        "bundle": machine.bundle,
        "gpu": other.pop("gpu"),
        "engines": machine.engines,
        "prepare": prepare,
        "trusted": lambda: machine.reference().run,
        "report": machine.lines.append,
    }
    return Acceptance(**(given | other))


def records(machine: Any) -> list[Any]:
    return sorted(machine.folder.glob("acceptance.*.json"))


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_it_runs_once_for_each_key(machine: Any, gpu: Any, precision: Any) -> None:
    wanted = dict.fromkeys(STREAMING, precision)
    assert acceptance_of(machine, gpu=gpu).forms(precision) == wanted
    assert machine.judged == 1
    table = [line for line in machine.lines if " ok (" in line]
    assert [line.split()[0] for line in table] == [EXTRACT, FLOW, FUSE, LRHDR, "together"]
    assert sum(machine.built.values()) == len(STREAMING)
    (record,) = records(machine)
    assert json.loads(record.read_text())["figures"] == [line.strip() for line in table]
    machine.lines.clear()
    assert acceptance_of(machine, gpu=gpu).forms(precision) == wanted
    assert (machine.judged, machine.lines) == (1, [])


def test_everything_that_could_change_the_verdict_has_it_judged_again(
    machine: Any, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(gpu: Any = gpu) -> int:
        acceptance_of(machine, gpu=gpu).forms("fp16")
        return int(machine.judged)

    assert judged() == 1
    assert judged(replace(gpu, name="Another")) == 2
    assert judged(replace(gpu, sm=86)) == 3
    machine.version = "1.8.0"
    assert judged() == 4
    monkeypatch.setattr(acceptance, "driver_version", lambda: "999.1")
    assert judged() == 5
    monkeypatch.setattr(acceptance, "FP16_IMAGE_DB", 54.0)
    assert judged() == 6
    machine.bundle = replace(
        machine.bundle,
        manifest=replace(
            machine.bundle.manifest,
            goldens=replace(machine.bundle.manifest.goldens, path="./goldens.npz"),
        ),
    )
    assert judged() == 6  # the same goldens by another path
    assert len(records(machine)) == 6


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"about": {}, "forms": {}}', b'{"forms": 1}', b"\xff"],
)
def test_a_damaged_record_is_no_record(machine: Any, gpu: Any, content: bytes) -> None:
    acceptance_of(machine, gpu=gpu).forms("fp16")
    (record,) = records(machine)
    good = record.read_bytes()
    record.write_bytes(content)
    assert acceptance_of(machine, gpu=gpu).forms("fp16") == FP16
    assert machine.judged == 2
    assert record.read_bytes() == good


def test_a_record_of_unknown_forms_is_no_record(machine: Any, gpu: Any) -> None:
    acceptance_of(machine, gpu=gpu).forms("fp16")
    (record,) = records(machine)
    facts = json.loads(record.read_text())
    for wrong in ({LRHDR: "fp8"}, dict.fromkeys(STREAMING[:3], "fp16")):
        record.write_text(json.dumps(facts | {"forms": wrong}))
        assert acceptance_of(machine, gpu=gpu).forms("fp16") == FP16
    assert machine.judged == 3


def test_a_refusal_has_figures_and_a_remedy_and_is_not_kept(machine: Any, gpu: Any) -> None:
    machine.spoilt = {(LRHDR, form): 0.1 for form in FORMS}
    for times in (1, 2):
        with pytest.raises(BackendError) as refusal:
            acceptance_of(machine, gpu=gpu).forms("fp16")
        assert machine.judged == times
    said = str(refusal.value)
    assert "does not reproduce the golden window" in said
    assert said.count("max ") >= 2
    assert " dB REFUSED (" in said
    assert "--backend onnxruntime" in said
    assert "\n" not in said
    assert records(machine) == []


def test_wide_islands_are_tried_first_and_their_plans_kept(machine: Any, gpu: Any) -> None:
    machine.spoilt = {(FUSE, "fp16"): 0.5, (FUSE, "fp32"): 0.5}
    wide = FP16 | {FUSE: "fp16-wide"}
    for _ in range(2):
        assert acceptance_of(machine, gpu=gpu).forms("fp16") == wide
    assert machine.judged == 1
    (record,) = records(machine)
    facts = json.loads(record.read_text())
    assert facts["forms"] == wide
    assert facts["fallback"] == "wide fp32 islands for the graphs that failed"
    # The plain plans and one more: the recipe tells them apart.
    assert sum(machine.built.values()) == len(STREAMING) + 1
    assert [name for name in machine.built if ".fp16-wide." in name] == [
        path.name for path in machine.folder.glob(f"{FUSE}.fp16-wide.*.plan")
    ]


def test_the_fusion_alone_may_be_fp32(machine: Any, gpu: Any) -> None:
    machine.spoilt = {(LRHDR, "fp16"): 0.1, (LRHDR, "fp16-wide"): 0.1}
    for _ in range(2):
        assert acceptance_of(machine, gpu=gpu).forms("fp16") == FP16 | {LRHDR: "fp32"}
    assert machine.judged == 1


@pytest.mark.parametrize("graph", [FLOW, FUSE])
def test_the_interpolation_is_of_one_precision(machine: Any, gpu: Any, graph: str) -> None:
    machine.spoilt = {(graph, "fp16"): 0.5, (graph, "fp16-wide"): 0.5}
    assert acceptance_of(machine, gpu=gpu).forms("fp16") == FP32
    assert "a stream's interpolation has one precision: fp32 for every graph" in machine.lines
    # It was judged in FP32, not just chosen.
    assert machine.lines[-6] == "golden window, as built:"
    assert all("fp32" in line and "ok (" in line for line in machine.lines[-5:])


def test_without_goldens_nothing_is_trusted(machine: Any, gpu: Any) -> None:
    machine.bundle = replace(
        machine.bundle, manifest=replace(machine.bundle.manifest, goldens=None)
    )
    with pytest.raises(BundleError, match=r"no golden window .* --backend onnxruntime"):
        acceptance_of(machine, gpu=gpu).forms("fp16")


def test_engines_that_passed_are_used_though_the_record_cannot_be_kept(
    machine: Any, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Any, content: bytes) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(acceptance, "keep_whole", full)
    assert acceptance_of(machine, gpu=gpu).forms("fp16") == FP16
    assert "judged again at the next start: the disk is full" in machine.lines[-1]
