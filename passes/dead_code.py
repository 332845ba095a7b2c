"""Drop what no output needs."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Graph
from .manager import Context, Pass
from .support.rewrite import drop_dead


@dataclass(frozen=True)
class DeadCode(Pass):
    """Remove nodes whose results nobody reads.

    Before:
        input %x: f32[N,4]
        %a = relu(%x) : f32[N,4]
        %b = neg(%x) : f32[N,4]
        output %b as "y"
    After:
        %b = neg(%x) : f32[N,4]
        output %b as "y"
    """

    def run(self, graph: Graph, context: Context) -> Graph:
        return drop_dead(graph)
