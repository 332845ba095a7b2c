"""Writes a network as ONNX, by either exporter of PyTorch, with a symbolic batch."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from . import Exporter

OPSET = {"torchscript": 17, "dynamo": 20}


def export(module: nn.Module, shape: tuple[int, ...], exporter: Exporter, path: Path) -> Path:
    """Write ``module`` (in evaluation mode, ``shape`` of one sample) to ``path``, weights too."""
    x = torch.zeros(2, *shape)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # deprecation of the first exporter, remarks of its tracer
        if exporter == "dynamo":
            batch = torch.export.Dim("batch")
            torch.onnx.export(
                module, (x,), path, dynamo=True, dynamic_shapes=({0: batch},), verbose=False,
                external_data=False, opset_version=OPSET[exporter],
            )  # fmt: skip
        else:
            torch.onnx.export(
                module, (x,), path, dynamo=False, input_names=["x"], output_names=["y"],
                dynamic_axes={"x": {0: "N"}}, opset_version=OPSET[exporter],
            )  # fmt: skip
    return path
