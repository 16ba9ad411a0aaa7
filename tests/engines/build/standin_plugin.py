"""Plugins of the right names and shapes that compute nothing, in Python: no nvcc is needed.

TensorRT-RTX parses and builds with them as with the library; the plan cannot be run. Registered
in a process of its own by `register(module)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_kept: list[Any] = []


def register(trt: Any) -> None:
    """Add lrhdr::Entmax and lrhdr::EntmaxFusion to the registry."""

    parts = ("", "OneCore", "OneBuild", "OneRuntime")
    bases: Any = tuple(getattr(trt, f"IPluginV3{part}") for part in parts)

    class Plugin(*bases):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            for base in bases:
                base.__init__(self)
            self.plugin_namespace, self.plugin_name, self.plugin_version = "lrhdr", name, "1"
            self.num_outputs = 1
            # Entmax gives masks for logits, the fusion a frame for logits and frames.
            self.model = 0 if name == "Entmax" else 1

        def get_capability_interface(self, kind: Any) -> Any:
            return self

        def get_output_data_types(self, inputs: Any) -> Any:
            return [inputs[self.model]]

        def get_output_shapes(self, inputs: Any, shapes: Any, build: Any) -> Any:
            return [trt.DimsExprs(inputs[self.model])]

        def supports_format_combination(self, position: int, tensors: Any, inputs: int) -> bool:
            return bool(tensors[position].desc.format == trt.TensorFormat.LINEAR)

        def configure_plugin(self, inputs: Any, outputs: Any) -> None: ...

        def on_shape_change(self, inputs: Any, outputs: Any) -> None: ...

        def set_tactic(self, tactic: int) -> None: ...

        def get_fields_to_serialize(self) -> Any:
            return trt.PluginFieldCollection([])

        def attach_to_context(self, context: Any) -> Any:
            return self.clone()

        def clone(self) -> Any:
            return Plugin(self.plugin_name)

    class Creator(trt.IPluginCreatorV3One):  # type: ignore[misc]
        def __init__(self, name: str, fields: dict[str, Any]) -> None:
            trt.IPluginCreatorV3One.__init__(self)
            self.name, self.plugin_namespace, self.plugin_version = name, "lrhdr", "1"
            self.field_names = trt.PluginFieldCollection(
                [trt.PluginField(key, np.array([]), kind) for key, kind in fields.items()]
            )

        def create_plugin(self, name: str, fields: Any, phase: Any) -> Any:
            return Plugin(self.name)

    number, count = trt.PluginFieldType.FLOAT32, trt.PluginFieldType.INT32
    creators = [
        Creator("Entmax", {"alpha": number, "axis": count}),
        Creator("EntmaxFusion", {"alpha": number, "images": count}),
    ]
    _kept.extend(creators)
    for creator in creators:
        if not trt.get_plugin_registry().register_creator(creator, "lrhdr"):
            raise RuntimeError(f"{creator.name} was not registered")
