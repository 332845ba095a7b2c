"""The tensors of a graph during import, by ONNX name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ...errors import Limit, ModelError
from ...ir import Array, Value
from ..prepare.tensor_data import holds_nan, tensor_array
from .batch_shapes import BatchDependent
from .deferred_transpose import DeferredTranspose
from .graph_builder import GraphBuilder


@dataclass(frozen=True, eq=False)
class Broken:
    """A result of a node that could not be imported; its readers are skipped."""


ImportedTensor = Value | Array | BatchDependent | DeferredTranspose | Broken
"""A tensor during import: computed at run time, constant, known for each batch size, transposed
when its batch is in front again, or missing because of an earlier problem."""


class Scope:
    """The tensor of each ONNX name. Constants become IR operands only when a rule needs one.

    The scope of a branch has names of its own, ``shown`` in the IR by others (an output by that of
    the node that it belongs to, anything else after it), and sees those of the scope ``outside``.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        initializers: Mapping[str, TensorProto],
        outside: Scope | None = None,
        shown: Callable[[str], str] = str,
    ) -> None:
        self.graph = graph
        self._initializers = initializers
        self._outside = outside
        self.shown = shown
        self._tensors: dict[str, ImportedTensor] = {}
        self._origin: dict[str, str] = {}
        self._materialised: dict[str, Value] = {}

    def get(self, name: str) -> ImportedTensor:
        """The tensor of this name; raises ModelError when nothing defines it."""
        tensor = self._tensors.get(name)
        if tensor is None and name in self._initializers:
            tensor = self._tensors[name] = tensor_array(self._initializers[name])
        if tensor is None and self._outside is not None:
            return self._outside.get(name)
        if tensor is None:
            raise ModelError(f"reads '{name}', which nothing defines")
        return tensor

    def put(self, name: str, tensor: ImportedTensor, origin: str) -> None:
        """Record a node's output. A constant operand is recorded as its contents."""
        if isinstance(tensor, Value):
            self.graph.name(tensor, self.shown(name))
            array = self.graph.array_of(tensor)
            if array is not None:
                self._materialised[name] = tensor
                tensor = array
        if isinstance(tensor, np.ndarray):
            self.graph.charge(tensor.nbytes)
        self._tensors[name] = tensor
        self._origin[name] = origin

    def drop(self, name: str) -> None:
        """Forget a tensor that nothing reads any more."""
        tensor = self._tensors.pop(name, None)
        if isinstance(tensor, np.ndarray) and name not in self._initializers:
            self.graph.charge(-tensor.nbytes)
        self._materialised.pop(name, None)

    def close(self) -> None:
        """Forget every tensor."""
        for name in list(self._tensors):
            self.drop(name)

    def value(self, name: str) -> Value:
        """The tensor as an operand; raises ModelError when it cannot be one."""
        tensor = self.get(name)
        if name not in self._tensors and self._outside is not None:
            return self._outside.value(name)
        if isinstance(tensor, Value):
            return tensor
        if name in self._materialised:
            return self._materialised[name]
        if isinstance(tensor, BatchDependent):
            raise ModelError(
                f"'{name}' depends on the batch size and is used as data; "
                "fix the batch with --shape"
            )
        if isinstance(tensor, DeferredTranspose):
            text = f"'{name}' moves the symbolic batch from the first axis; --shape fixes it"
            raise ModelError(text, limits=[Limit.BATCH])
        if isinstance(tensor, Broken):
            raise ModelError(f"reads '{name}', which could not be imported")
        origin = [self._origin[name]] if name in self._origin else []
        value = self.graph.constant(tensor, self.shown(name), origin)
        if holds_nan(tensor):
            self.graph.with_nan.add(value)
        self.graph.name(value, self.shown(name))
        self._materialised[name] = value
        return value
