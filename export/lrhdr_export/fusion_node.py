"""Eqs. 16 to 18 as one node, `lrhdr::EntmaxFusion`, with an ONNX function body of the same name.

A plugin reads the logits and the candidates once and writes the fused frame: the masks, the
radiance of the frames and the products never travel through memory. The body does the same with
`lrhdr::Entmax` and ONNX's own operators.
"""

from __future__ import annotations

import onnx
import onnx.parser
import torch
from torch import Tensor, nn

from lrhdr.contract import ENTMAX_OP, FUSION_OP, PLUGIN_DOMAIN, PLUGIN_VERSION
from lrhdr.light import GAMMA
from lrhdr.model.apswf import Apswf, fuse
from lrhdr.model.network import Prepared


class Fusion(nn.Module):
    """The fused frame of what `Lrhdr.prepare` gives, (1, 3, H, W)."""

    def __init__(self, apswf: Apswf) -> None:
        """`apswf` makes masks of logits."""
        super().__init__()
        self.apswf = apswf

    def forward(self, ready: Prepared) -> Tensor:
        """By PyTorch's operators."""
        return fuse(self.apswf.masks(ready.logits), ready.candidates)


class FusionNode(nn.Module):
    """Stands in for `Fusion` while a graph is traced."""

    def __init__(self, alpha: float) -> None:
        """Alpha in [1.01, 2]."""
        super().__init__()
        self.alpha = alpha

    def forward(self, ready: Prepared) -> Tensor:
        """The node; nothing is computed."""
        images = len(ready.images)
        node: Tensor = torch.onnx.ops.symbolic(
            f"{PLUGIN_DOMAIN}::{FUSION_OP}",
            (
                ready.logits,
                *ready.images,
                torch.cat(ready.exposures),
                *ready.candidates[images:],
            ),
            attrs={
                "alpha": self.alpha,
                "images": images,
                "plugin_namespace": PLUGIN_DOMAIN,
                "plugin_version": PLUGIN_VERSION,
            },
            dtype=torch.float32,
            shape=ready.images[0].shape,
            version=1,
        )
        return node


def fusion_function(images: int, restored: int, opset: int) -> onnx.FunctionProto:
    """The body for `images` frames, interpolated ones included, and `restored` outputs of ACCR."""
    count = images + restored
    frames = [f"image_{i}" for i in range(images)]
    candidates = [f"radiance_{i}" for i in range(images)] + [f"accr_{i}" for i in range(restored)]
    masks, shots = [f"mask_{i}" for i in range(count)], [f"exposure_{i}" for i in range(images)]
    steps = [
        f"""
            positive_{i} = Clip (image_{i}, zero)
            power_{i} = Pow (positive_{i}, gamma)
            radiance_{i} = Div (power_{i}, exposure_{i})"""
        for i in range(images)
    ]
    steps += [
        f"""
            part_{i} = Mul (mask_{i}, {candidate})"""
        for i, candidate in enumerate(candidates)
    ]
    parts = ", ".join(f"part_{i}" for i in range(count))
    text = f"""
        <opset_import: ["" : {opset}, "{PLUGIN_DOMAIN}" : 1], domain: "{PLUGIN_DOMAIN}">
        {FUSION_OP} <alpha, images, plugin_namespace, plugin_version>
            ({", ".join(("logits", *frames, "exposures", *candidates[images:]))}) => (hdr)
        {{
            zero = Constant <value_float: float = 0.0> ()
            gamma = Constant <value_float: float = {GAMMA}> ()
            masks = {PLUGIN_DOMAIN}.{ENTMAX_OP} <
                alpha: float = @alpha, axis: int = 1,
                plugin_namespace: string = "{PLUGIN_DOMAIN}",
                plugin_version: string = "{PLUGIN_VERSION}"> (logits)
            {", ".join(masks)} = Split <axis: int = 1, num_outputs: int = {count}> (masks)
            {", ".join(shots)} = Split <axis: int = 0, num_outputs: int = {images}> (exposures)
            {"".join(steps)}
            hdr = Sum ({parts})
        }}"""
    return onnx.parser.parse_function(text)
