"""What is computed twice is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir import Graph, Stage
from ..ir.common_subexpressions import merge_equal
from .manager import Context, Pass


@dataclass(frozen=True)
class CommonSubexpressions(Pass):
    """Merge equal operators over equal operands, and equal constants.

    Before:
        input %x: f32[N,2]
        %a = const() data=[1, 2] element=f32 : f32[2]
        %b = const() data=[1, 2] element=f32 : f32[2]
        %p = mul(%x, %a) : f32[N,2]
        %q = mul(%x, %b) : f32[N,2]
        %y = add(%p, %q) : f32[N,2]
        output %y as "y"
    After:
        %a = const() data=[1, 2] element=f32 : f32[2]
        %p = mul(%x, %a) : f32[N,2]
        %y = add(%p, %p) : f32[N,2]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED, Stage.BINARIZED)

    def run(self, graph: Graph, context: Context) -> Graph:
        return merge_equal(graph)
