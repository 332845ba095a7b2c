"""Pattern rewriting: local rules applied in graph order until none fires, and dead-code removal.

A rule looks upstream at what has been built so far, and asks the graph that the walk began with who
reads a value. The frontend's patterns take one walk (`Rewriter.walk`), since what they prove, they
prove of the graph as it was; passes made of rules take as many as it needs (`rewrite`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import PassError
from .core import Builder, Graph, Node, Op, Value
from .ops import Const

OpType = TypeVar("OpType", bound=Op)
_SWEEPS = 200


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

    def op(self, value: Value, kind: type[OpType]) -> OpType | None:
        """The operator that makes a value, if it is of this kind."""
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

    def fire(self, node: Node, rules: Sequence[Rule]) -> Value | None:
        """What the first rule that fires makes of a node's result; the name is free meanwhile."""
        if len(node.results) != 1:
            return None
        self.names.discard(node.result.name)
        new = next((new for rule in rules if (new := rule(self, node)) is not None), None)
        self.names.add(node.result.name)
        return new

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
    """Apply rules to nodes with one result until none fires; dead nodes are dropped each sweep.

    A replacement that takes the name hint ``node.result.name`` gets exactly that name.
    """
    for _ in range(_SWEEPS):
        graph, fired = Rewriter.over(graph).walk(rules)
        if not fired:
            return graph
    raise PassError(f"rewriting did not settle after {_SWEEPS} sweeps")


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
