"""Channels put in another order and negated, with all constants that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...ir import F32, Array, Element, Graph, Node, Op, Output, Value
from ...ir.ops import (
    Add,
    BatchNorm,
    BinaryConv,
    BinaryGemm,
    Cast,
    Const,
    Conv,
    Gather,
    Gemm,
    Mul,
    Threshold,
)
from ...ir.rewriting import Rewriter, drop_dead
from .channel_groups import Axes, Obstacle
from .spanning_tree import Forest

_LOWEST, _HIGHEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max


@dataclass(frozen=True)
class Changes:
    """New orders of groups of channels; the obstacles before which a Gather puts them back; and
    the forests of layers, in the new order."""

    axes: Axes
    orders: Mapping[int, Array]
    undone: tuple[Obstacle, ...]
    forests: Mapping[Node, Forest]


@dataclass(frozen=True)
class Moved:
    """How a value is held: its entries along ``axis`` in the order of ``index`` (None: as they
    were), times ``signs`` (None: all +1)."""

    axis: int
    index: Array | None
    signs: Array | None

    def __call__(self, array: Array) -> Array:
        """The value as it is held now, from what it was."""
        if self.index is not None:
            array = np.take(array, self.index, self.axis)
        if self.signs is not None:
            signs = self.signs.astype(array.dtype)
            array = array * signs.reshape(-1, *[1] * (array.ndim - self.axis - 1))
        return array


def moved(graph: Graph, changes: Changes) -> dict[str, Moved]:
    """The values that `apply` holds otherwise, by name."""
    signs: dict[Value, Array] = {}
    for layer, forest in changes.forests.items():
        if (forest.signs < 0).any():
            casts = [u for u in graph.users.get(layer.result, ()) if isinstance(u.op, Cast)]
            signs.update(dict.fromkeys([layer.result, *(c.result for c in casts)], forest.signs))
    by_name: dict[str, Moved] = {}
    for value, axis in changes.axes.of.items():
        index = changes.axes.index(value, changes.orders)
        if index is not None or value in signs:
            by_name[value.name] = Moved(axis.position, index, signs.get(value))
    return by_name


def takes_signs(graph: Graph, layer: Node) -> bool:
    """Whether all that reads a layer's counts absorbs a sign per channel, exact in every bit."""
    return layer.result not in graph.output_values and all(
        isinstance(user.op, Threshold) or _scales(graph, user) is not None
        for user in graph.users.get(layer.result, ())
    )


def _scales(graph: Graph, cast: Node) -> tuple[Node, ...] | None:
    """The multiplications by finite constants that read a count as floats, if nothing else does and
    what follows each does not tell -0 from +0."""
    if not isinstance(cast.op, Cast) or cast.op.to != F32 or cast.result in graph.output_values:
        return None
    users = graph.users.get(cast.result, ())
    fit = (_finite_factor(graph, user) and _forgets(graph, user.result) for user in users)
    return users if all(fit) else None


def _finite_factor(graph: Graph, node: Node) -> bool:
    """Whether a node multiplies one value by a finite constant."""
    arrays = [_array(graph, v) for v in node.op.operands]
    known = [array for array in arrays if array is not None]
    return isinstance(node.op, Mul) and len(known) == 1 and bool(np.isfinite(known[0]).all())


def _array(graph: Graph, value: Value) -> Any:
    op = graph.producer_op(value)
    return op.array if isinstance(op, Const) else None


def _forgets(graph: Graph, value: Value) -> bool:
    """Whether nothing after a float value tells -0 from +0: what is added is not -0, or it is
    compared."""
    if value in graph.output_values:
        return False
    return all(_forgets_at(graph, user, value) for user in graph.users.get(value, ()))


def _forgets_at(graph: Graph, user: Node, value: Value) -> bool:
    op = user.op
    if op.jumps and user.result.element.dtype.kind != "f":
        return True
    if isinstance(op, Add):
        other = _array(graph, op.b if op.a is value else op.a)
        return other is not None and not np.any((other == 0) & np.signbit(other))
    return _finite_factor(graph, user) and _forgets(graph, user.result)


def apply(graph: Graph, changes: Changes) -> Graph:
    """The graph with its channels in the new orders, outputs unchanged in every bit."""
    return _Apply(graph, changes).graph()


