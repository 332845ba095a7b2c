"""Channels in an order in which neighbours are computed from each other, and from which ones.

The output channels of binary layers are put in another order, in which blocks of them have light
spanning trees (`spanning_tree`): exact, since everything that reads them follows
(`channel_permutation`). Layers that a skip addition ties get one order, that of all their weights
together. A channel is negated where that brings it near others and what follows the count takes the
sign back:

    -n >= t  =  not n >= 1 - t          thresholds
    (-n) * a  =  n * (-a)               scales, where what follows does not tell -0 from +0

What stays in order for any reason still gets the trees of its blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np

from ..errors import PassError
from ..ir import SIGN, Array, Graph, Node, Stage
from ..ir.ops import BinaryConv, BinaryGemm, Const
from ..ir.ops.binary import BLOCK
from ..ir.ops.shape import flat_size
from .manager import Context, Pass
from .support.channel_groups import Axes, Obstacle, trace
from .support.channel_permutation import Changes, Moved, apply, moved, takes_signs
from .support.spanning_tree import WORTH, Forest, Metric, block_forest, tight_order

LANES = 512
"""Positions that a kernel adds at once."""
FEWEST = 128
"""Positions of a map below which kernels that reuse sums are not the fastest."""
_ADDITION, _GATHERED = 1.5, 4.0
"""Cycles of an addition, and of an element that a Gather moves: estimates."""


@dataclass(frozen=True)
class MstReorder(Pass):
    """Reorder and negate output channels of binary layers, and annotate parents.

    ``max_depth``: most edges from a channel to the root that it is computed from, 0 for any number.
    ``block``: channels of a block; ``always``: for the least saving too.

    Before:
        input %x: bits<1;-1,1>[N,1,5]
        %w = const() data=[1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1] element=bits<1;-1,1> : bits<1;-1,1>[3,1,5]
        %t = const() data=[1, 3, -1] element=i32 : i32[3]
        %f = const() data=[false, false, true] element=bool : bool[3]
        %n = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,3,1]
        %s = threshold(%n, %t, %f) : bits<1;-1,1>[N,3,1]
        output %s as "y"
    After:
        %w.reordered = const() data=[1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1] element=bits<1;-1,1> : bits<1;-1,1>[3,1,5]
        %n = binary_conv(%x, %w.reordered) strides=[1] pads=[0,0] dilations=[1] groups=1 parents=[-1,0,0] distances=[5,1,1] : i32[N,3,1]
        %t.reordered = const() data=[1, -2, -1] element=i32 : i32[3]
        %f.reordered = const() data=[false, true, true] element=bool : bool[3]
        %s = threshold(%n, %t.reordered, %f.reordered) : bits<1;-1,1>[N,3,1]
    """  # noqa: E501

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)
    max_depth: int = 0
    block: int = BLOCK
    always: bool = False

    def run(self, graph: Graph, context: Context) -> Graph:
        return apply(graph, plan(graph, self).changes)

    def moved(self, graph: Graph) -> dict[str, Moved]:
        """The values of a graph that `run` holds otherwise, by name."""
        return moved(graph, plan(graph, self).changes)


@dataclass(frozen=True)
class Layer:
    """A binary layer and what the pass makes of it.

    ``metric``: of its channels as they were; ``order``: the channel at each place;
    ``forest``: of its blocks in that order; ``annotated``: whether kernels get to know it;
    ``reason``: why the order, and the annotation, are what they are.
    """

    node: Node
    metric: Metric
    order: Array
    forest: Forest
    annotated: bool
    reason: str


@dataclass(frozen=True)
class Plan:
    """All layers in graph order, and what to change."""

    layers: tuple[Layer, ...]
    changes: Changes


def plan(graph: Graph, options: MstReorder | None = None, products: bool = False) -> Plan:
    """Look at a graph before its bits are packed; raises PassError for options that do not fit.

    Products reuse no sums, and looking at them takes as long as their outputs are many: without
    ``products`` they are looked at only where convolutions share their channels.
    """
    options = options or MstReorder()
    if options.max_depth < 0 or options.block < 1 or BLOCK % options.block:
        raise PassError(f"{options}: max_depth is not negative, and block a divisor of {BLOCK}")
    axes = trace(graph)
    nodes = [node for node in graph.nodes if _weights(graph, node)]
    planner = _Orders(axes, nodes, cache(partial(_metric, graph)), options)
    orders, undone = planner.find()
    layers: list[Layer] = []
    for node in nodes:
        if isinstance(node.op, BinaryGemm) and not (products or options.always):
            continue
        index, metric = axes.index(node.result, orders), planner.metric(node)
        order = np.arange(len(metric.differing)) if index is None else index
        reason = planner.reason(node, orders)
        layers.append(_layer(graph, node, metric, order, reason, options))
    forests = {layer.node: layer.forest for layer in layers if layer.annotated}
    return Plan(tuple(layers), Changes(axes, orders, undone, forests))


def _weights(graph: Graph, node: Node) -> bool:
    op = node.op
    if not isinstance(op, (BinaryConv, BinaryGemm)) or op.w.element != SIGN:
        return False
    return isinstance(graph.producer_op(op.w), Const)


def _metric(graph: Graph, node: Node) -> Metric:
    """Distances of a layer's channels; those of different groups read different inputs."""
    op = node.op
    assert isinstance(op, (BinaryConv, BinaryGemm))
    weights = graph.producers[op.w].op
    assert isinstance(weights, Const)
    rows = weights.array.reshape(op.w.shape[0], -1)
    groups = getattr(op, "groups", 1)
    metric = Metric.of(rows, groups == 1 and takes_signs(graph, node))
    if groups > 1:
        group = np.arange(len(rows)) * groups // len(rows)
        apart = np.where(group[:, None] == group, metric.differing, metric.bits + 1)
        metric = replace(metric, differing=apart)
    return metric


