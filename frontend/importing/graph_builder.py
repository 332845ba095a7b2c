"""Building the imported graph: constants on demand, folding of constant operators, final names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ...errors import Limit, ModelError, VerifyError
from ...ir import Array, Batch, Builder, Graph, Node, Op, Output, Stage, Value
from ...ir.ops import Const, Conv, Gemm, MatMul
from ...ir.rewriting import drop_dead
from ..prepare.tensor_data import element_of, holds_nan

MAX_VALUE = 1 << 33
"""Elements of one sample of a value; a model with more is taken for damaged."""

MAX_FOLDED = 1 << 24
"""Elements of a constant that folding may make, or four times the largest stored tensor."""

MAX_OPERATORS = 30_000
"""Operators of an imported graph, for which compiling takes about a minute: one ONNX node may stand
for thousands."""

MAX_CONSTANT_BYTES = 6 << 30
"""Bytes of constants that an import may keep at one time."""

MAX_FOLDED_PRODUCTS = 1 << 36
"""Multiplications that folding one convolution or product may take."""


class GraphBuilder:
    """A growing list of nodes. Operators whose operands are all constant are computed at once.

    ``largest`` is the number of elements of the largest tensor stored in the model.
    """

    def __init__(self, largest: int = 0) -> None:
        self.limit = max(MAX_FOLDED, 4 * largest)
        self.with_nan: set[Value] = set()
        """Constants of the model that hold NaN."""
        self.names_with_nan: frozenset[str] = frozenset()
        """Their names in the finished graph."""
        self._bytes = 0
        self._operators = 0
        self._builder = Builder()
        self._arrays: dict[Value, Array] = {}
        self._tensors: dict[Value, str] = {}

    def constant(self, array: Array, hint: str = "c", origin: Iterable[str] = ()) -> Value:
        """A constant operand; ModelError for one much larger than all that the model stores."""
        element_of(array.dtype)
        if array.size > self.limit:
            raise ModelError(f"a constant of {array.size} elements is too large to make at import")
        self.charge(array.nbytes)
        op = Const.of(array)
        value = self._builder.add(op, hint, origin)
        self._arrays[value] = op.array
        return value

    def charge(self, count: int) -> None:
        """Count bytes that constants take, or give back; raises ModelError beyond the limit."""
        self._bytes += count
        if self._bytes > MAX_CONSTANT_BYTES:
            raise ModelError(f"constants exceed {MAX_CONSTANT_BYTES} bytes")

    def array_of(self, value: Value) -> Array | None:
        """The contents of a constant, None for what is known only at run time."""
        return self._arrays.get(value)

    def name(self, value: Value, tensor: str) -> None:
        """Say that a value is the ONNX tensor of this name; the first name stays."""
        self._tensors.setdefault(value, tensor)

    def add(self, op: Op, hint: str, origin: Iterable[str]) -> Value:
        """Append an operator with one result, or the constant that it computes.

        Raises VerifyError when the operands do not fit.
        """
        (type_,) = op.infer()
        op.verify()
        _check_size(type_.shape)
        operands = [self._arrays.get(value) for value in op.operands]
        arrays = [array for array in operands if array is not None]
        if len(arrays) == len(operands) and not type_.symbolic and self._foldable(op, type_.shape):
            if any(map(holds_nan, arrays)):
                raise ModelError("computes with a constant that holds NaN", limits=[Limit.VALUE])
            with np.errstate(all="ignore"):
                array = np.asarray(op.reference(arrays, 1), type_.element.dtype)
            return self.constant(array.reshape(type_.concrete(1)), hint, origin)
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise VerifyError(f"the model takes more than {MAX_OPERATORS} operators")
        return self._builder.add(op, hint, origin)

    def finish(self, name: str, inputs: Sequence[Value], outputs: Sequence[Output]) -> Graph:
        """The graph of everything that the outputs need, values under their ONNX names."""
        nodes = tuple(self._builder.nodes)
        live = drop_dead(Graph(name, tuple(inputs), nodes, tuple(outputs), Stage.IMPORTED))
        renamed = self._renamed(live)
        nodes = tuple(
            Node(
                node.op.map_operands(lambda v: renamed.get(v, v)),
                tuple(renamed.get(v, v) for v in node.results),
            )
            for node in live.nodes
        )
        self.names_with_nan = frozenset(renamed.get(v, v).name for v in self.with_nan)
        shown = tuple(Output(o.name, renamed.get(o.value, o.value)) for o in outputs)
        return live.replace(nodes=nodes, outputs=shown)

    def _renamed(self, graph: Graph) -> dict[Value, Value]:
        """New values, named after their ONNX tensors, and the others by their hints."""
        values = [value for node in graph.nodes for value in node.results]
        names = Builder(names={value.name for value in graph.inputs})
        chosen = {v: names.unique(self._tensors[v]) for v in values if v in self._tensors}
        for value in values:
            if value not in chosen:
                chosen[value] = names.unique(value.name)
        return {value: replace(value, name=name) for value, name in chosen.items()}

    def _foldable(self, op: Op, shape: Sequence[int | Batch]) -> bool:
        count = math.prod(dim for dim in shape if isinstance(dim, int))
        if count > self.limit:
            raise VerifyError(f"a constant of {count} elements is too large to compute at import")
        if isinstance(op, Conv):
            return count * math.prod(op.w.shape[1:]) <= MAX_FOLDED_PRODUCTS
        if isinstance(op, (Gemm, MatMul)):
            return count * op.operands[0].shape[-1] <= MAX_FOLDED_PRODUCTS
        return True


def _check_size(shape: Sequence[int | Batch]) -> None:
    count = 1
    for dim in shape:
        count *= dim.factor if isinstance(dim, Batch) else dim
    if count == 0:
        raise VerifyError(f"the result has no elements: shape {list(map(str, shape))}")
    if count > MAX_VALUE:
        raise VerifyError(f"a result of {count} elements is absurdly large")
