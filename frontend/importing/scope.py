"""The tensors of a graph during import, by ONNX name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ...errors import Limit, ModelError
from ...ir import Array, Value
from ..prepare.tensor_data import tensor_array
from .batch_shapes import Sized
from .deferred_transpose import Turned
from .graph_builder import Emitter


@dataclass(frozen=True, eq=False)
class Broken:
    """A result of a node that could not be imported; its readers are skipped."""


Held = Value | Array | Sized | Turned | Broken
"""A tensor during import: computed at run time, constant, known for each batch size, transposed
when its batch is in front again, or missing because of an earlier problem."""


class Scope:
    """What each ONNX name stands for. Constants become IR operands only when someone needs that."""

    def __init__(self, emitter: Emitter, initializers: Mapping[str, TensorProto]) -> None:
        self.emitter = emitter
        self._initializers = initializers
        self._held: dict[str, Held] = {}
        self._origin: dict[str, str] = {}
        self._materialised: dict[str, Value] = {}

    def get(self, name: str) -> Held:
        """The tensor of this name; raises ModelError when nothing defines it."""
        found = self._held.get(name)
        if found is None and name in self._initializers:
            found = self._held[name] = tensor_array(self._initializers[name])
        if found is None:
            raise ModelError(f"reads '{name}', which nothing defines")
        return found

    def put(self, name: str, held: Held, origin: str) -> None:
        """Record what a node's output is. A constant operand counts as its contents."""
        if isinstance(held, Value):
            array = self.emitter.array_of(held)
            if array is not None:
                self._materialised[name] = held
                self.emitter.name(held, name)
                held = array
            else:
                self.emitter.name(held, name)
        if isinstance(held, np.ndarray):
            self.emitter.charge(held.nbytes)
        self._held[name] = held
        self._origin[name] = origin

    def drop(self, name: str) -> None:
        """Forget a tensor that nothing reads any more."""
        held = self._held.pop(name, None)
        if isinstance(held, np.ndarray) and name not in self._initializers:
            self.emitter.charge(-held.nbytes)
        self._materialised.pop(name, None)

    def value(self, name: str) -> Value:
        """The tensor as an operand; raises ModelError when it cannot be one."""
        held = self.get(name)
        if isinstance(held, Value):
            return held
        if name in self._materialised:
            return self._materialised[name]
        if isinstance(held, Sized):
            raise ModelError(
                f"'{name}' depends on the batch size and is used as data; "
                "fix the batch with --shape"
            )
        if isinstance(held, Turned):
            text = f"'{name}' moves the symbolic batch from the first axis; --shape fixes it"
            raise ModelError(text, limits=[Limit.BATCH])
        if isinstance(held, Broken):
            raise ModelError(f"reads '{name}', which could not be imported")
        origin = [self._origin[name]] if name in self._origin else []
        value = self.emitter.constant(held, name, origin)
        self.emitter.name(value, name)
        self._materialised[name] = value
        return value
