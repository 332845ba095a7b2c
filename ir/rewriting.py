"""Pattern rewriting: local rules applied in graph order until none fires, and dead-code removal.

A walk goes through nodes in graph order and hands each to the rules, its operands current. A rule
looks upstream at what has been built so far, and downstream (who reads a value, whether it leaves
the graph) at the graph that the walk began with. There are two ways to walk:

- `Rewriter.walk` once over all nodes, for the frontend's patterns: what they prove (bounds, cells),
  they prove of the graph as it was.
- `rewrite` in rounds until no rule fires, for passes made of rules. The first round walks over all
  nodes, a further one over those that are new or where a rule asked what has another answer now:
  rules ask the rewriter for producers and readers, and it remembers who asked. So a graph costs
  what its rules change, not rounds times nodes, and a round gives what a walk over all would give:
  the same nodes, names and order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import PassError
from .core import Builder, Graph, Node, Op, Output, Value
from .ops import Const

OpType = TypeVar("OpType", bound=Op)
_MOST_REPEATS = 200
"""Rewritings, beyond one for each node of a graph, that may lead from a node to another one."""
_ROOM = 1 << 256
"""Distance of neighbours: room for the nodes that take a node's place, and for theirs."""
_LEAST_ROOM = 1 << 64


@dataclass
class Rewriter(Builder):
    """A builder that knows the nodes built so far, for rules that look upstream."""

    source: Graph = field(default_factory=lambda: Graph("empty", (), (), ()))
    producers: dict[Value, Node] = field(default_factory=dict[Value, Node])

    @classmethod
    def over(cls, graph: Graph) -> Rewriter:
        """An empty rewriter for ``graph``."""
        return cls(names=Builder.over(graph).names, source=graph)

    def add_all(self, op: Op, *args: Any, **kwargs: Any) -> tuple[Value, ...]:
        results = super().add_all(op, *args, **kwargs)
        self.producers.update((value, self.nodes[-1]) for value in results)
        return results

    def copy(self, node: Node) -> tuple[Value, ...]:
        results = super().copy(node)
        self.producers.update((value, self.nodes[-1]) for value in results)
        return results

    def producer(self, value: Value) -> Node | None:
        """The node that makes a value; None for graph inputs."""
        return self.producers.get(value)

    def op(self, value: Value, kind: type[OpType] | tuple[type[OpType], ...]) -> OpType | None:
        """The operator that makes a value, if it is of this kind, or of one of these."""
        node = self.producer(value)
        return node.op if node is not None and isinstance(node.op, kind) else None

    def array(self, value: Value | None) -> Any:
        """Contents of a constant, or None."""
        const = self.op(value, Const) if value is not None else None
        return const.array if const else None

    def const(self, array: Any, hint: str, origin: Sequence[str] = ()) -> Value:
        """A new constant."""
        return self.add(Const.of(array), hint, origin)

    def users(self, value: Value) -> tuple[Node, ...]:
        """The nodes that read a value, in order, each once."""
        return self.source.users.get(value, ())

    def leaves(self, value: Value) -> bool:
        """True when an output of the graph shows the value."""
        return value in self.source.output_values

    def only_use(self, value: Value) -> bool:
        """True when one node reads the value and it does not leave the graph."""
        return len(self.users(value)) == 1 and not self.leaves(value)

    def ancestor(self, value: Value) -> Value:
        """The value of the source whose rewriting led to this one, or itself."""
        return value

    def fire(self, node: Node, rules: Sequence[Rule]) -> Value | None:
        """What the first rule that fires makes of a node's result, whose name is free meanwhile.
        What a rule added that gives up goes."""
        if len(node.results) != 1:
            return None
        name, start, new = node.result.name, len(self.nodes), None
        for rule in rules:
            self.names.discard(name)
            new = rule(self, node)
            if new is not None:
                break
            for added in self.nodes[start:]:
                self.names.difference_update(value.name for value in added.results)
                self._forget(added)
            del self.nodes[start:]
        self.names.add(name)
        return new

    def _forget(self, node: Node) -> None:
        for value in node.results:
            self.producers.pop(value, None)

    def walk(self, rules: Sequence[Rule]) -> tuple[Graph, bool]:
        """The graph after each node was looked at once, and whether a rule fired."""
        fired = False
        for node in self.source.nodes:
            new = self.fire(Node(node.op.map_operands(self.get), node.results), rules)
            if new is None:
                self.copy(node)
            else:
                self.put(node.result, new)
                fired = True
        return drop_dead(self.finish(self.source)), fired


