"""FINN's lowered convolutions as one node, so that one rule sees the window and its weights.

Before:
    columns = Im2Col(x; kernel_size, stride, ..)
    y = MatMul(columns, w)                        or XnorPopcountMatMul(columns, w)
After:
    y = bnnc::Im2ColMatMul(x, w; kernel_size, stride, ..)
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto

DOMAIN = "bnnc"
_PRODUCTS = {"MatMul": "Im2ColMatMul", "XnorPopcountMatMul": "Im2ColXnor"}


def lowered_convolutions(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """The nodes with each product of Im2Col replaced; an Im2Col without readers is dropped."""
    windows = {n.output[0]: n for n in nodes if n.op_type == "Im2Col" and n.output and n.input}
    if not windows:
        return list(nodes)
    return [_joined(node, windows) or node for node in nodes]


def _joined(node: NodeProto, windows: dict[str, NodeProto]) -> NodeProto | None:
    if node.op_type not in _PRODUCTS or len(node.input) != 2 or node.input[0] not in windows:
        return None
    window = windows[node.input[0]]
    out = NodeProto(op_type=_PRODUCTS[node.op_type], domain=DOMAIN, name=node.name)
    out.input.extend([window.input[0], node.input[1]])
    out.output.extend(node.output)
    out.attribute.extend(window.attribute)
    return out
