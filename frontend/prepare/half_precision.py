"""Models of float16 or bfloat16, which are computed in float32.

Every number of these types is one of float32, so initializers and inputs are converted exactly.
Results are rounded to 24 bits where the model would round to 11 or 8: closer to what the exact
numbers give, not the bits of a machine that computes in the model's type.

Constants that the model converts before anything depends on an input stay as they are stored: they
are folded in their own type.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    numpy_helper,
)

from ...errors import ModelError
from .subgraphs import names_read, subgraphs
from .tensor_data import MAX_TENSOR_BYTES, byte_count, dtype_name

HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_TYPE_ATTRIBUTES = frozenset(
    ("to", "dtype", "output_dtype", "output_datatype", "softmax_precision", "stash_type")
)
"""Attributes that name an element type."""
_OTHER_RESULTS = frozenset(
    """
    And ArgMax ArgMin Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual NonZero Not Or
    QuantizeLinear Shape Size Xor
    """.split()
)
"""Operators whose results never have the type of their operands."""
_SHAPES = frozenset(("Shape", "Size"))
"""Operators whose results follow from shapes alone."""


def half_types(
    graph: GraphProto, nodes: Sequence[NodeProto], initializers: Mapping[str, TensorProto]
) -> tuple[str, ...]:
    """The half-precision types that something computed from the inputs has, by name; none when
    only constants have them. ``nodes`` are in order."""
    running = {info.name for info in graph.input if info.name not in initializers}
    half = {name: t.data_type for name, t in initializers.items() if t.data_type in HALF}
    met = {_type(info) for info in graph.input if info.name in running}
    _follow(nodes, running, half, met)
    return tuple(dtype_name(code) for code in HALF if code in met)


def _follow(
    nodes: Sequence[NodeProto], running: set[str], half: dict[str, int], met: set[int]
) -> None:
    """Add the results of nodes to what is computed at run time (``running``) and to what has a half
    type, and to ``met`` the half types of what is both."""
    for node in nodes:
        read = names_read(node)
        runs = not running.isdisjoint(read) and node.op_type not in _SHAPES
        codes = list(_result_types(node, half))
        if runs:
            met.update([*codes, *(half[name] for name in read if name in half)])
            running.update(node.output)
        if codes:
            half.update(dict.fromkeys(node.output, codes[0]))
        for attribute in node.attribute:
            for graph in subgraphs(attribute):
                stored = {t.name: t.data_type for t in graph.initializer if t.data_type in HALF}
                _follow(graph.node, running, half | stored, met)


def _result_types(node: NodeProto, half: Mapping[str, int]) -> Iterator[int]:
    """The half-precision type of a node's results, where they have one."""
    named = [a.i for a in node.attribute if a.name in _TYPE_ATTRIBUTES]
    stored = [a.t.data_type for a in node.attribute if a.type == AttributeProto.TENSOR]
    operands = [half[name] for name in node.input if name in half]
    if named or stored:
        operands = []
    if node.op_type not in _OTHER_RESULTS:
        yield from (code for code in (*named, *stored, *operands) if code in HALF)


def _type(info: ValueInfoProto) -> int:
    return info.type.tensor_type.elem_type


def to_float32(model: ModelProto) -> None:
    """Turn every float16 and bfloat16 of a model into float32, in place."""
    _convert_graph(model.graph)
    for function in model.functions:
        _convert_infos(function.value_info)
        _convert_nodes(function.node)


def _convert_graph(graph: GraphProto) -> None:
    for tensor in graph.initializer:
        _convert_tensor(tensor)
    for infos in (graph.input, graph.output, graph.value_info):
        _convert_infos(infos)
    _convert_nodes(graph.node)


def _convert_infos(infos: Iterable[ValueInfoProto]) -> None:
    for info in infos:
        if _type(info) in HALF:
            info.type.tensor_type.elem_type = TensorProto.FLOAT


def _convert_nodes(nodes: Iterable[NodeProto]) -> None:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.name in _TYPE_ATTRIBUTES and attribute.i in HALF:
                attribute.i = TensorProto.FLOAT
            if attribute.type == AttributeProto.TENSOR:
                _convert_tensor(attribute.t)
            for graph in subgraphs(attribute):
                _convert_graph(graph)


def _convert_tensor(tensor: TensorProto) -> None:
    if tensor.data_type not in HALF:
        return
    if 2 * byte_count(tensor.data_type, math.prod(tensor.dims)) > MAX_TENSOR_BYTES:
        raise ModelError(f"tensor '{tensor.name}' is absurdly large in float32")
    array = numpy_helper.to_array(tensor).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
