"""ONNX in: `load_model` reads a model into the IR, its binarizers normalised to `ir.ops.Sign`."""

from .importer import Imported, SignZero, load_model
from .reader import NEWEST_OPSET, OLDEST_OPSET, Source
from .zeros import AtZero

__all__ = ["NEWEST_OPSET", "OLDEST_OPSET", "AtZero", "Imported", "SignZero", "Source", "load_model"]
