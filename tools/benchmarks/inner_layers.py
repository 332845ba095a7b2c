"""The middle of a compiled chain of layers as a library of its own: bits in, bits out.

It is the code that runs inside a network, padding and thresholds included, without the signs and
floats at the ends of the chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...driver import load_backend, resolve_target
from ...errors import VerifyError
from ...ir import Graph, Output, Slot, Value
from ...ir.ops import Const, Fused
from ...ir.storage import to_storage
from ..verification.layer_models import LayerModel

if TYPE_CHECKING:
    from collections.abc import Callable

BINARY = ("binary_conv", "binary_gemm")


def middle(graph: Graph) -> tuple[Graph, int]:
    """The layers of a scheduled chain whose operand and result are bits, and their number."""
    places = [index for index, node in enumerate(graph.nodes) if _is_binary(node.op)]
    while places and not graph.nodes[places[-1]].result.type.is_binary:
        places.pop()
    if not places:
        raise VerifyError("the chain has no layer from bits to bits")
    first, last = graph.nodes[places[0]], graph.nodes[places[-1]]
    constants = tuple(node for node in graph.nodes if isinstance(node.op, Const))
    known = {node.result for node in constants}
    (read,) = (value for value in first.op.operands if value not in known)
    new: dict[Value, Value] = {
        read: replace(read, slot=Slot("input", 0)),
        last.result: replace(last.result, slot=Slot("output", 0)),
    }
    inside = (n for n in graph.nodes[places[0] : places[-1] + 1] if not isinstance(n.op, Const))
    nodes = [
        replace(
            node,
            op=node.op.map_operands(lambda value: new.get(value, value)),
            results=tuple(new.get(value, value) for value in node.results),
        )
        for node in inside
    ]
    output = Output("y", new[last.result])
    inner = Graph("middle", (new[read],), (*constants, *nodes), (output,), graph.stage)
    return inner, len(places)


def _is_binary(op: object) -> bool:
    return isinstance(op, Fused) and any(n.op.mnemonic() in BINARY for n in op.body.nodes)


def middle_call(graph: Graph, target: str) -> tuple[Callable[[], Any], int, str]:
    """A call that runs the middle of a scheduled chain on random bits, its layers, and the kernel
    of the last of them."""
    inner, layers = middle(graph)
    chosen = inner.nodes[-1].op
    kernel = chosen.kernel if isinstance(chosen, Fused) else ""
    model = LayerModel.build(inner, load_backend("llvm"), resolve_target(target))
    (value,) = inner.inputs
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, value.type.concrete(1)).astype(np.uint8)
    x = to_storage(codes, value.type)
    return lambda: model.model(x), layers, kernel or ""
