"""Computes nodes whose inputs are all known: weights that the graph computes, shape arithmetic.

A standard operator is evaluated by `onnx.reference`, which knows all of ONNX, so that neither
weight quantizers (Sin, Pow, ScatterND ..) nor shape arithmetic need operators in the IR. Result
sizes come from ONNX shape inference first: nothing is allocated beyond a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TypeProto, checker, defs, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from ...errors import Limit, ModelError
from ...ir import Array
from ..prepare.local_functions import one_line
from ..prepare.tensor_data import holds_nan
from .batch_shapes import PROBE_LIMIT, PROBES, BatchDependent, of_probes, undecided
from .graph_builder import MAX_FOLDED_PRODUCTS

PRODUCTS = frozenset(("MatMul", "Gemm"))
"""Operators whose work is not bounded by the size of their operands and results."""

FOLDED = PRODUCTS | frozenset(
    """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast
    CastLike Ceil Clip Concat ConstantOfShape Cos Cosh CumSum DequantizeLinear Div Equal Erf Exp
    Expand Flatten Floor Gather Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual Log
    Max Mean Min Mod Mul Neg NonZero Not Or Pad Pow QuantizeLinear Range Reciprocal ReduceL1
    ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Round ScatterND Shape Sigmoid Sign Sin Sinh Size Slice Softmax
    Split Sqrt Squeeze Sub Sum Tan Tanh Tile Transpose Trilu Unsqueeze Where Xor
    """.split()
)
"""Standard operators that are computed at import when their inputs are known."""

COMPARISONS = frozenset("Equal Greater GreaterOrEqual Less LessOrEqual".split())
"""Operators that may say the same of all probes, and something else of another batch size."""

UNBOUNDED = frozenset(("NonZero",))
"""Operators whose result size depends on data, within a small multiple of their operand's."""

HIDES_INFINITY = frozenset("Sign Abs Less LessOrEqual Greater GreaterOrEqual Tanh".split())
"""Operators whose finite result would hide that a weight is infinite."""

PASSES_NAN = frozenset(
    """
    Concat Expand Flatten Gather Identity Reshape ScatterND Shape Size Slice Split Squeeze Tile
    Transpose Unsqueeze Where
    """.split()
)
"""Operators that leave NaN what it is, or out: any that stays is found in the finished graph."""

