"""An import rule's view of the node that it imports, and its means to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto

from ...errors import Limit, ModelError
from ...ir import Array, Batch, Dim, Op, Shape, Value
from ...ir.ops import Reshape, Transpose
from ..prepare.tensor_data import element_of, holds_nan
from .batch_shapes import BatchDependent, described, dims_of
from .deferred_transpose import DeferredTranspose
from .scope import ImportedTensor, Scope


def node_name(node: NodeProto) -> str:
    """The node's name, or that of its first output when it has none."""
    return node.name or next((name for name in node.output if name), "?")


class Call:
    """One ONNX node with its imported inputs. A method that cannot answer raises ModelError."""

    def __init__(
        self,
        node: NodeProto,
        version: int | None,
        scope: Scope,
        branch: Callable[[GraphProto], tuple[ImportedTensor, ...]] | None = None,
    ) -> None:
        self.node = node
        self._branch = branch
        self._replaced: Mapping[int, Value] = {}
        self.op = node.op_type
        self.version = version
        self.origin = node_name(node)
        self.scope = scope
        self._attributes = {a.name: a for a in node.attribute}

    def on(self, inputs: Mapping[int, Value], op: str = "") -> Call:
        """The same node with other operands in place of some inputs, for another rule to import;
        ``op`` is the operator that this rule imports it as."""
        out = Call(self.node, self.version, self.scope, self._branch)
        out.op = op or self.op
        out._replaced = inputs
        return out

    # --- answers ------------------------------------------------------------------------------

    def refuse(self, message: str, limit: Limit | None = None) -> NoReturn:
        """Give up on this node, for a limit that its rule states or, without one, for its form."""
        raise ModelError(message, limits=[limit])

    def add(self, op: Op) -> Value:
        """Append an operator; with constant operands, its constant result."""
        hint = next((name for name in self.node.output if name), self.op)
        return self.scope.graph.add(op, f"{hint}.{op.mnemonic()}", [self.origin])

    def const(self, array: Any, like: Value | None = None) -> Value:
        """A constant operand, in the element type of ``like`` when that is given."""
        with np.errstate(over="ignore"):
            array = np.asarray(array, like.element.dtype if like is not None else None)
        return self.scope.graph.constant(array, f"{self.origin}.const", [self.origin])

    def uses(self, output: int) -> bool:
        """True when the node names this output."""
        return output < len(self.node.output) and bool(self.node.output[output])

    def transposed(self, x: Value, perm: tuple[int, ...]) -> Value | DeferredTranspose:
        """A transposition; one that moves the symbolic batch is deferred."""
        if x.type.symbolic and perm[:1] != (0,):
            return DeferredTranspose(x, perm)
        return x if perm == tuple(range(x.type.rank)) else self.add(Transpose(x, perm))

    # --- inputs -------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Inputs, up to the last one that is given."""
        given = [i for i, name in enumerate(self.node.input) if name]
        return given[-1] + 1 if given else 0

    def has(self, index: int) -> bool:
        """True when the optional input is given."""
        return index < len(self.node.input) and bool(self.node.input[index])

    def input(self, index: int) -> ImportedTensor:
        """An input in whatever form it is known."""
        if not self.has(index):
            self.refuse(f"input {index} is missing")
        if index in self._replaced:
            array = self.scope.graph.array_of(self._replaced[index])
            return self._replaced[index] if array is None else array
        return self.scope.get(self.node.input[index])

    def x(self, index: int) -> Value:
        """An input as an operand."""
        self.input(index)
        if index in self._replaced:
            return self._replaced[index]
        return self.scope.value(self.node.input[index])

    def element(self, index: int) -> str | None:
        """The name of an input's element type; None when the input is not given."""
        tensor = self.input(index) if self.has(index) else None
        if isinstance(tensor, BatchDependent):
            tensor = tensor.arrays[0]
        if isinstance(tensor, np.ndarray):
            return element_of(tensor.dtype).name
        return str(tensor.element) if isinstance(tensor, (Value, DeferredTranspose)) else None

    def values(self) -> tuple[Value, ...]:
        """All inputs as operands."""
        return tuple(self.x(i) for i in range(len(self)))

    def constant(self, index: int) -> Array | None:
        """The contents of a constant input, None when it is computed at run time. A rule that works
        with them itself gets no NaN."""
        tensor = self.input(index)
        if not isinstance(tensor, np.ndarray):
            return None
        if holds_nan(tensor):
            self.refuse(f"constant '{self.node.input[index]}' holds NaN", Limit.VALUE)
        return tensor

    def array(self, index: int, what: str) -> Array:
        """The contents of an input that must be constant; ``what`` names it in the message."""
        array = self.constant(index)
        if array is None:
            text = f"{what} ('{self.node.input[index]}') must be constant: make it an initializer"
            self.refuse(text, Limit.CONSTANT)
        return array

    def scalar(self, index: int, what: str) -> Any:
        """The only element of a constant input."""
        array = self.array(index, what)
        if array.size != 1:
            self.refuse(f"{what} must be one number, got {described(array)}")
        return array.reshape(-1)[0]

    def dims(self, index: int, what: str) -> tuple[Dim, ...]:
        """An input that holds dimensions, symbolic ones included."""
        tensor = self.input(index)
        if not isinstance(tensor, (np.ndarray, BatchDependent)):
            name = self.node.input[index]
            self.refuse(f"{what} ('{name}') must be known at compile time", Limit.SHAPE)
        return dims_of(tensor)

    def integers(self, index: int, what: str) -> tuple[int, ...]:
        """An input that holds constant integers."""
        out = self.dims(index, what)
        if any(isinstance(d, Batch) for d in out):
            self.refuse(f"{what} must not depend on the batch size", Limit.BATCH)
        return tuple(d for d in out if isinstance(d, int))

    # --- attributes ---------------------------------------------------------------------------

    def given(self, name: str) -> bool:
        """True when the attribute is written in the model."""
        return name in self._attributes

    def _attribute(self, name: str, kind: int) -> AttributeProto | None:
        attribute = self._attributes.get(name)
        if attribute is not None and attribute.type != kind:
            expected, got = (AttributeProto.AttributeType.Name(k) for k in (kind, attribute.type))
            self.refuse(f"attribute '{name}' must be {expected}, got {got}")
        return attribute

    def int(self, name: str, default: int) -> int:
        """An integer attribute."""
        attribute = self._attribute(name, AttributeProto.INT)
        return default if attribute is None else int(attribute.i)

    def ints(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...] | None:
        """A list of integers; ``default`` when it is not given."""
        attribute = self._attribute(name, AttributeProto.INTS)
        if attribute is not None:
            return tuple(int(i) for i in attribute.ints)
        return None if default is None else tuple(default)

    def float(self, name: str, default: float) -> float:
        """A float attribute, with the value of its float32."""
        attribute = self._attribute(name, AttributeProto.FLOAT)
        return float(np.float32(default)) if attribute is None else float(attribute.f)

    def string(self, name: str, default: str) -> str:
        """A string attribute."""
        attribute = self._attribute(name, AttributeProto.STRING)
        return default if attribute is None else attribute.s.decode("utf-8", "replace")

    def tensor(self, name: str) -> TensorProto | None:
        """A tensor attribute."""
        attribute = self._attribute(name, AttributeProto.TENSOR)
        return None if attribute is None else attribute.t

    def branch(self, name: str) -> tuple[ImportedTensor, ...]:
        """The outputs of a graph attribute, whose nodes are imported in place of this one."""
        attribute = self._attribute(name, AttributeProto.GRAPH)
        if attribute is None or self._branch is None:
            self.refuse(f"branch '{name}' is missing")
        return self._branch(attribute.g)

    def node_attribute(self, name: str) -> AttributeProto:
        """The protobuf of a given attribute."""
        return self._attributes[name]

    # --- axes ---------------------------------------------------------------------------------

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            self.refuse(f"axis {axis} is outside of {rank} axes")
        return axis % rank

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        """Several axes counted from the front, in order, each once."""
        out = tuple(self.axis(a, rank) for a in axes)
        if len(set(out)) != len(out):
            self.refuse(f"axes {list(axes)} repeat")
        return out

    def axes_argument(self, index: int, since: int) -> tuple[int, ...] | None:
        """Axes that are an attribute before opset ``since`` and input ``index`` from then on."""
        if self.version is not None and self.version >= since:
            return self.integers(index, "axes") if self.has(index) else None
        return self.ints("axes")

    def reshape(self, x: Value, shape: Shape) -> Value:
        """``x`` under another shape; nothing when it has that shape."""
        return x if x.shape == shape else self.add(Reshape(x, shape))
