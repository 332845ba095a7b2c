"""Words or planes: the layouts of bits between regions, where the kernels leave a choice.

Each fused region can be computed in one or more ways, a layout for every map of bits that it reads
or writes; where producer and reader differ, a relayout stands between. What the kernels
and relayouts cost, by the cost model, is minimised exactly, by eliminating one region after
another: for every combination of its neighbours' layouts its own best is kept. Chains and trees
have few neighbours; a region with too many goes its first way, words.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import ClassVar

from ..backends.cost_model import Constants, CostModel, constants_of
from ..ir import Builder, Graph, Layout, Node, Op, Region, Stage, Value
from ..ir.ops import Const, Fused, Relayout
from .manager import Context, Pass

Layouts = Mapping[Value, Layout]
_MOST_VALUES = 4
"""Maps of bits that a region may read and write to have a choice: 2**4 ways."""
_MOST_COMBINATIONS = 256
"""Combinations of ways that are looked at together."""
_NEVER = float("inf")


@dataclass(frozen=True)
class ChooseLayouts(Pass):
    """Give each map of bits the layout in which the whole graph is cheapest.

    Before:
        input %x: f32[N,3,9]
        %w = const() data=random(1) element=bits<1;-1,1> : bits<1;-1,1>[8,3,1]
        %s = fused([%x]) kernel="" {
          (%x: f32[N,3,9])
          %s = binarize(%x) zero=1 : bits<1;-1,1>[N,3,9]@words
          yield %s
        } : bits<1;-1,1>[N,3,9]@words
        %n = fused([%s, %w]) kernel="" {
          (%s: bits<1;-1,1>[N,3,9]@words, %w: bits<1;-1,1>[8,3,1])
          %n = binary_conv(%s, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,8,9]@nhwc
          yield %n
        } : i32[N,8,9]@nhwc
        %y = relayout(%n) layout=row : i32[N,8,9]
        output %y as "y"
    After:
        %s.planes = relayout(%s) layout=planes : bits<1;-1,1>[N,3,9]@planes
        %n = fused([%s.planes, %w]) kernel="" {
          (%s: bits<1;-1,1>[N,3,9]@planes, %w: bits<1;-1,1>[8,3,1])
          %n = binary_conv(%s, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,8,9]@nhwc
          yield %n
        } : i32[N,8,9]@nhwc
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.PACKED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        costs, constants = context.costs_for(self), constants_of(graph)
        edges = _Edges(graph, costs)
        regions = [r for node in graph.nodes if (r := _region(node, costs, constants))]
        return _rewritten(graph, _solve(regions, edges)) if regions else graph


@dataclass(frozen=True)
class _Way:
    """One way to compute a region: its bits' layouts, and what it costs."""

    layouts: Layouts
    cost: float


@dataclass(frozen=True, eq=False)
class _Region:
    """A region with a choice; its first way uses only words."""

    node: Node
    ways: tuple[_Way, ...]


def _region(node: Node, costs: CostModel, constants: Constants) -> _Region | None:
    """The ways to compute a node that some kernel takes, if there are several."""
    values = _choosable(node)
    if not values:
        return None
    ways: list[_Way] = []
    for by_value, laid_out in _variants(node, values):
        priced = costs.cheapest(laid_out.op, constants)
        if priced is not None:
            ways.append(_Way(by_value, priced.cost))
    plain = len(ways) == 1 and Layout.PLANES not in ways[0].layouts.values()
    return _Region(node, tuple(ways)) if ways and not plain else None


def _choosable(node: Node) -> list[Value]:
    """The values whose layouts are a matter of choice, unless they are too many."""
    if not isinstance(node.op, Fused):
        return []
    values = [v for v in (*node.op.xs, *node.results) if _has_choice(v)]
    values = list(dict.fromkeys(values))
    return values if len(values) <= _MOST_VALUES else []


def _variants(node: Node, values: Sequence[Value]) -> Iterator[tuple[Layouts, Node]]:
    """A node in every combination of layouts of some values; words alone come first."""
    for layouts in itertools.product((Layout.WORDS, Layout.PLANES), repeat=len(values)):
        by_value = dict(zip(values, layouts, strict=True))
        new = {v: _laid_out(v, by_value[v]) for v in values}
        yield by_value, _over(node, new, [new.get(v, v) for v in node.results])


def asked_about(graph: Graph) -> Iterator[Op]:
    """The operators whose costs are asked when a graph's layouts and kernels are chosen."""
    for node in graph.nodes:
        if not isinstance(node.op, Const):
            yield from (variant.op for _, variant in _variants(node, _choosable(node)))


