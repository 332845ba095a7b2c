"""A graph laid out for a narrow page: one row for each item, edges between neighbours straight, all
others in lanes at the side.

Layers, inputs and outputs are items. So is a run of other operators, each of which except the last
is read only by the next one: one line names them (``batch_norm, add, sign``). Rows follow the
longest path to an output, so that a chain stays together; items off the longest path are marked as
aside.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...ir import Graph, Node, Value


@dataclass(eq=False)
class Item:
    """One row. ``title`` names it, ``layer`` numbers the layer it stands for, if any, and
    ``sources`` are the items that it reads, each once."""

    kind: str
    """``input``, ``output``, ``layer`` or ``operators``."""
    title: str
    operators: list[str] = field(default_factory=list[str])
    layer: int | None = None
    sources: list[Item] = field(default_factory=list["Item"])
    aside: bool = False


@dataclass(frozen=True)
class Edge:
    """From one row to a later one; ``lane`` counts from the rows outwards, None between
    neighbours."""

    source: int
    target: int
    lane: int | None


@dataclass(frozen=True)
class Drawing:
    """Items in the order of their rows, edges, and how many lanes there are."""

    items: tuple[Item, ...]
    edges: tuple[Edge, ...]
    lanes: int


def draw(graph: Graph, layers: Mapping[Node, int]) -> Drawing:
    """Lay out a graph; ``layers`` numbers its layers."""
    items = _in_rows(_items(graph, layers))
    rows = {item: row for row, item in enumerate(items)}
    edges, lanes = _edges(items, rows)
    return Drawing(tuple(items), tuple(edges), lanes)


def draw_list(titles: Sequence[str]) -> Drawing:
    """Layers one below the other, for artifacts, which do not contain the graph between them."""
    return Drawing(tuple(Item("layer", title, layer=i) for i, title in enumerate(titles)), (), 0)


def _items(graph: Graph, layers: Mapping[Node, int]) -> list[Item]:
    from ...ir.ops import Const

    item_of: dict[Value, Item] = {value: Item("input", value.name) for value in graph.inputs}
    items = list(item_of.values())
    gone: set[Item] = set()
    for node in graph.nodes:
        if isinstance(node.op, Const):
            continue
        read = list(dict.fromkeys(v for v in node.op.operands if v in item_of))
        if node in layers:
            item = Item("layer", _name(node), layer=layers[node])
            runs: list[Item] = []
        else:
            runs = [item_of[v] for v in read if _continues(graph, item_of[v], v)]
            item = runs[0] if runs else Item("operators", _name(node))
            for other in runs[1:]:
                item.operators += other.operators
                item.sources += other.sources
                gone.add(other)
            item.operators.append(node.op.mnemonic())
        item.sources += [item_of[v] for v in read if item_of[v] not in runs]
        item.sources = list(dict.fromkeys(item.sources))
        item_of.update(dict.fromkeys(node.results, item))
        if item not in runs:
            items.append(item)
    for output in graph.outputs:
        source = [item_of[output.value]] if output.value in item_of else []
        items.append(Item("output", output.name, sources=source))
    return [item for item in items if item not in gone]


def _continues(graph: Graph, item: Item, value: Value) -> bool:
    """Whether the only reader of a value may join the run that computes it: no other path leads
    from the run to the reader, so that joining them closes no cycle."""
    node = graph.producers.get(value)
    alone = node is not None and len(node.results) == 1 and graph.only_user(value) is not None
    return alone and item.kind == "operators"


def _name(node: Node) -> str:
    return node.origin[0] if node.origin else node.results[0].name


def _in_rows(items: list[Item]) -> list[Item]:
    """Items in an order in which sources come first and chains stay together, the longest path
    marked."""
    readers: dict[Item, list[Item]] = {item: [] for item in items}
    for item in items:
        for source in item.sources:
            readers[source].append(item)
    height = _heights(items, readers)
    waiting = {item: len(item.sources) for item in items}
    # The item that became ready last is next: of several, the one with the longest path.
    ready = sorted((i for i in items if not i.sources), key=lambda i: height[i])
    rows: list[Item] = []
    while ready:
        item = ready.pop()
        rows.append(item)
        for reader in sorted(readers[item], key=lambda i: height[i]):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    _mark(rows, readers, height)
    return rows


def _heights(items: list[Item], readers: Mapping[Item, list[Item]]) -> dict[Item, int]:
    """Items on the longest path from each to an output."""
    height: dict[Item, int] = {}
    left = {item: len(readers[item]) for item in items}
    ahead = [item for item in items if not readers[item]]
    for item in ahead:
        height[item] = 1 + max((height[r] for r in readers[item]), default=0)
        for source in item.sources:
            left[source] -= 1
            if not left[source]:
                ahead.append(source)
    return height


def _mark(rows: list[Item], readers: Mapping[Item, list[Item]], height: Mapping[Item, int]) -> None:
    item = max(rows, key=lambda i: height[i], default=None)
    longest: set[Item] = set()
    while item is not None:
        longest.add(item)
        item = max(readers[item], key=lambda i: height[i], default=None)
    for item in rows:
        item.aside = item not in longest and item.kind in ("layer", "operators")


def _edges(items: Sequence[Item], rows: Mapping[Item, int]) -> tuple[list[Edge], int]:
    """All edges by target; those of one source share a lane, short ones keep next to the rows."""
    far: dict[int, int] = {}
    pairs = [(rows[source], rows[item]) for item in items for source in item.sources]
    for source, target in pairs:
        if target != source + 1:
            far[source] = max(far.get(source, 0), target)
    lanes: list[list[tuple[int, int]]] = []
    lane_of: dict[int, int] = {}
    for source, last in sorted(far.items(), key=lambda span: (span[1] - span[0], span[0])):
        lane = next((n for n, spans in enumerate(lanes) if _fits(spans, source, last)), len(lanes))
        if lane == len(lanes):
            lanes.append([])
        insort(lanes[lane], (source, last))
        lane_of[source] = lane
    edges = [Edge(a, b, lane_of[a] if b != a + 1 else None) for a, b in pairs]
    return edges, len(lanes)


def _fits(spans: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether a span of rows meets none of the disjoint spans of a lane."""
    at = bisect_right(spans, (first, last))
    before = at == 0 or spans[at - 1][1] <= first
    return before and (at == len(spans) or spans[at][0] >= last)
