"""PyTorch modules as ONNX, by both exporters."""

from __future__ import annotations

import io

import onnx
import torch
from torch import nn

EXPORTERS = ["torchscript", "dynamo"]


def export(
    module: nn.Module, shape: tuple[int, ...], exporter: str, optimize: bool = True
) -> onnx.ModelProto:
    """The module as ONNX with a symbolic first dimension; ``optimize``: what the newer exporter
    does by itself."""
    x = torch.zeros(2, *shape[1:])
    module.eval()
    if exporter == "dynamo":
        batch = torch.export.Dim("batch")
        program = torch.onnx.export(
            module,
            (x,),
            dynamo=True,
            dynamic_shapes=({0: batch},),
            verbose=False,
            optimize=optimize,
        )
        return program.model_proto
    buffer = io.BytesIO()
    torch.onnx.export(
        module, (x,), buffer, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "N"}}
    )
    return onnx.load_from_string(buffer.getvalue())
