"""Which nodes of a scheduled graph run in rounds, each for some samples of a batch.

A node that runs once for an entire batch reads its maps from memory, where they went when the node
before it was done with the last sample; its constants are read once. In rounds of as many samples
as the second-level cache holds the maps are still there, but the constants come anew in each round.
So the first nodes, whose maps are large, run in rounds and the last ones, whose constants are, do
not. With m(i) the bytes of maps that node i reads and writes for a sample, c(i) those of its
constants, g(n) those of maps that the first n nodes leave to others, and R the samples of a round,
the first n nodes in rounds spare a sample

    sum over i < n of m(i) - c(i) / R,  less g(n)

bytes from afar. R falls with n: it is what the largest maps leave room for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ...backends.cost_model import Constants, CostModel, constants_of
from ...backends.interface import Choice
from ...ir import Array, Graph, Layout, Node, Value
from ...ir.ops import Fused
from ...ir.types import sample_bytes
from .memory_sharing import Buffer

MOST = 16
"""Samples of a round from which on rounds are pointless: few batches are larger."""


def in_rounds(
    graph: Graph, buffers: Mapping[Value, Buffer], moving: Collection[Node], costs: CostModel
) -> int:
    """How many of the first nodes run in rounds, 0 for none.

    ``buffers`` are the intermediate values' memory, ``moving`` the nodes that touch it at all.
    """
    constants, moving = constants_of(graph), {*moving}
    maps, weights = np.zeros((2, len(graph.nodes)))
    for at, node in enumerate(graph.nodes):
        if node in moving:
            maps[at] = _maps(node)
            weights[at] = _constants(node, constants, costs)
    most = np.maximum.accumulate(_alive(graph, buffers))
    samples = np.array([costs.target.samples_of_a_round(int(nbytes)) for nbytes in most])
    spared = np.cumsum(maps) - np.cumsum(weights) / samples - _left(graph, buffers)
    spared[samples >= MOST] = 0
    return int(np.argmax(spared)) + 1 if spared.max(initial=0) > 0 else 0


def _maps(node: Node) -> int:
    """Bytes of a sample that a node reads and writes."""
    values = dict.fromkeys((*node.op.operands, *node.results))
    return sum(sample_bytes(value.type) for value in values if value.type.symbolic)


def _constants(node: Node, constants: Constants, costs: CostModel) -> int:
    """Bytes of constants that a region reads; other nodes read next to none, and what names no
    kernel will not be compiled."""
    if not isinstance(node.op, Fused) or not node.op.kernel:
        return 0
    choice = Choice.parse(node.op.kernel)
    return costs.nbytes(node.op, choice, constants) if costs.knows(node.op, choice) else 0


def _alive(graph: Graph, buffers: Mapping[Value, Buffer]) -> Array:
    """Bytes of a sample that are in use while each node runs."""
    change = np.zeros(len(graph.nodes) + 1, np.int64)
    for value, buffer in buffers.items():
        if value.type.symbolic:
            change[buffer.first] += buffer.size
            change[buffer.last + 1] -= buffer.size
    return np.cumsum(change)[:-1]


def _left(graph: Graph, buffers: Mapping[Value, Buffer]) -> Array:
    """Bytes of a sample that others read after each node; infinite where planes are among them, of
    which a sample is not in one piece."""
    change = np.zeros(len(graph.nodes) + 1)
    apart = np.zeros(len(graph.nodes) + 1, np.int64)
    for value, buffer in buffers.items():
        if value.type.symbolic:
            for place, sign in ((buffer.first, 1), (buffer.last, -1)):
                change[place] += sign * buffer.size
                apart[place] += sign * (value.type.layout is Layout.PLANES)
    return np.where(np.cumsum(apart) > 0, np.inf, np.cumsum(change))[:-1]