def _layer(
    graph: Graph, node: Node, metric: Metric, order: Array, reason: str, options: MstReorder
) -> Layer:
    """The forest of a layer's blocks: with negated channels where they save enough."""
    ordered = replace(metric, differing=metric.differing[np.ix_(order, order)], negated=False)
    forest = block_forest(ordered, options.max_depth, options.block)
    if metric.negated:
        turned = block_forest(replace(ordered, negated=True), options.max_depth, options.block)
        worth = 0 if options.always else WORTH
        if turned.operations < (1 - worth) * forest.operations:
            forest = turned
    full = len(order) * metric.bits
    annotated = isinstance(node.op, BinaryConv) and 2 * forest.operations < full
    if isinstance(node.op, BinaryGemm):
        reason += "; products do not reuse sums"
    elif not annotated:
        reason += "; no reuse: a channel's sum costs less on its own"
    return Layer(node, metric, order, forest, annotated, reason)


@dataclass
class _Orders:
    """Finds an order for each group of channels that binary layers produce."""

    axes: Axes
    nodes: list[Node]
    metric: Callable[[Node], Metric]
    options: MstReorder

    def __post_init__(self) -> None:
        self.reasons: dict[int, str] = {}
        self.obstacles: dict[int, list[Obstacle]] = {}
        for obstacle in self.axes.obstacles:
            for leaf in self.axes.groups.leaves(obstacle.groups):
                self.obstacles.setdefault(leaf, []).append(obstacle)

    def find(self) -> tuple[dict[int, Array], tuple[Obstacle, ...]]:
        """Orders by group, and the obstacles that a Gather undoes."""
        by_leaf: dict[int, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            first = 0
            for leaf in self.axes.leaves(node.result):
                by_leaf.setdefault(leaf, []).append((node, first))
                first += self.axes.groups.sizes[leaf]
        orders: dict[int, Array] = {}
        undone: dict[Obstacle, None] = {}
        for leaf, producers in by_leaf.items():
            order, gathers, self.reasons[leaf] = self._order(leaf, producers, list(undone))
            if order is not None:
                orders[leaf] = order
                undone.update(dict.fromkeys(gathers))
        return orders, tuple(undone)

    def _order(
        self, leaf: int, producers: list[tuple[Node, int]], paid: list[Obstacle]
    ) -> tuple[Array | None, list[Obstacle], str]:
        """An order of a group, the obstacles on its way, and why it is what it is."""
        size, block = self.axes.groups.sizes[leaf], self.options.block
        if size <= block:
            wide = max(node.op.operands[1].shape[0] for node, _ in producers) > block
            reason = f"skips and concatenations tie groups of {size}" if wide else "one block"
            return None, [], f"in order: {reason}"
        if any(first % block for _, first in producers):
            return None, [], "in order: a part of several blocks"
        obstacles = self.obstacles.get(leaf, [])
        fixed = next((obstacle for obstacle in obstacles if not obstacle.undone), None)
        if fixed is not None:
            return None, [], f"in order: {_where(fixed)}"
        if not _cycles(producers) and not self.options.always:
            return None, [], "in order: no kernel reuses sums on so few pixels"
        joint = np.zeros((size, size), np.int64)
        for node, first in producers:
            joint += self.metric(node).distances[first : first + size, first : first + size]
        bits = sum(self.metric(node).bits for node, _ in producers)
        worth = 0 if self.options.always else WORTH
        order, saved = tight_order(joint, bits, block, worth)
        if not saved:
            return None, [], "in order: no other is tighter"
        new = [obstacle for obstacle in obstacles if obstacle not in paid]
        moved = sum(flat_size(value.shape) for value in {obstacle.value: 0 for obstacle in new})
        if moved * _GATHERED > saved * _cycles(producers) and not self.options.always:
            return None, [], f"in order: {_where(new[0])}; to undo it costs more than it saves"
        reason = f"reordered, put back where {_where(obstacles[0])}" if obstacles else "reordered"
        return order, obstacles, reason

    def reason(self, node: Node, orders: dict[int, Array]) -> str:
        """Why a layer's channels are in the order that they are in."""
        leaves = self.axes.leaves(node.result)
        moved = [leaf for leaf in leaves if leaf in orders]
        return self.reasons[(moved or list(leaves))[0]]


def _cycles(producers: list[tuple[Node, int]]) -> float:
    """Of one term of one channel at all positions; only convolutions of large maps save any."""
    positions = [
        flat_size(node.result.shape[:1]) * flat_size(node.result.shape[2:])
        for node, _ in producers
        if isinstance(node.op, BinaryConv)
    ]
    return _ADDITION * max((-(-p // LANES) for p in positions if p >= FEWEST), default=0)


def _where(obstacle: Obstacle) -> str:
    """Which node keeps an order, and why."""
    name = obstacle.node.describe() if obstacle.node else f"%{obstacle.value.name}"
    return f"{name}: {obstacle.reason}"
