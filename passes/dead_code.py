"""Drop what no output needs."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Graph
from ..ir.rewriting import drop_dead
from .manager import Context, Pass


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
