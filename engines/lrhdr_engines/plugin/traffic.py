"""How many bytes of memory a pixel costs: plain operators, the plugins, and the ideal.

Every operator reads its inputs and writes its outputs once; that is what the plain operators cost
where a runtime fuses nothing. A plugin is one operator. The ideal reads what comes from outside
and writes what is wanted, once each. Constants and the exposures cost a pixel nothing.
`python -m lrhdr_engines.plugin.traffic` prints the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrhdr.contract import WINDOWS

_FLOAT = 4
_RGB = 3
STEPS = 5  # of the body for alpha >= 1.5 and N <= 10


@dataclass(frozen=True, slots=True)
class Operator:
    """Planes (channels) that an operator reads and writes, each (H, W)."""

    name: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]


def bytes_per_pixel(operators: Sequence[Operator], itemsize: int = _FLOAT) -> int:
    """What all of them move."""
    return itemsize * sum(sum(each.reads) + sum(each.writes) for each in operators)


def plain_entmax(n: int, steps: int = STEPS) -> list[Operator]:
    """The function body of `lrhdr::Entmax` for `n` candidates."""
    support = [
        Operator("Sub", (n, 1), (n,)),
        Operator("Relu", (n,), (n,)),
        Operator("Pow", (n,), (n,)),
        Operator("Mul", (n, n), (n,)),
    ]
    step = [
        *support,
        Operator("ReduceSum", (n,), (1,)),
        Operator("Sub", (1,), (1,)),
        Operator("ReduceSum", (n,), (1,)),
        Operator("Mul", (1,), (1,)),
        Operator("Div", (1, 1), (1,)),
        Operator("Add", (1, 1), (1,)),
    ]
    # The first tau is a constant.
    first = [Operator("Sub", (n,), (n,)), *step[1:-1], Operator("Add", (1,), (1,))]
    return [
        Operator("ReduceMax", (n,), (1,)),
        Operator("Sub", (n, 1), (n,)),
        Operator("Mul", (n,), (n,)),
        *first,
        *(step * (steps - 1)),
        *support,
    ]


def plain_weighting(images: int, restored: int) -> list[Operator]:
    """The function body of `lrhdr::EntmaxFusion` but for its `lrhdr::Entmax`."""
    n = images + restored
    return [
        Operator("Split", (n,), (1,) * n),
        *[Operator(name, (_RGB,), (_RGB,)) for name in ("Max", "Pow", "Div")] * images,
        *[Operator("Mul", (1, _RGB), (_RGB,))] * n,
        Operator("Sum", (_RGB,) * n, (_RGB,)),
    ]


def entmax_plugin(n: int) -> list[Operator]:
    """`lrhdr::Entmax` as the plugin does it."""
    return [Operator("Entmax", (n,), (n,))]


def fusion_plugin(n: int) -> list[Operator]:
    """`lrhdr::EntmaxFusion` as the plugin does it, without masks."""
    return [Operator("EntmaxFusion", (n, *(_RGB,) * n), (_RGB,))]


def table() -> list[str]:
    """The table in Markdown, FP32."""
    rows = [
        "| cycle | what | plain operators | plugins | ideal |",
        "| --- | --- | --- | --- | --- |",
    ]
    for exposures, window in WINDOWS.items():
        images, n = window.frames + len(window.interpolations), window.candidates
        entmax, plugin = plain_entmax(n), entmax_plugin(n)
        weighting = plain_weighting(images, n - images)
        for what, plain, ours, ideal in (
            ("Entmax", entmax, plugin, 2 * n),
            ("Entmax plugin, plain fusion", entmax + weighting, plugin + weighting, 4 * n + _RGB),
            ("EntmaxFusion", entmax + weighting, fusion_plugin(n), 4 * n + _RGB),
        ):
            counts = (bytes_per_pixel(plain), bytes_per_pixel(ours), _FLOAT * ideal)
            rows.append(f"| {exposures}E | {what} | {' | '.join(map(str, counts))} |")
    return rows


if __name__ == "__main__":
    print("\n".join(table()))
