"""ONNX in: `load_model` reads a model into the IR, its binarizers normalised to `ir.ops.Sign`."""

from .analysis.sign_at_zero import AtZero
from .importer import Imported, SignZero, load_model
from .prepare.half_precision import to_float32
from .prepare.reader import NEWEST_OPSET, OLDEST_OPSET, Source

__all__ = [
    "NEWEST_OPSET",
    "OLDEST_OPSET",
    "AtZero",
    "Imported",
    "SignZero",
    "Source",
    "load_model",
    "to_float32",
]
