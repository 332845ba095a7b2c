"""Evaluate what depends on constants alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import VerifyError
from ..ir import Graph, Node, Op, Stage
from ..ir.core import Data
from ..ir.ops import Const, Gather, Relayout
from ..ir.rewriting import Rewriter, drop_dead
from .manager import Context, Pass

MAX_BYTES = 1 << 28
"""Results above this size are left to run time."""


@dataclass(frozen=True)
class ConstantFold(Pass):
    """Replace a node over constants by its value, computed by the operator's reference; equal
    constants become one.

    Before:
        input %x: f32[N,2]
        %a = const() data=[1, 2] element=f32 : f32[2]
        %b = neg(%a) : f32[2]
        %y = add(%x, %b) : f32[N,2]
        output %y as "y"
    After:
        %b = const() data=[-1, -2] element=f32 : f32[2]
        %y = add(%x, %b) : f32[N,2]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED, Stage.BINARIZED)

    def run(self, graph: Graph, context: Context) -> Graph:
        rw = Rewriter.over(graph)
        seen: dict[Any, Any] = {}
        for node in graph.nodes:
            op = node.op.map_operands(rw.get)
            folded = self.fold(rw, op, node)
            if folded is None:
                rw.copy(node)
                continue
            key = (folded, node.result.type)
            if key in seen:
                rw.put(node.result, seen[key])
            elif isinstance(op, Const):
                seen[key] = rw.copy(node)[0]
            else:
                rw.names.discard(node.result.name)
                seen[key] = rw.add(folded, node.result.name, node.origin)
                rw.put(node.result, seen[key])
        return drop_dead(rw.finish(graph))

    def fold(self, rw: Rewriter, op: Op, node: Node) -> Const | None:
        """The constant that a node amounts to, or None."""
        if isinstance(op, Const):
            return op
        if len(node.results) != 1 or isinstance(op, Relayout) or not op.operands:
            return None
        args = [rw.array(value) for value in op.operands]
        type_ = node.result.type
        size = type_.elements_per_sample() * 8
        if any(a is None for a in args) or type_.symbolic or size > MAX_BYTES:
            return None
        if isinstance(op, Gather) and type_.elements_per_sample() > max(a.size for a in args):
            return None  # a small table spread over a map stays small in the artifact
        try:
            with np.errstate(all="ignore"):
                out = np.asarray(op.reference(args, 1))
        except VerifyError as error:
            raise VerifyError(f"{node.describe()}: {error}") from error
        return Const(Data(out), type_.element)
