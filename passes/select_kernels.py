"""Choose a kernel for every region and refuse, all at once, what no kernel computes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..backends.cost_model import Constants, CostModel, constants_of
from ..backends.interface import Choice
from ..errors import LoweringError
from ..ir import Graph, Node, Stage
from ..ir.ops import Const, Fused
from .manager import Context, Pass


@dataclass(frozen=True)
class SelectKernels(Pass):
    """Name the cheapest kernel that takes each region, by the cost model.

    Before:
        input %x: f32[N,4]
        %y = fused([%x]) kernel="" {
          (%x: f32[N,4])
          %y = relu(%x) : f32[N,4]
          yield %y
        } : f32[N,4]
        output %y as "y"
    After:
        %y = fused([%x]) kernel="fused" {
          (%x: f32[N,4])
          %y = relu(%x) : f32[N,4]
          yield %y
        } : f32[N,4]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.PACKED,)
    establishes: ClassVar[Stage | None] = Stage.SCHEDULED

    def run(self, graph: Graph, context: Context) -> Graph:
        costs, constants = context.costs_for(self), constants_of(graph)
        problems: list[str] = []
        nodes: list[Node] = []
        for node in graph.nodes:
            if isinstance(node.op, Const):
                nodes.append(node)
                continue
            kernel = _cheapest(node, costs, constants, problems)
            if isinstance(node.op, Fused) and kernel is not None:
                node = Node(replace(node.op, kernel=str(kernel)), node.results)
            nodes.append(node)
        if problems:
            many = f"{len(problems)} nodes: " if len(problems) > 1 else ""
            raise LoweringError(f"no kernel for {many}{'; '.join(problems)}")
        return graph.replace(nodes=tuple(nodes))


def _cheapest(
    node: Node, costs: CostModel, constants: Constants, problems: list[str]
) -> Choice | None:
    """The cheapest way to compute a node; appends to ``problems`` when there is none."""
    priced = costs.cheapest(node.op, constants)
    if priced is not None:
        return priced.choice
    why = "; ".join(costs.refusals(node.op)) or "the backend has none"
    problems.append(f"{node.describe()}: {why}")
    return None
