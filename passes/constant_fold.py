"""Evaluate what depends only on constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import VerifyError
from ..ir import Graph, Node, Stage, Value
from ..ir.core import Data
from ..ir.ops import Const, Gather, Relayout
from ..ir.rewriting import Rewriter
from .manager import Context, Pass

MAX_BYTES = 1 << 28
"""Results above this size are left to run time."""


@dataclass(frozen=True)
class ConstantFold(Pass):
    """Replace a node over constants by its value, computed by the operator's reference.

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
        return Rewriter.over(graph).walk((fold,))[0]


def fold(rw: Rewriter, node: Node) -> Value | None:
    """The rule: all operands are constants, and there are some."""
    op = node.op
    if isinstance(op, Relayout) or not op.operands:
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
    return rw.add(Const(Data(out), type_.element), node.result.name, node.origin)
