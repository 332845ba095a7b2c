"""Pattern rewriting: local rules applied in graph order until none fires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...errors import PassError
from ...ir import Builder, Graph, Node, Op, Value
from ...ir.ops import Const

OpType = TypeVar("OpType", bound=Op)
_SWEEPS = 200


@dataclass
class Rewriter(Builder):
    """A builder that knows the nodes built so far, for rules that look upstream."""

    source: Graph = field(default_factory=lambda: Graph("empty", (), (), ()))
    made: dict[Value, Node] = field(default_factory=dict[Value, Node])

    @classmethod
    def over(cls, graph: Graph) -> Rewriter:
        """An empty rewriter for ``graph``."""
        return cls(names=Builder.over(graph).names, source=graph)

    def add_all(self, op: Op, *args: Any, **kwargs: Any) -> tuple[Value, ...]:
        results = super().add_all(op, *args, **kwargs)
        self.made.update((value, self.nodes[-1]) for value in results)
        return results

    def copy(self, node: Node) -> tuple[Value, ...]:
        results = super().copy(node)
        self.made.update((value, self.nodes[-1]) for value in results)
        return results

    def op(self, value: Value, kind: type[OpType]) -> OpType | None:
        """The operator that made a value, if it is of this kind."""
        node = self.made.get(value)
        return node.op if node is not None and isinstance(node.op, kind) else None

    def array(self, value: Value | None) -> Any:
        """Contents of a constant, or None."""
        const = self.op(value, Const) if value is not None else None
        return const.array if const else None

    def const(self, array: Any, hint: str, origin: Sequence[str] = ()) -> Value:
        """A new constant."""
        return self.add(Const.of(array), hint, origin)

    def only_use(self, value: Value) -> bool:
        """True when one node reads the value and it does not leave the graph."""
        return self.source.only_user(value) is not None


Rule = Callable[[Rewriter, Node], "Value | None"]
"""Looks at a node whose operands are current; returns what its result becomes, or None."""


def rewrite(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """Apply rules to nodes with one result until none fires; dead nodes are dropped each sweep.

    A replacement that takes the name hint ``node.result.name`` gets exactly that name.
    """
    for _ in range(_SWEEPS):
        graph, fired = _sweep(graph, rules)
        graph = drop_dead(graph)
        if not fired:
            return graph
    raise PassError(f"rewriting did not settle after {_SWEEPS} sweeps")


def _sweep(graph: Graph, rules: Sequence[Rule]) -> tuple[Graph, bool]:
    rw = Rewriter.over(graph)
    fired = False
    for node in graph.nodes:
        current = Node(node.op.map_operands(rw.get), node.results)
        new = _apply(rw, current, rules) if len(node.results) == 1 else None
        if new is None:
            rw.copy(node)
        else:
            rw.put(node.result, new)
            fired = True
    return rw.finish(graph), fired


def _apply(rw: Rewriter, node: Node, rules: Sequence[Rule]) -> Value | None:
    rw.names.discard(node.result.name)
    for rule in rules:
        new = rule(rw, node)
        if new is not None:
            rw.names.add(node.result.name)
            return new
    rw.names.add(node.result.name)
    return None


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
