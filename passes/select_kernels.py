"""Choose a kernel for every region and refuse, all at once, what no kernel computes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..backends.interface import Choice, kernels_for
from ..errors import LoweringError, PassError
from ..ir import Graph, Node, Stage
from ..ir.ops import Const, Fused
from .manager import Context, Pass
from .support.cost import cheapest


@dataclass(frozen=True)
class SelectKernels(Pass):
    """Name the cheapest kernel that takes each region, by the descriptors' own estimates.

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
        if context.target is None:
            raise PassError(f"{self.name()} needs a target")
        problems: list[str] = []
        nodes: list[Node] = []
        for node in graph.nodes:
            kernel = None if isinstance(node.op, Const) else choose(node, context, problems)
            if isinstance(node.op, Fused) and kernel is not None:
                node = Node(replace(node.op, kernel=str(kernel)), node.results)
            nodes.append(node)
        if problems:
            many = f"{len(problems)} nodes: " if len(problems) > 1 else ""
            raise LoweringError(f"no kernel for {many}{'; '.join(problems)}")
        return graph.replace(nodes=tuple(nodes))


def choose(node: Node, context: Context, problems: list[str]) -> Choice | None:
    """The cheapest way to compute a node; appends to ``problems`` when there is none."""
    assert context.target is not None
    op = node.op
    priced = cheapest(op, context)
    if priced is not None:
        return priced.choice
    refusals = [k.refuses(op, context.target) for k in kernels_for(op, context.kernels)]
    why = "; ".join(r for r in refusals if r) or "the backend has none"
    problems.append(f"{node.describe()}: {why}")
    return None
