"""entmax as one node, `lrhdr::Entmax`, with an ONNX function body of the same name.

A runtime without the plugin inlines the body. It works on one plane a candidate, so that a
compiler can fuse all of it into one pass over memory, and it is short of powers, which cost such a
pass most:

- Newton's step is taken on the norm |u| = (sum u^p)^(1/p) = 1 and not on the sum, where
  u = max(0, x - tau) and p = 1 / (alpha - 1). The norm is convex and falls with tau like the sum,
  so that steps from below never overshoot either, and it is nearly straight: three steps come as
  near as five.
- The first steps need no exact power, since later ones correct them: u^(p - 1) is then a product
  of square roots.
- The last step moves the masks along their tangent and does not evaluate them again.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnx.parser
import torch
from torch import Tensor, nn

from lrhdr.contract import ENTMAX_OP, PLUGIN_DOMAIN, PLUGIN_VERSION

# Where products of six square roots come near enough: masks are then within 4e-7 of exact.
_ROOTS, _ROUGH_STEPS, _ROUGH_ALPHAS = 6, 3, (1.5, 1.9)
_STEPS = 5  # elsewhere


class EntmaxNode(nn.Module):
    """Stands in for `Entmax` while a graph is traced."""

    def __init__(self, alpha: float) -> None:
        """Alpha in [1.01, 2]."""
        super().__init__()
        self.alpha = alpha

    def forward(self, logits: Tensor) -> Tensor:
        """The node; nothing is computed."""
        node: Tensor = torch.onnx.ops.symbolic(
            f"{PLUGIN_DOMAIN}::{ENTMAX_OP}",
            (logits,),
            attrs={
                "alpha": self.alpha,
                "axis": 1,
                "plugin_namespace": PLUGIN_DOMAIN,
                "plugin_version": PLUGIN_VERSION,
            },
            dtype=logits.dtype,
            shape=logits.shape,
            version=1,
        )
        return node


def steps_for(alpha: float) -> tuple[int, int]:
    """How many of Newton's steps take square roots, and how many after them exact powers."""
    low, high = _ROUGH_ALPHAS
    return (_ROUGH_STEPS, 1) if low <= alpha <= high else (0, _STEPS)


def entmax_function(alpha: float, candidates: int, opset: int) -> onnx.FunctionProto:
    """The body for logits (1, `candidates`, H, W), whose attributes are `alpha` and axis 1."""
    gain, power = alpha - 1.0, 1.0 / (alpha - 1.0)
    rough, exact = steps_for(alpha)
    planes, centred, x = (_names(kind, candidates) for kind in ("logit", "centred", "x"))
    lines = [
        f"{', '.join(planes)} = Split <axis: int = 1, num_outputs: int = {candidates}> (logits)"
    ]
    lines += _fold("Max", planes, "peak")
    for z, c, scaled in zip(planes, centred, x, strict=True):
        lines += [f"{c} = Sub ({z}, peak)", f"{scaled} = Mul ({c}, gain)"]
    for step in range(rough + exact):
        lines += _sums(x, step, alpha, rough=step < rough)
        lines += _power(f"sum_{step}", f"target_{step}", 2.0 - alpha, rough=step < rough)
        lines += [
            f"excess_{step} = Sub (sum_{step}, target_{step})",
            f"rise_{step} = Div (excess_{step}, slopes_{step})",
            f"tau_{step + 1} = Add (tau_{step}, rise_{step})",
        ]
    last = rough + exact
    lines += _sums(x, last, alpha, rough=False)
    lines += [
        f"excess = Sub (sum_{last}, one)",
        f"correction = Div (excess, slopes_{last})",
    ]
    for i in range(candidates):
        lines += [
            f"change_{i} = Mul (slope_{last}_{i}, correction)",
            f"moved_{i} = Sub (value_{last}_{i}, change_{i})",
            f"mask_{i} = Relu (moved_{i})",
        ]
    lines.append(f"masks = Concat <axis: int = 1> ({', '.join(_names('mask', candidates))})")
    body = "\n".join(lines)
    return onnx.parser.parse_function(f"""
        <opset_import: ["" : {opset}], domain: "{PLUGIN_DOMAIN}">
        {ENTMAX_OP} <alpha, axis, plugin_namespace, plugin_version> (logits) => (masks)
        {{
            zero = Constant <value_float: float = 0.0> ()
            one = Constant <value_float: float = 1.0> ()
            gain = Constant <value_float: float = {gain}> ()
            exponent_slope = Constant <value_float: float = {power - 1.0}> ()
            exponent_target = Constant <value_float: float = {2.0 - alpha}> ()
            tau_0 = Constant <value_float: float = -1.0> ()
            {body}
        }}""")


def _names(kind: str, count: int) -> list[str]:
    return [f"{kind}_{i}" for i in range(count)]


def _fold(operator: str, terms: Sequence[str], result: str) -> list[str]:
    """Two at a time, which keeps a fused chain a chain."""
    if len(terms) == 1:
        return [f"{result} = Identity ({terms[0]})"]
    lines, total = [], terms[0]
    for i, term in enumerate(terms[1:], start=1):
        name = result if i == len(terms) - 1 else f"{result}_to_{i}"
        lines.append(f"{name} = {operator} ({total}, {term})")
        total = name
    return lines


def _sums(x: Sequence[str], step: int, alpha: float, *, rough: bool) -> list[str]:
    """u^(p - 1) and u^p of every candidate, named slope and value, and their sums."""
    lines = []
    for i, name in enumerate(x):
        own = f"{step}_{i}"
        lines += [f"shifted_{own} = Sub ({name}, tau_{step})", f"u_{own} = Relu (shifted_{own})"]
        lines += _power(f"u_{own}", f"slope_{own}", 1.0 / (alpha - 1.0) - 1.0, rough=rough)
        lines.append(f"value_{own} = Mul (u_{own}, slope_{own})")
    lines += _fold("Add", _names(f"value_{step}", len(x)), f"sum_{step}")
    return lines + _fold("Add", _names(f"slope_{step}", len(x)), f"slopes_{step}")


def _power(base: str, result: str, exponent: float, *, rough: bool) -> list[str]:
    """base^exponent for base >= 0; by square roots if `rough`, or where they are exact."""
    if exponent == 0.0:  # of alpha = 2, where 0^0 must count as 0
        return [
            f"positive_{base} = Greater ({base}, zero)",
            f"{result} = Cast <to: int = 1> (positive_{base})",
        ]
    whole, fraction = divmod(exponent, 1.0)
    bits = int(fraction * 2**_ROOTS)
    if not rough and bits != fraction * 2**_ROOTS:
        kind = "slope" if result.startswith("slope") else "target"
        return [f"{result} = Pow ({base}, exponent_{kind})"]
    lines, factors, root = [], [base] * int(whole), base
    for i in range(1, _ROOTS + 1):
        if not bits % 2 ** (_ROOTS + 1 - i):
            break  # no factor is left
        lines.append(f"{result}_root_{i} = Sqrt ({root})")
        root = f"{result}_root_{i}"
        if bits >> (_ROOTS - i) & 1:
            factors.append(root)
    return lines + _fold("Mul", factors, result)
