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
ROUGH_STEPS = 3  # of the body, with square roots; one with exact powers follows


@dataclass(frozen=True, slots=True)
class Operator:
    """Planes (channels) that an operator reads and writes, each (H, W)."""

    name: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]


def bytes_per_pixel(operators: Sequence[Operator], itemsize: int = _FLOAT) -> int:
    """What all of them move."""
    return itemsize * sum(sum(each.reads) + sum(each.writes) for each in operators)


def plain_entmax(n: int) -> list[Operator]:
    """The function body of `lrhdr::Entmax` for `n` candidates, one plane each, and alpha 1.75."""
    return [
        Operator("Split", (n,), (1,) * n),
        *_binary("Max") * (n - 1),
        *(_binary("Sub") + _unary("Mul")) * n,
        *_step(n, first=True, rough=True),
        *_step(n, rough=True) * (ROUGH_STEPS - 1),
        *_step(n, rough=False),
        *_sums(n, rough=False),
        *_unary("Sub"),
        *_binary("Div"),
        *(_binary("Mul") + _binary("Sub") + _unary("Relu")) * n,
        Operator("Concat", (1,) * n, (n,)),
    ]


def _step(n: int, *, rough: bool, first: bool = False) -> list[Operator]:
    """One of Newton's. The first tau is a constant. The target's power is 1/4."""
    rise = [*_binary("Sub"), *_binary("Div"), *(_unary("Add") if first else _binary("Add"))]
    return [*_sums(n, rough=rough, first=first), *_unary("Sqrt") * 2, *_unary("Identity"), *rise]


def _sums(n: int, *, rough: bool, first: bool = False) -> list[Operator]:
    """u, u^(1/3) and u^(4/3), summed. The power is six roots, of which three are multiplied."""
    shifted = _unary("Sub") if first else _binary("Sub")
    power = _unary("Sqrt") * 6 + _binary("Mul") * 2 if rough else _unary("Pow")
    each = [*shifted, *_unary("Relu"), *power, *_binary("Mul")]
    return each * n + _binary("Add") * 2 * (n - 1)


def _unary(name: str) -> list[Operator]:
    return [Operator(name, (1,), (1,))]


def _binary(name: str) -> list[Operator]:
    return [Operator(name, (1, 1), (1,))]


def plain_weighting(images: int, restored: int) -> list[Operator]:
    """The function body of `lrhdr::EntmaxFusion` but for its `lrhdr::Entmax`."""
    n = images + restored
    return [
        Operator("Split", (n,), (1,) * n),
        *[Operator(name, (_RGB,), (_RGB,)) for name in ("Clip", "Pow", "Div")] * images,
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
