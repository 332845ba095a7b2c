"""Layers whose kernels consist of few words are annotated with the number of words.

Kernels that reuse what a word counts, and their estimates, read the number from the operator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import SIGN, Graph, Node, Stage, codewords
from ..ir.ops import BinaryConv, Const
from .manager import Context, Pass


@dataclass(frozen=True)
class Codebook(Pass):
    """Annotate binary convolutions with the number of distinct kernels per input channel, counted
    up to a sign of each output channel, where that is no more than 64.

    Before:
        input %x: bits<1;-1,1>[N,1,9]
        %w = const() data=[1, 0, 0, 0, 1, 1] element=bits<1;-1,1> : bits<1;-1,1>[2,1,3]
        %y = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,2,7]
        output %y as "y"
    After:
        %y = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 codewords=1 : i32[N,2,7]
        output %y as "y"
    """  # noqa: E501

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED, Stage.PACKED)

    def run(self, graph: Graph, context: Context) -> Graph:
        return replace(graph, nodes=tuple(_annotated(node, graph) for node in graph.nodes))


def _annotated(node: Node, graph: Graph) -> Node:
    """The node itself where there is nothing to say."""
    op = node.op
    if not isinstance(op, BinaryConv) or op.groups > 1 or op.w.element != SIGN:
        return node
    maker = graph.producers.get(op.w)
    if maker is None or not isinstance(maker.op, Const) or maker.op.array[0, 0].size < 2:
        return node
    codebook = codewords.Codebook.of(maker.op.array)
    if codebook is None:
        return node
    return Node(replace(op, codewords=len(codebook.words)), node.results)
