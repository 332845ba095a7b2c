"""BatchNormalization folded into what stands before it (Deploy mode).

With k = scale * (1 / sqrt(var + eps)) and b = bias - mean * k, in float32:

    bn(x) = x * k + b                                       exact, by definition
    bn(conv(x, w) + c) = conv(x, w * k) + (c * k + b)       rounding
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import F32, Array, Graph, Node, Stage, Value
from ..ir.ops import Add, BatchNorm, Conv, Gemm, Mul
from ..ir.ops.nn import batch_norm_terms
from ..ir.rewriting import Rewriter, rewrite
from .manager import Context, Exactness, Pass
from .support.queries import channel_shape, merged_scale, reaches_sign


@dataclass(frozen=True)
class FuseConvBn(Pass):
    """Fold every BatchNormalization: into a float Conv or Gemm that nothing else reads and that no
    sign follows (unless ``exact``), else into one multiplication and one addition.

    Before:
        input %x: f32[N,1,2,2]
        %k = const() data=[2] element=f32 : f32[1]
        %z = const() data=[0] element=f32 : f32[1]
        %v = const() data=[0.25] element=f32 : f32[1]
        %y = batch_norm(%x, %k, %z, %z, %v) epsilon=0.0 : f32[N,1,2,2]
        output %y as "y"
    After:
        %y.k = const() data=[4] element=f32 : f32[1,1,1]
        %y.x = mul(%x, %y.k) : f32[N,1,2,2]
        %y.b = const() data=[0] element=f32 : f32[1,1,1]
        %y = add(%y.x, %y.b) : f32[N,1,2,2]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED, Stage.BINARIZED)
    exactness: ClassVar[Exactness] = "rounding"
    exact: bool = False

    def run(self, graph: Graph, context: Context) -> Graph:
        before_sign = reaches_sign(graph)

        def rule(rw: Rewriter, node: Node) -> Value | None:
            if not isinstance(node.op, BatchNorm):
                return None
            terms = _terms(rw, node.op)
            product = rw.producer(node.op.x)
            foldable = not self.exact and node.result not in before_sign
            if terms and product and foldable and rw.only_use(node.op.x):
                folded = _fold(rw, product, terms, node)
                if folded is not None:
                    return folded
            return _scale_and_bias(rw, node, terms)

        return rewrite(graph, (rule,))


def _terms(rw: Rewriter, op: BatchNorm) -> tuple[Array, Array] | None:
    scale, bias, mean, var = (rw.array(v) for v in (op.scale, op.bias, op.mean, op.var))
    if any(a is None for a in (scale, bias, mean, var)):
        return None
    return batch_norm_terms(scale, bias, mean, var, op.epsilon)


def _fold(rw: Rewriter, product: Node, terms: tuple[Array, Array], node: Node) -> Value | None:
    op = product.op
    weights = rw.array(op.w) if isinstance(op, (Conv, Gemm)) else None
    if not isinstance(op, (Conv, Gemm)) or weights is None or op.w.element != F32:
        return None
    bias: Any = np.float32(0) if op.bias is None else rw.array(op.bias)
    if bias is None:
        return None
    k, b = terms
    origin = (*product.origin, *node.origin)
    scaled = merged_scale(weights, k.reshape(-1, *[1] * (weights.ndim - 1)))
    if scaled is None:
        return None
    w = rw.const(scaled, op.w.name + ".bn", op.w.origin)
    c = rw.const(bias * k + b, node.result.name + ".bias", node.origin)
    return rw.add(replace(op, w=w, bias=c), node.result.name, origin)


def _scale_and_bias(rw: Rewriter, node: Node, terms: tuple[Array, Array] | None) -> Value | None:
    op = node.op
    assert isinstance(op, BatchNorm)
    if terms is None:
        return None
    name, origin = node.result.name, node.origin
    shape = channel_shape(node.result.type.rank)
    k = rw.const(terms[0].reshape(shape), name + ".k", origin)
    scaled = rw.add(Mul(op.x, k), name + ".x", origin)
    b = rw.const(terms[1].reshape(shape), name + ".b", origin)
    return rw.add(Add(scaled, b), name, origin)
