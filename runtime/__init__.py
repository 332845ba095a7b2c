"""Running compiled models: needs NumPy (1.21 or newer) and nothing else.

>>> from bnnc import runtime
>>> model = runtime.load("mnist.so")
>>> scores = model(images)

An artifact is native code: load only what you trust.
"""

from .model import Model, TensorInfo, load

__all__ = ["Model", "TensorInfo", "load"]
