"""Whether a model that cannot be imported is valid ONNX at all, and which exporter wrote it so."""

from __future__ import annotations

import os
from pathlib import Path

from onnx import ModelProto, checker, shape_inference

from ...errors import ModelError
from .local_functions import one_line
from .reader import parse

_LONGEST = 300
_TOLERATED = ("is required but missing", "No opset import for domain")
"""What the checker demands and bnnc does without: no reason why an import fails."""
_TORCH_NAMES = (
    "torch.onnx.export(dynamo=True) writes this where output_names repeat an operator's name: "
    "choose others, or export with dynamo=False"
)
_TORCH = "torch.onnx.export wrote it: export with optimize=False, or with dynamo=False"


def invalidity(given: str | os.PathLike[str] | ModelProto) -> str | None:
    """What `onnx.checker` says against a model, and what to export differently; None when it finds
    nothing, or when the file holds no model."""
    try:
        model = given if isinstance(given, ModelProto) else parse(Path(given))
    except ModelError:
        return None
    # Without negative batch_dims: for these onnx 1.23 reads foreign memory.
    inferred = not any(
        a.name == "batch_dims" and a.i < 0 for node in model.graph.node for a in node.attribute
    )
    try:
        checker.check_model(
            given if isinstance(given, ModelProto) else os.fspath(given), full_check=inferred
        )
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        found = one_line(error)
    except (OSError, RuntimeError, ValueError):
        return None  # Too large for the checker, or without its external data.
    else:
        return None
    if any(words in found for words in _TOLERATED):
        return None
    if len(found) > _LONGEST:
        found = f"{found[:_LONGEST]}.."
    text = f"the file is not valid ONNX, onnx.checker says so too: {found}"
    if model.producer_name != "pytorch":
        return text
    return f"{text}; {_TORCH_NAMES if 'single static assignment' in found else _TORCH}"
