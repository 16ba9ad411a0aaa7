from __future__ import annotations

import re
import sys
from typing import Any

import pytest

import layer_profile
from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr_benchmarks.speed.record import Ceilings


def test_every_graph_and_where_its_time_goes(monkeypatch: Any, capsys: Any) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    ceiling = Ceilings(gflops=100.0, copy_gb_s=10.0, noise=0.0)
    monkeypatch.setattr("lrhdr_benchmarks.speed.ceilings.measure", lambda threads: ceiling)
    command = ["layer_profile", "--size", "64x32", "--outputs", "1", "--layers", "2"]
    monkeypatch.setattr(sys, "argv", command)
    layer_profile.main()
    said = capsys.readouterr().out
    assert re.findall(r"^(\w+): \d+ ms", said, re.MULTILINE) == [EXTRACT, FLOW, FUSE, LRHDR]
    assert said.count("| Convolution |") == 4
    assert "| GridSample |" in said
    assert len(re.findall(r"^ +[\d.]+ ms  \w+  \S+", said, re.MULTILINE)) == 4 * 2
    assert "matrix product 100 GFLOP/s" in said


def test_shares_are_of_the_whole_graph(capsys: Any) -> None:
    layers = [("Convolution", "a", 6.0), ("Convolution", "b", 2.0), ("Reorder", "c", 2.0)]
    layer_profile.report("graph", layers, gflop=1.0, longest=0)
    said = capsys.readouterr().out
    assert "graph: 10 ms, 1.0 GFLOP, 100 GFLOP/s; its convolutions 125 GFLOP/s" in said
    assert "| Convolution | 2 | 8 | 80% |" in said
    assert "| Reorder | 1 | 2 | 20% |" in said