@dataclass
class _Apply:
    source: Graph
    changes: Changes
    rw: Rewriter = field(init=False)

    def __post_init__(self) -> None:
        self.rw = Rewriter.over(self.source)
        self.added: dict[tuple[Any, ...], Value] = {}
        self.signs: dict[Value, Array] = {}
        """±1 for each channel of counts, and of these counts as floats."""
        self.undone = {
            (obstacle.value, obstacle.node): obstacle for obstacle in self.changes.undone
        }

    def graph(self) -> Graph:
        """Every node with its constants in order."""
        for node in self.source.nodes:
            op = node.op if isinstance(node.op, Const) else self._reordered(node)
            self.rw.nodes.append(node if op is node.op else Node(op, node.results))
        outputs = tuple(Output(o.name, self._read(o.value, None)) for o in self.source.outputs)
        nodes = tuple(self.rw.nodes)
        return drop_dead(replace(self.source, nodes=nodes, outputs=outputs))

    def _read(self, value: Value, node: Node | None) -> Value:
        """A value as a reader wants it: in the old order where it depends on that."""
        index = self._index(value) if (value, node) in self.undone else None
        if index is None:
            return value
        if (value,) not in self.added:
            indices = self.rw.const(np.argsort(index), f"{value.name}.places")
            back = Gather(value, indices, self.changes.axes.of[value].position)
            self.added[value,] = self.rw.add(back, f"{value.name}.in_order", value.origin)
        return self.added[value,]

    def _index(self, value: Value) -> Array | None:
        return self.changes.axes.index(value, self.changes.orders)

    def _reordered(self, node: Node) -> Op:
        op = node.op.map_operands(lambda value: self._read(value, node))
        if isinstance(op, (BinaryConv, BinaryGemm)):
            return self._binary(node, op)
        if isinstance(op, (Conv, Gemm)):
            index = self._index(node.result)
            bias = None if op.bias is None else self._taken(op.bias, index, 0)
            return op if index is None else replace(op, w=self._taken(op.w, index, 0), bias=bias)
        if isinstance(op, (Threshold, BatchNorm)):
            axis = self.changes.axes.of.get(node.result)
            index = self._index(node.result) if axis and axis.position == 1 else None
            kept = op.map_operands(lambda v: v if v is op.x else self._taken(v, index, 0))
            return self._turned_threshold(kept) if isinstance(kept, Threshold) else kept
        return self._elementwise(node, op) if op.elementwise else op

    def _taken(self, value: Value, index: Array | None, axis: int) -> Value:
        """A constant with an axis in another order."""
        if index is None:
            return value
        key = (value, axis, index.tobytes())
        if key not in self.added:
            self.added[key] = self._const(
                value, np.take(_array(self.source, value), index, axis), value.element
            )
        return self.added[key]

    def _array(self, value: Value) -> Any:
        array = self.rw.array(value)
        return _array(self.source, value) if array is None else array

    def _const(self, old: Value, array: Array, element: Element) -> Value:
        return self.rw.add(Const.of(array, element), f"{old.name}.reordered", old.origin)

    def _binary(self, node: Node, op: BinaryConv | BinaryGemm) -> Op:
        """Weights in the order of inputs and outputs, negated, with parents."""
        weights = _array(self.source, op.w)
        if weights is None:
            return op
        changed = self._rows(weights, self._index(op.x), getattr(op, "groups", 1))
        index = self._index(node.result)
        changed = changed if index is None else changed[index]
        forest = self.changes.forests.get(node)
        if forest is not None:
            assert isinstance(op, BinaryConv)
            parents, distances = forest.parents.tolist(), forest.distances.tolist()
            op = replace(op, parents=tuple(parents), distances=tuple(distances))
            if (forest.signs < 0).any():
                self.signs[node.result] = forest.signs
                flipped = (forest.signs < 0).reshape(-1, *[1] * (changed.ndim - 1))
                changed = changed ^ flipped.astype(np.uint8)
        if changed is weights:
            return op
        return replace(op, w=self._const(op.w, changed, op.w.element))

    def _rows(self, weights: Array, index: Array | None, groups: int) -> Array:
        """Weights [O, C / groups, ..] with their inputs in order."""
        if index is None:
            return weights
        if weights.shape[1] == 1 and groups > 1:
            return weights  # its inputs are its outputs
        per_group = weights.shape[1]
        parts = weights.reshape(groups, -1, *weights.shape[1:])
        taken = [
            np.take(part, index[g * per_group : (g + 1) * per_group] - g * per_group, 1)
            for g, part in enumerate(parts)
        ]
        return np.concatenate(taken)

    def _turned_threshold(self, op: Threshold) -> Threshold:
        """-n >= t is not n >= 1 - t."""
        signs = self.signs.get(op.x)
        if signs is None:
            return op
        thresholds, flip = self._array(op.thresholds), self._array(op.flip)
        turned = np.clip(1 - thresholds.astype(np.int64), _LOWEST, _HIGHEST).astype(np.int32)
        thresholds = np.where(signs < 0, turned, thresholds)
        return replace(
            op,
            thresholds=self._const(op.thresholds, thresholds, op.thresholds.element),
            flip=self._const(op.flip, flip ^ (signs < 0), op.flip.element),
        )

    def _elementwise(self, node: Node, op: Op) -> Op:
        """Constants in the order of the result's channels, and with the signs of a count."""
        axis = self.changes.axes.of.get(node.result)
        if axis is None:
            return op
        index = self._index(node.result)
        place = axis.position - node.result.type.rank
        signs = next((self.signs[v] for v in op.operands if v in self.signs), None)
        if signs is not None and isinstance(op, Cast):
            self.signs[node.result] = signs

        def follow(value: Value) -> Value:
            array = _array(self.source, value)
            if array is None:
                return value
            varies = array.ndim >= -place and array.shape[place] > 1
            value = self._taken(value, index, array.ndim + place) if varies else value
            if signs is None:
                return value
            array = array if index is None or not varies else np.take(array, index, place)
            turned = array * signs.astype(array.dtype).reshape(-1, *[1] * (-place - 1))
            return self._const(value, turned, value.element)

        return op.map_operands(follow)
