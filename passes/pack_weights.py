"""Float layers whose weights take few levels keep them as codes of 1 to 4 bits.

Weights alone are quantized (BinaryConnect, ternary and k-bit weights), activations are floats. With
integers t and a scale alpha[o] for each output channel, as `integer_weights` finds them by value,

    conv(x, w) + bias = alpha * conv(x, t) + bias,    w[o] = alpha[o] * t[o]

and t is a constant of bits, which kernels unpack as they multiply or store as floats, whatever
costs less. Sums are float32 sums of as many products. Powers of two as scales round nothing (unless
sums overflow or vanish on the way); others round once for each result, and what a straight-through
estimator left of a weight beside its level is lost. ``exact`` takes such layers only if all weights
together have few values: then the values themselves are the table, and nothing changes.

An infinite or not-a-number input gives what it gave: a scale is finite and not 0, and a weight of 0
stays one, so that 0 * inf is not-a-number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..ir import F32, Array, Bits, Graph, Node, Stage, Value
from ..ir.ops import Add, Const, Conv, Gemm, Mul
from ..ir.rewriting import Rewriter, rewrite
from .manager import Context, Exactness, Pass
from .support.integer_weights import integer_weights
from .support.queries import channel_shape, is_power_of_two
from .support.weight_bits import SMALLEST

MOST_PLANES = 4
"""Bits of a code."""
LEAST = 4096
"""Bytes that codes must save: about what the code takes that unpacks them."""


@dataclass(frozen=True)
class PackWeights(Pass):
    """Store float weights of few levels as codes, which must save ``least`` bytes. ``exact`` leaves
    out what rounds.

    Before:
        input %x: f32[N,4096]
        %w = const() data=splat(0.3) element=f32 : f32[2,4096]
        %y = gemm(%x, %w, none) : f32[N,2]
        output %y as "y"
    After:
        %w.codes = const() data=splat(1) element=bits<1;-1,1> : bits<1;-1,1>[2,4096]
        %y.sum = gemm(%x, %w.codes, none) : f32[N,2]
        %y.c = const() data=splat(0.3) element=f32 : f32[2]
        %y = mul(%y.sum, %y.c) : f32[N,2]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)
    exactness: ClassVar[Exactness] = "rounding"
    exact: bool = False
    least: int = LEAST

    def run(self, graph: Graph, context: Context) -> Graph:
        return rewrite(graph, (partial(_rule, exact=self.exact, least=self.least),))


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """Weights [O, ..] as scale[o] * table[code]."""

    codes: Array
    """uint8, of the shape of the weights."""
    element: Bits
    """The table."""
    scale: Array
    """float32 [O]."""

    @property
    def bits(self) -> tuple[int, int]:
        """Of activations and weights."""
        return 32, self.element.planes

    def describe(self) -> str:
        """Half a line on how the layer runs."""
        values, planes = len(np.unique(self.codes)), self.element.planes
        levels, bits = "levels" if values > 1 else "level", "bits" if planes > 1 else "bit"
        return f"its weights have {values} {levels}, {planes} {bits} each"


def recognise_codes(
    rw: Rewriter, op: Conv | Gemm, exact: bool, least: int = LEAST
) -> WeightCodes | None:
    """The codes of a layer that the pass takes, or None."""
    array = rw.array(op.w)
    if array is None or op.w.element != F32 or _of_its_own(op):
        return None
    if op.bias is not None and rw.array(op.bias) is None:
        return None
    coded = _scaled(array, exact) or _distinct(array)
    if coded is None or array.size * (32 - coded.element.planes) < 8 * least:
        return None
    return coded


def _of_its_own(op: Conv | Gemm) -> bool:
    """Whether each output channel has an input of its own: kernels keep these weights, few for each
    channel, beside the inputs of as many lanes."""
    return isinstance(op, Conv) and op.groups > 1 and op.w.shape[1] == 1


def _scaled(weights: Array, exact: bool) -> WeightCodes | None:
    """Integers with a scale for each channel."""
    found = integer_weights(weights)
    if found is None or len(found.levels) > 1 << MOST_PLANES or np.any(found.scale < SMALLEST):
        return None
    if exact and not (found.exact and is_power_of_two(found.scale)):
        return None
    codes, element = found.coded()
    assert isinstance(element, Bits)
    return WeightCodes(codes, element, found.scale)


def _distinct(weights: Array) -> WeightCodes | None:
    """The values that occur as they are."""
    if len(np.unique(weights[:1])) > 1 << MOST_PLANES or not np.isfinite(weights).all():
        return None
    values, codes = np.unique(weights, return_inverse=True)
    if not 0 < len(values) <= 1 << MOST_PLANES:
        return None
    planes = max(1, (len(values) - 1).bit_length())
    table = np.pad(values + np.float32(0), (0, (1 << planes) - len(values)), mode="edge")
    codes = codes.reshape(weights.shape).astype(np.uint8)
    return WeightCodes(codes, Bits(tuple(map(float, table))), np.ones(len(weights), np.float32))


def _rule(rw: Rewriter, node: Node, exact: bool, least: int) -> Value | None:
    op = node.op
    coded = recognise_codes(rw, op, exact, least) if isinstance(op, (Conv, Gemm)) else None
    if not isinstance(op, (Conv, Gemm)) or coded is None:
        return None
    name, origin = node.result.name, node.origin
    w = rw.add(Const.of(coded.codes, coded.element), op.w.name + ".codes", op.w.origin)
    if np.all(coded.scale == 1):
        return rw.add(replace(op, w=w), name, origin)
    shape = channel_shape(node.result.type.rank)

    def with_constant(kind: Any, x: Value, array: Array, suffix: str) -> Value:
        constant = rw.const(array.reshape(shape), name + ".c", origin)
        return rw.add(kind(x, constant), name + suffix, origin)

    total = rw.add(replace(op, w=w, bias=None), name + ".sum", origin)
    if op.bias is None:
        return with_constant(Mul, total, coded.scale, "")
    scaled = with_constant(Mul, total, coded.scale, ".scaled")
    return with_constant(Add, scaled, rw.array(op.bias), "")
