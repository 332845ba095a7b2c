"""Factors of signs and of integers that are one number in each of a layer's sums leave the sum.

    conv(s * f, w, b) = conv(s, w) * f + b        gemm(s * f, w, b) = gemm(s, w) * f + b

XNOR-Net multiplies signs by the mean magnitude of what they are signs of: one factor for a sample,
for a row of a product, or for a pixel before a 1x1 convolution. BitNet divides integers of 8 bits
by the scale of their token. Without it the layer reads signs or integers alone, and `binarize` puts
it on bits or `integer-products` on integers. Only layers that they then take are rewritten; with
``exact``, which is for `--exact-float`, only those of signs.

Rounding. The sum of ±a in float32, each product rounded, becomes a count times a, rounded once for
each factor: no less exact. Zero and not-a-number stay what they were; an infinite factor gives an
infinity where the graph's own sum of infinities of both signs is not-a-number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import Graph, Node, Stage, Value
from ..ir.ops import Add, Conv, Gemm
from ..ir.rewriting import Rewriter, drop_dead
from .binarize import Product, recognise
from .integer_products import recognise_integers
from .manager import Context, Exactness, Pass
from .support.factors import Unscaled, unscaled
from .support.queries import channel_shape
from .support.sign_tracing import Tracer

LEAST, MOST = 1e-30, 1e30
"""What a layer's sums without the factor must lie between, or a factor at the other end of float32
would have kept them from overflow or underflow."""


@dataclass(frozen=True)
class FactorOut(Pass):
    """Multiply the result of a layer of few levels by a factor instead of its operand.

    Before:
        input %x: f32[N,4]
        %w = const() data=[1, -1, 1, 1] element=f32 : f32[1,4]
        %a = abs(%x) : f32[N,4]
        %m = reduce_mean(%a) axes=[1] keepdims=true : f32[N,1]
        %s = sign(%x) zero=1 : f32[N,4]
        %q = mul(%s, %m) : f32[N,4]
        %y = gemm(%q, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %w = const() data=[1, -1, 1, 1] element=f32 : f32[1,4]
        %a = abs(%x) : f32[N,4]
        %m = reduce_mean(%a) axes=[1] keepdims=true : f32[N,1]
        %s = sign(%x) zero=1 : f32[N,4]
        %y.unscaled = gemm(%s, %w, none) : f32[N,1]
        %y = mul(%y.unscaled, %m) : f32[N,1]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED,)
    exactness: ClassVar[Exactness] = "rounding"
    exact: bool = False

    def run(self, graph: Graph, context: Context) -> Graph:
        rw = Rewriter.over(graph)
        tracer = Tracer(rw)

        def rule(rw: Rewriter, node: Node) -> Value | None:
            return factor_out(tracer, node, self.exact)

        for node in graph.nodes:
            built = len(rw.nodes)
            new = rw.fire(Node(node.op.map_operands(rw.get), node.results), (rule,))
            if new is None:
                rw.copy(node)
            else:
                rw.put(node.result, new)
            for added in rw.nodes[built:]:
                tracer.visit(added)
        return drop_dead(rw.finish(graph))


def factor_out(tracer: Tracer, node: Node, exact: bool) -> Value | None:
    """What a layer's result becomes, or None for layers that stay as they are."""
    op, rw = node.op, tracer.rw
    apart = unscaled(tracer, op) if isinstance(op, (Conv, Gemm)) else None
    if not isinstance(op, (Conv, Gemm)) or not isinstance(apart, Unscaled):
        return None
    product = recognise(tracer, replace(op, x=apart.x))
    if isinstance(product, Product):
        largest = _largest_of_signs(product)
    else:
        integers = None if exact else recognise_integers(rw, replace(op, x=apart.x))
        if integers is None:
            return None
        largest = integers.largest_product * integers.scale.astype(np.float64)
    if not _is_moderate(largest, op.terms()):
        return None
    name, origin = node.result.name, node.origin
    out = rw.add(replace(op, x=apart.x, bias=None), name + ".unscaled", origin)
    steps = [factor.times for factor in apart.factors]
    if op.bias is not None:
        bias = rw.array(op.bias).reshape(channel_shape(out.type.rank))
        shift = rw.const(bias, op.bias.name, op.bias.origin)
        steps.append(lambda x: Add(x, shift))
    for number, step in enumerate(steps, 1):
        out = rw.add(step(out), name if number == len(steps) else name + ".scaled", origin)
    return out


def _largest_of_signs(product: Product) -> Any:
    """The largest magnitude of one term of the sums, per output channel."""
    parts = product.weights
    weights = sum(part.scale.astype(np.float64) * len(part.bases) for part in parts)
    weights = weights + sum(np.abs(part.offset) for part in parts)
    return np.abs(product.x.table.astype(np.float64)).max() * weights


def _is_moderate(largest: Any, terms: int) -> bool:
    """Whether sums of ``terms``, the largest of which are given per channel, and what they are made
    of are far from the ends of float32."""
    present = largest[largest > 0]
    return bool(np.all((present > LEAST) & (present * terms < MOST)))
