"""entmax as one node, `lrhdr::Entmax`, with an ONNX function body of the same name.

ONNX Runtime inlines the body; TensorRT takes the plugin that the node's
attributes name, and the body only where that plugin is missing.
"""

from __future__ import annotations

import onnx
import onnx.parser
import torch
from torch import Tensor, nn

from lrhdr.contract import ENTMAX_OP, PLUGIN_DOMAIN, PLUGIN_VERSION
from lrhdr.model.entmax import STEPS

# Five Newton steps leave an error below 1e-9 for alpha >= 1.5 and N <= 10.
_FEW_STEPS, _FEW_ALPHA, _FEW_CANDIDATES = 5, 1.5, 10


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


def steps_for(alpha: float, candidates: int) -> int:
    """How many Newton steps the body needs."""
    few = alpha >= _FEW_ALPHA and candidates <= _FEW_CANDIDATES
    return _FEW_STEPS if few else STEPS


def entmax_function(alpha: float, candidates: int, opset: int) -> onnx.FunctionProto:
    """The body: the same monotone Newton iteration as `lrhdr.model.entmax`, unrolled.

    alpha and axis are the node's attributes; `alpha` here only picks the
    number of steps and the form of the power.
    """
    steps = []
    for i in range(steps_for(alpha, candidates)):
        steps.append(_power(f"shifted_{i}", f"tau_{i}", f"u_{i}", f"slope_{i}", alpha))
        steps.append(f"""
            value_{i} = Mul (u_{i}, slope_{i})
            sum_{i} = ReduceSum <keepdims: int = 1> (value_{i}, axes)
            excess_{i} = Sub (sum_{i}, one)
            slopes_{i} = ReduceSum <keepdims: int = 1> (slope_{i}, axes)
            fall_{i} = Mul (slopes_{i}, power)
            rise_{i} = Div (excess_{i}, fall_{i})
            tau_{i + 1} = Add (tau_{i}, rise_{i})""")
    last = steps_for(alpha, candidates)
    text = f"""
        <opset_import: ["" : {opset}], domain: "{PLUGIN_DOMAIN}">
        {ENTMAX_OP} <alpha, axis, plugin_namespace, plugin_version> (logits) => (masks)
        {{
            one = Constant <value_float: float = 1.0> ()
            zero = Constant <value_float: float = 0.0> ()
            tau_0 = Constant <value_float: float = -1.0> ()
            alpha_value = Constant <value_float: float = @alpha> ()
            axis_value = Constant <value_int: int = @axis> ()
            vector = Constant <value_ints: ints = [1]> ()
            axes = Reshape (axis_value, vector)
            gain = Sub (alpha_value, one)
            power = Div (one, gain)
            exponent = Sub (power, one)
            peak = ReduceMax <keepdims: int = 1> (logits, axes)
            centred = Sub (logits, peak)
            x = Mul (centred, gain)
            {"".join(steps)}
            {_power("shifted", f"tau_{last}", "u", "slope", alpha)}
            masks = Mul (u, slope)
        }}"""
    return onnx.parser.parse_function(text)


def _power(shifted: str, tau: str, u: str, slope: str, alpha: float) -> str:
    # At alpha = 2 the exponent is 0, and 0^0 must count as 0.
    rise = (
        f"""positive_{u} = Greater ({u}, zero)
            {slope} = Cast <to: int = 1> (positive_{u})"""
        if alpha == 2.0
        else f"{slope} = Pow ({u}, exponent)"
    )
    return f"""
            {shifted} = Sub (x, {tau})
            {u} = Relu ({shifted})
            {rise}"""