_FAILURES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, NotImplementedError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What the reference evaluator raises for operands that an operator does not take."""

Known = Array | BatchDependent


def fold(
    node: NodeProto, inputs: Sequence[Known | None], version: int, limit: int
) -> list[Known] | None:
    """The results of a standard node on known inputs; None when it has to be imported instead.

    No result may have more than ``limit`` elements. Raises ModelError when the node is malformed
    or its result is absurdly large.
    """
    if node.op_type not in FOLDED or node.domain not in ("", "ai.onnx"):
        return None
    if version < 7 and any(a.name == "broadcast" for a in node.attribute):
        return None  # The evaluator knows only the broadcasting of later opsets.
    _refuse_hidden(node, inputs)
    if not any(isinstance(tensor, BatchDependent) for tensor in inputs):
        arrays = [x for x in inputs if not isinstance(x, BatchDependent)]
        return _evaluate(node, arrays, version, limit)
    fixed = [x for x in inputs if x is not None and not isinstance(x, BatchDependent)]
    if any(array.size > PROBE_LIMIT for array in fixed):
        return None
    probes: list[list[Array]] = []
    for i in range(len(PROBES)):
        arrays = [x.arrays[i] if isinstance(x, BatchDependent) else x for x in inputs]
        sizes = _result_sizes(node, arrays, version)
        if any(size is None or size > PROBE_LIMIT for size in sizes):
            return None
        probe = _evaluate(node, arrays, version, limit)
        if probe is None:
            return None
        probes.append(probe)
    if node.op_type in COMPARISONS and _undecided(inputs, probes):
        return None
    results = [of_probes(arrays) for arrays in zip(*probes, strict=True)]
    known = [result for result in results if result is not None]
    return known if len(known) == len(results) else None


def _undecided(inputs: Sequence[Known | None], probes: Sequence[Sequence[Array]]) -> bool:
    a, b = inputs
    return a is not None and b is not None and undecided(a, b, [probe[0] for probe in probes])


def _evaluate(
    node: NodeProto, inputs: Sequence[Array | None], version: int, limit: int
) -> list[Any] | None:
    if not _within_bounds(node, inputs, version, limit):
        return None
    fast = _FAST.get(node.op_type)
    try:
        with np.errstate(all="ignore"):
            if fast is not None and not node.attribute:
                return [np.asarray(fast(*inputs))]
            results = _reference(node, inputs, version)
    except _FAILURES as error:
        raise ModelError(
            f"cannot be computed from its constant inputs: {one_line(error)}"
        ) from error
    if any(not isinstance(r, (np.ndarray, np.generic)) for r in results):
        raise ModelError("does not compute a tensor")
    return [np.asarray(r) for r in results]


def _reference(node: NodeProto, inputs: Sequence[Array | None], version: int) -> list[Any]:
    feeds = {
        name: array
        for name, array in zip(node.input, inputs, strict=True)
        if name and array is not None
    }
    graph = helper.make_graph(
        [node],
        "fold",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
         for n, a in feeds.items()],
        [helper.make_empty_tensor_value_info(name) for name in node.output if name],
    )  # fmt: skip
    known_from = _KNOWN_FROM.get(node.op_type, version)
    opsets = [helper.make_opsetid("", max(version, known_from))]
    model = helper.make_model(graph, opset_imports=opsets)
    by_name = dict(
        zip((n for n in node.output if n), ReferenceEvaluator(model).run(None, feeds), strict=True)
    )
    return [by_name.get(name, np.zeros(0, np.float32)) for name in node.output]


def _scatter_nd(data: Array, indices: Array, updates: Array) -> Array:
    """ScatterND without reduction; the reference evaluator loops in Python."""
    out = data.copy()
    out[tuple(np.moveaxis(indices, -1, 0))] = updates
    return out


_KNOWN_FROM: Mapping[str, int] = {"DequantizeLinear": 19}
"""The first opset of which the evaluator knows an operator; what it computes of the operands that
earlier ones allow is the same."""

_FAST: Mapping[str, Callable[..., Any]] = {"ScatterND": _scatter_nd}


def _refuse_hidden(node: NodeProto, inputs: Sequence[Known | None]) -> None:
    """Raise ModelError where a result would hide that a constant holds NaN or infinity."""
    for name, array in zip(node.input, inputs, strict=True):
        if not isinstance(array, np.ndarray):
            continue
        if node.op_type not in PASSES_NAN and holds_nan(array):
            raise ModelError(f"constant '{name}' holds NaN", limits=[Limit.VALUE])
        if node.op_type in HIDES_INFINITY and array.dtype.kind == "f" and np.isinf(array).any():
            raise ModelError(f"constant '{name}' holds infinity")


def _within_bounds(
    node: NodeProto, inputs: Sequence[Array | None], version: int, limit: int
) -> bool:
    """True when the node may be computed; raises ModelError when its result is absurdly large."""
    sizes = _result_sizes(node, inputs, version)
    for size in sizes:
        if size is None and node.op_type not in UNBOUNDED:
            return False
        if size is not None and size > limit:
            raise ModelError(f"a constant of {size} elements is too large to compute at import")
    if node.op_type in PRODUCTS:
        return _products(inputs, sizes) <= MAX_FOLDED_PRODUCTS
    return True


def _products(inputs: Sequence[Array | None], sizes: Sequence[int | None]) -> int:
    """A bound of the multiplications: each result sums along an axis of the first operand."""
    longest = max(inputs[0].shape, default=1) if inputs[0] is not None else 1
    return sum(size or 0 for size in sizes) * longest


def _result_sizes(
    node: NodeProto, inputs: Sequence[Array | None], version: int
) -> list[int | None]:
    """Elements of each result by ONNX shape inference, None where they depend on the data."""
    if node.op_type == "Range" and all(x is not None and x.size == 1 for x in inputs):
        start, limit, delta = (float(x.reshape(-1)[0]) for x in inputs if x is not None)
        if delta == 0 or not math.isfinite((limit - start) / delta):
            raise ModelError("Range with a step of zero")
        return [max(0, math.ceil((limit - start) / delta))]
    types = {
        name: helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(node.input, inputs, strict=True)
        if x is not None
    }
    data = {
        name: numpy_helper.from_array(x)
        for name, x in zip(node.input, inputs, strict=True)
        if x is not None and x.size <= PROBE_LIMIT
    }
    schema = defs.get_schema(node.op_type, version, "")
    opsets = [helper.make_opsetid("", version)]
    try:
        inferred = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=opsets
        )
    except (*_FAILURES, shape_inference.InferenceError, checker.ValidationError) as error:
        raise ModelError(f"inconsistent inputs: {one_line(error)}") from error
    return [_elements(inferred.get(name)) for name in node.output if name]


def _elements(type_: TypeProto | None) -> int | None:
    if type_ is None or not type_.tensor_type.HasField("shape"):
        return None
    dims = type_.tensor_type.shape.dim
    if any(d.WhichOneof("value") != "dim_value" for d in dims):
        return None
    return math.prod(d.dim_value for d in dims)
