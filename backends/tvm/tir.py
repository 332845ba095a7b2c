"""TVM's modules for writing TensorIR, without types: TVM's annotations leave out numbers, which its
functions take wherever they take expressions."""

from typing import Any

from tvm import tirx as _tirx
from tvm.tirx.script import builder as _builder

tirx: Any = _tirx
"""Expressions and statements."""
T: Any = _builder.ir
"""Blocks, loops and stores, where a function is being written."""

__all__ = ["T", "tirx"]