def _has_choice(value: Value) -> bool:
    return value.type.is_binary and value.type.layout is Layout.WORDS and value.type.rank > 2


def _laid_out(value: Value, layout: Layout) -> Value:
    """The value itself where it lies so already."""
    if value.type.layout is layout:
        return value
    return replace(value, type=value.type.with_layout(layout))


def _over(node: Node, operands: Mapping[Value, Value], results: Sequence[Value]) -> Node:
    """A node over other operands and with other results; its region follows their layouts."""
    op = node.op.map_operands(lambda v: operands.get(v, v))
    if isinstance(op, Fused):
        body = op.body
        outside = zip((*body.params, *body.results), (*op.xs, *results), strict=True)
        new = {inner: _laid_out(inner, value.type.layout) for inner, value in outside}

        def get(value: Value) -> Value:
            return new.get(value, value)

        nodes = tuple(
            Node(inner.op.map_operands(get), tuple(map(get, inner.results))) for inner in body.nodes
        )
        op = replace(
            op, body=Region(tuple(map(get, body.params)), nodes, tuple(map(get, body.results)))
        )
    return Node(op, tuple(results))


class _Edges:
    """What relayouts cost between the regions of a graph."""

    def __init__(self, graph: Graph, costs: CostModel) -> None:
        self.graph = graph
        self.costs = costs
        self._known: dict[tuple[Value, Layout], float] = {}

    def relayout(self, value: Value, old: Layout, new: Layout) -> float:
        """What it costs to turn one layout into another."""
        if old is new:
            return 0.0
        if (value, new) not in self._known:
            priced = self.costs.cheapest(Relayout(_laid_out(value, old), new))
            self._known[value, new] = _NEVER if priced is None else priced.cost
        return self._known[value, new]

    def cost(self, value: Value, chosen: Mapping[Node, Layouts]) -> float:
        """The relayouts of a value: one for each layout that its readers want and its producer does
        not write. Nodes without a choice keep to words."""
        producer = self.graph.producers.get(value)
        written = chosen.get(producer, {}).get(value, Layout.WORDS) if producer else Layout.WORDS
        wanted = {
            chosen.get(user, {}).get(value, Layout.WORDS): None
            for user in self.graph.users.get(value, ())
        }
        return sum(self.relayout(value, written, layout) for layout in wanted)


@dataclass(frozen=True)
class _Table:
    """The least cost of something, for every combination of the ways of some regions."""

    regions: tuple[_Region, ...]
    costs: Mapping[tuple[int, ...], float]

    def at(self, ways: Mapping[_Region, int]) -> float:
        """The entry for a combination that names at least these regions."""
        return self.costs[tuple(ways[region] for region in self.regions)]


@dataclass(frozen=True)
class _Best:
    """The best way of an eliminated region, for every combination of its neighbours' ways."""

    region: _Region
    around: tuple[_Region, ...]
    ways: Mapping[tuple[int, ...], int]


def _combinations(regions: Sequence[_Region]) -> list[dict[_Region, int]]:
    numbers = itertools.product(*(range(len(region.ways)) for region in regions))
    return [dict(zip(regions, ways, strict=True)) for ways in numbers]


def _solve(regions: Sequence[_Region], edges: _Edges) -> dict[Node, Layouts]:
    """The layouts of the cheapest combination of ways."""
    regions = _limited(regions, edges.graph)
    own = [_Table((r,), {(i,): w.cost for i, w in enumerate(r.ways)}) for r in regions]
    tables = _Tables([*own, *_relayouts(regions, edges)])
    sizes = {region: tables.size(region) for region in regions}
    places = {region: i for i, region in enumerate(regions)}
    waiting = sorted((size, places[region]) for region, size in sizes.items())
    done: list[_Best] = []
    while waiting:
        size, place = heappop(waiting)
        region = regions[place]
        if sizes.get(region) != size:
            continue  # eliminated, or another size by now
        del sizes[region]
        own = tables.take(region)
        best, new = _eliminate(region, own)
        done.append(best)
        tables.add(new)
        for other in _around(region, own):
            if (changed := tables.size(other)) != sizes[other]:
                sizes[other] = changed
                heappush(waiting, (changed, places[other]))
    ways: dict[_Region, int] = {}
    for best in reversed(done):
        ways[best.region] = best.ways[tuple(ways[region] for region in best.around)]
    return {region.node: region.ways[way].layouts for region, way in ways.items()}


