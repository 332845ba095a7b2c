"""Writes a network as ONNX, by either exporter of PyTorch, with a symbolic batch.

As a program: ``python -m zoo.export NETWORK SIZE EXPORTER FILE``.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import torch
from torch import nn

from . import Exporter, registry
from .weights import prepare

OPSET = {"torchscript": 17, "dynamo": 20}


def export(module: nn.Module, shape: tuple[int, ...], exporter: Exporter, path: Path) -> Path:
    """Write ``module`` (in evaluation mode, ``shape`` of one sample) to ``path``, weights inside.

    Raises RuntimeError when the exporter does.
    """
    x = torch.zeros(2, *shape)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # names of packages it looked for
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


if __name__ == "__main__":
    _name, _size, _exporter, _path = sys.argv[1:]
    torch.set_num_threads(1)
    _network = registry()[_name]
    export(prepare(_network, _size), _network.shapes[_size], _exporter, Path(_path))