Rule = Callable[[Rewriter, Node], "Value | None"]
"""Looks at a node whose operands are current; returns what its result becomes, or None."""


def rewrite(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """Apply rules to nodes with one result until none fires; nodes that become dead go.

    A replacement that takes the name hint ``node.result.name`` gets exactly that name. Raises
    PassError when rules go on for ever.
    """
    worklist = _Worklist(graph)
    while worklist.waiting:
        worklist.round(rules)
    return worklist.result()


@dataclass(eq=False)
class _Site:
    """A node of the graph that is rewritten, and where it stands."""

    node: Node
    start: int
    """Nodes are in order of it."""
    room: int
    """Numbers from ``start`` on that no other node has."""
    age: int = 0
    """Rewritings that led to the node."""
    alive: bool = True


_Sites = dict[_Site, None]
"""An ordered set."""


class _Worklist(Rewriter):
    """The state of `rewrite`. During a round ``nodes`` are those that one rule adds, ``_readers``
    and ``_shown`` are of the graph that the round began with, all else is current."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(names=Builder.over(graph).names, source=graph)
        self._sites: _Sites = {}
        self._site_of: dict[Value, _Site] = {}
        self._readers: dict[Value, _Sites] = {}
        self._shown = tuple(output.value for output in graph.outputs)
        self._leaving = graph.output_values
        self._asked_producer: dict[Value, _Sites] = {}
        self._asked_readers: dict[Value, _Sites] = {}
        self._ancestors: dict[Value, Value] = {}
        self._heap: list[int] = []
        self._queue: dict[int, _Site] = {}
        self._before: dict[_Site, Node | None] = {}
        for number, node in enumerate(graph.nodes):
            site = _Site(node, number * _ROOM, _ROOM)
            self._place(site)
            self._read(site)
        self.waiting: _Sites = dict(self._sites)
        self._changed = False
        self._drop([value for node in reversed(graph.nodes) for value in node.results])

    # What rules ask.

    def producer(self, value: Value) -> Node | None:
        self._asked_producer.setdefault(value, {})[self._current] = None
        return super().producer(value)

    def users(self, value: Value) -> tuple[Node, ...]:
        self._asked_readers.setdefault(value, {})[self._current] = None
        readers = sorted(self._readers.get(value, ()), key=lambda site: site.start)
        return tuple(site.node for site in readers)

    def leaves(self, value: Value) -> bool:
        self._asked_readers.setdefault(value, {})[self._current] = None
        return value in self._leaving

    def only_use(self, value: Value) -> bool:
        return not self.leaves(value) and len(self._readers.get(value, ())) == 1

    def ancestor(self, value: Value) -> Value:
        return self._ancestors.get(value, value)

    # A round.

    def round(self, rules: Sequence[Rule]) -> None:
        """Visit the sites that wait, and those after them that see a change."""
        waiting, self.waiting = self.waiting, {}
        self._queue = {site.start: site for site in waiting if site.alive}
        self._heap = sorted(self._queue)
        self._before: dict[_Site, Node | None] = {}
        while self._heap:
            self._visit(self._queue.pop(heapq.heappop(self._heap)), rules)
        self._settle()

    def _visit(self, site: _Site, rules: Sequence[Rule]) -> None:
        self._current, self.nodes = site, []
        node = Node(site.node.op.map_operands(self.get), site.node.results)
        new = self.fire(node, rules)
        if new is not None:
            self._replace(site, new)
            return
        self.copy(site.node)
        if self.nodes[0] is not site.node:
            self._renew(site, self.nodes[0])

    def _replace(self, site: _Site, new: Value) -> None:
        """Let a value, made of the nodes that a rule added, take the place of a site."""
        old = site.node.result
        if site.age > _MOST_REPEATS + len(self.source.nodes):
            raise PassError(
                f"rewriting did not settle: {site.age} rules in a row led to %{old.name}"
            )
        self.put(old, new)
        self._change(site, site.node)
        self._sites.pop(site)
        site.alive = False
        room = site.room // max(1, len(self.nodes))
        for number, node in enumerate(self.nodes):
            added = _Site(node, site.start + number * room, room, site.age + 1)
            self._place(added)
            self._change(added, None)
            self.waiting[added] = None
            self._ancestors.update((value, self.ancestor(old)) for value in node.results)
        self._wake([*self._readers.get(old, ()), *self._asked_producer.get(old, ())])

    def _renew(self, site: _Site, node: Node) -> None:
        """Take note that a site's operands, and perhaps the types of its results, are others."""
        self._change(site, site.node)
        for old, new in zip(site.node.results, node.results, strict=True):
            self._wake(self._asked_producer.get(old, ()))
            if new is not old:
                self._wake(self._readers.get(old, ()))
                self._ancestors[new] = self.ancestor(old)
        site.node = node
        self._place(site)

    def _change(self, site: _Site, before: Node | None) -> None:
        self._before.setdefault(site, before)
        self._changed = True

    def _wake(self, sites: Iterable[_Site]) -> None:
        """Have sites visited: in this round those that are still to come."""
        for site in sites:
            if site.start <= self._current.start:
                self.waiting[site] = None
            elif site.alive and site.start not in self._queue:
                self._queue[site.start] = site
                heapq.heappush(self._heap, site.start)

    # Between rounds.

    def _settle(self) -> None:
        """Bring readers and outputs up to date, drop what is dead, wake who asked about readers."""
        doubtful: list[Value] = []
        for site, before in self._before.items():
            if before is not None:
                self._unread(site, before)
                doubtful += (*before.op.operands, *before.results)
            if site.alive:
                self._read(site)
                doubtful += (*site.node.op.operands, *site.node.results)
        shown = tuple(self.get(value) for value in self._shown)
        doubtful += (
            v
            for pair in zip(self._shown, shown, strict=True)
            for v in pair
            if pair[0] is not pair[1]
        )
        self._shown, self._leaving = shown, frozenset(shown)
        self.replaced.clear()
        for value in doubtful:
            self.waiting.update(self._asked_readers.get(value, ()))
        self._drop(doubtful)
        living = [site for site in self._before if site.alive]
        self.names.update(value.name for site in living for value in site.node.results)
        if min((site.room for site in living), default=_ROOM) < _LEAST_ROOM:
            for number, site in enumerate(self._in_order()):
                site.start, site.room = number * _ROOM, _ROOM

    def _drop(self, doubtful: list[Value]) -> None:
        """Remove sites that nobody reads, among those of some values and of what they read."""
        while doubtful:
            site = self._site_of.get(doubtful.pop())
            if site is None or any(self._needed(value) for value in site.node.results):
                continue
            if site.alive:
                self._unread(site, site.node)
                for value in site.node.op.operands:
                    self.waiting.update(self._asked_readers.get(value, ()))
                    doubtful.append(value)
                self._sites.pop(site)
                self._changed = True
                site.alive = False
            self.names.difference_update(value.name for value in site.node.results)
            self._forget(site.node)

    def _needed(self, value: Value) -> bool:
        return bool(self._readers.get(value)) or value in self._leaving

    def _place(self, site: _Site) -> None:
        self._sites[site] = None
        for value in site.node.results:
            self._site_of[value] = site
            self.producers[value] = site.node

    def _forget(self, node: Node) -> None:
        super()._forget(node)
        for value in node.results:
            for table in (self._site_of, self._asked_producer, self._asked_readers):
                table.pop(value, None)

    def _read(self, site: _Site) -> None:
        for value in site.node.op.operands:
            self._readers.setdefault(value, {})[site] = None

    def _unread(self, site: _Site, node: Node) -> None:
        for value in dict.fromkeys(node.op.operands):
            del self._readers[value][site]

    def _in_order(self) -> list[_Site]:
        return sorted(self._sites, key=lambda site: site.start)

    def result(self) -> Graph:
        """The graph as it is now."""
        if not self._changed:
            return self.source
        nodes = tuple(site.node for site in self._in_order())
        named = zip(self.source.outputs, self._shown, strict=True)
        outputs = tuple(Output(output.name, value) for output, value in named)
        return self.source.replace(nodes=nodes, outputs=outputs)


def drop_dead(graph: Graph) -> Graph:
    """The graph without nodes that no output needs. Graph inputs stay: they are the interface."""
    needed = set(graph.output_values)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(value in needed for value in node.results):
            kept.append(node)
            needed.update(node.op.operands)
    if len(kept) == len(graph.nodes):
        return graph
    return graph.replace(nodes=tuple(reversed(kept)))