class _Tables:
    """Tables by their regions, each region's in the order in which they were made."""

    def __init__(self, tables: Sequence[_Table]) -> None:
        self._of: dict[_Region, list[_Table]] = {}
        self.add(tables)

    def add(self, tables: Sequence[_Table]) -> None:
        """More tables."""
        for table in tables:
            for region in table.regions:
                self._of.setdefault(region, []).append(table)

    def take(self, region: _Region) -> list[_Table]:
        """The tables of a region, which are gone then."""
        own = self._of.pop(region)
        for other in _around(region, own):
            self._of[other] = [table for table in self._of[other] if region not in table.regions]
        return own

    def size(self, region: _Region) -> int:
        """Combinations of the ways of those that share a table with a region."""
        return _size(_around(region, self._of[region]))


def _limited(regions: Sequence[_Region], graph: Graph) -> list[_Region]:
    """The same regions; of many that share a value, the last ones keep only their first way."""
    by_node = {region.node: region for region in regions}
    for region in regions:
        for value in region.ways[0].layouts:
            nodes = [n for n in _touching(value, graph) if n in by_node]
            for node in reversed(nodes):
                if _size([by_node[n] for n in nodes]) > _MOST_COMBINATIONS:
                    by_node[node] = _Region(node, by_node[node].ways[:1])
    return list(by_node.values())


def _touching(value: Value, graph: Graph) -> list[Node]:
    """The producer and the readers of a value."""
    producer = graph.producers.get(value)
    return [*([producer] if producer else []), *graph.users.get(value, ())]


def _size(regions: Sequence[_Region]) -> int:
    return math.prod(len(region.ways) for region in regions)


def _relayouts(regions: Sequence[_Region], edges: _Edges) -> list[_Table]:
    """For each value that a region chooses for, the relayouts that its users' ways need."""
    by_node = {region.node: region for region in regions}
    values = dict.fromkeys(v for region in regions for v in region.ways[0].layouts)
    tables: list[_Table] = []
    for value in values:
        around = tuple(by_node[n] for n in _touching(value, edges.graph) if n in by_node)
        costs = {
            tuple(ways.values()): edges.cost(
                value, {region.node: region.ways[way].layouts for region, way in ways.items()}
            )
            for ways in _combinations(around)
        }
        tables.append(_Table(around, costs))
    return tables


def _around(region: _Region, own: Sequence[_Table]) -> tuple[_Region, ...]:
    """The regions that a region's own tables are about, without itself."""
    regions = dict.fromkeys(r for table in own for r in table.regions)
    return tuple(r for r in regions if r is not region)


def _eliminate(region: _Region, own: Sequence[_Table]) -> tuple[_Best, list[_Table]]:
    """What stands for the tables of a region: one without it, which holds what its best way
    costs."""
    around = _around(region, own)
    if _size(around) > _MOST_COMBINATIONS:
        return _Best(region, (), {(): 0}), [_with_first_way(region, table) for table in own]
    tries = range(len(region.ways))
    best: dict[tuple[int, ...], int] = {}
    costs: dict[tuple[int, ...], float] = {}
    for ways in _combinations(around):
        sums = [sum(table.at({**ways, region: way}) for table in own) for way in tries]
        key = tuple(ways.values())
        best[key] = min(tries, key=sums.__getitem__)
        costs[key] = sums[best[key]]
    return _Best(region, around, best), [_Table(around, costs)]


def _with_first_way(region: _Region, table: _Table) -> _Table:
    """A table without a region, which goes its first way."""
    at = table.regions.index(region)
    kept = {k[:at] + k[at + 1 :]: cost for k, cost in table.costs.items() if k[at] == 0}
    return _Table(table.regions[:at] + table.regions[at + 1 :], kept)


def _rewritten(graph: Graph, chosen: Mapping[Node, Layouts]) -> Graph:
    """The graph in the chosen layouts, a relayout before the first reader that needs it."""
    builder = Builder.over(graph)
    new: dict[Value, Value] = {}
    converted: dict[tuple[Value, Layout], Value] = {}

    def read(value: Value, layout: Layout) -> Value:
        current = new.get(value, value)
        if current.type.layout is layout or not _has_choice(value):
            return current
        if (value, layout) not in converted:
            type_ = current.type.with_layout(layout)
            hint = f"{value.name}.{layout.value}"
            (converted[value, layout],) = builder.add_all(
                Relayout(current, layout), hint, value.origin, [type_]
            )
        return converted[value, layout]

    for node in graph.nodes:
        layouts = chosen.get(node, {})
        operands = {v: read(v, layouts.get(v, v.type.layout)) for v in node.op.operands}
        new.update((v, _laid_out(v, layouts.get(v, v.type.layout))) for v in node.results)
        builder.nodes.append(_over(node, operands, [new[v] for v in node.results]))
    return builder.finish(graph)
