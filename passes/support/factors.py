"""Factors between values of few levels and the layer that reads them: the mean|x| of XNOR-Net's
sign(x) * mean|x|, the scale per token of BitNet's round(x * s) / s.

    sum_i (f * s_i) * w_i  =  f * sum_i s_i * w_i          f is one number for all that is summed

A factor multiplies (or divides) a value made of signs or of integers of 8 bits. It may leave a
layer's sum where it has one element along the channels and along every axis over which the window
extends. Whatever moves the product on its way to the layer moves levels and factor alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ...ir import Batch, Dim, Node, Op, Shape, Value
from ...ir.ops import Conv, Div, Expand, Gemm, Mul, Neg, Pad, Reshape, Slice, Transpose
from ...ir.rewriting import Rewriter
from ...ir.traits import Trait
from .grids import find_grid
from .queries import per_channel
from .sign_tracing import NotSigns, Signs, Tracer, described

_ELSEWHERE = (
    "multiply by one factor for all that an output sums (one a sample, or one a pixel before "
    "a 1x1 convolution), or multiply the layer's result instead"
)
_BORDER = 1.0
"""The factor of a border of zeros, which multiplied or divided by it are zeros."""


@dataclass(frozen=True)
class Factor:
    """What multiplies or divides a value, elementwise: its axes are the value's, or have size 1."""

    node: Node
    """The Mul or Div of the graph."""
    value: Value

    @property
    def name(self) -> str:
        """What values are called that are made of it."""
        return f"{self.node.result.name}.factor"

    def times(self, x: Value) -> Op:
        """``x`` with the factor."""
        return type(self.node.op)(x, self.value)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Unscaled:
    """A layer's operand without its factors, and the factors that its result has instead."""

    x: Value
    factors: tuple[Factor, ...]


def unscaled(tracer: Tracer, layer: Conv | Gemm) -> Unscaled | NotSigns | None:
    """A layer's operand and its factors, built apart from each other; the reason where one of them
    has to stay in the sum; None where neither signs nor integers are multiplied."""
    path = _path(tracer, layer)
    if not path:
        return None
    apart = Unscaled(path[0][1], ())
    for node, source in path:
        beyond = _through(tracer, node, source, apart)
        if beyond is None:
            reason = f"{described(node, tracer.operators)} moves values together with their factor"
            return NotSigns(reason, _ELSEWHERE)
        apart = beyond
    for factor in apart.factors:
        varies = _varies(layer, factor.value.shape)
        if varies:
            name = described(factor.node, tracer.operators)
            return NotSigns(f"{name} multiplies by a factor that varies {varies}", _ELSEWHERE)
    return replace(apart, factors=tuple(_of_result(tracer.rw, layer, f) for f in apart.factors))


def _path(tracer: Tracer, layer: Conv | Gemm) -> list[tuple[Node, Value]]:
    """From the product of signs and a factor down to a layer: each operator, and the operand that
    the levels come through."""
    path: list[tuple[Node, Value]] = []
    value = layer.x

    def has_levels(value: Value) -> bool:
        if isinstance(tracer.find(value, isinstance(layer, Gemm)), Signs):
            return True
        grid = find_grid(tracer.rw, value)
        return grid is not None and grid.bytes() is not None

    while not has_levels(value):
        node = tracer.rw.producer(value)
        operands = [] if node is None else _scaled(node)
        if node is None or not operands:
            return []
        value = next(filter(has_levels, operands), operands[0])
        path.append((node, value))
    multiplies = path and isinstance(path[-1][0].op, (Mul, Div))
    return path[::-1] if multiplies else []


def _scaled(node: Node) -> list[Value]:
    """The operands of which a result is a multiple, elementwise or moved."""
    op = node.op
    if isinstance(op, (Mul, Div)):
        operands = [op.a] if isinstance(op, Div) else [op.a, op.b]
        return [v for v in operands if v.type == node.result.type]
    if isinstance(op, Neg):
        return [op.x]
    return list(op.sources) if Trait.MOVES in op.traits and len(op.sources) == 1 else []


def _through(tracer: Tracer, node: Node, source: Value, apart: Unscaled) -> Unscaled | None:
    """Levels and factors after one more operator; None where it moves them in another way than
    `_moved` knows."""
    op, rw = node.op, tracer.rw
    factors = apart.factors
    if isinstance(op, (Mul, Div)):
        other = op.b if source is op.a else op.a
        if not _is_per_channel(rw, other, node.result):
            factor = Factor(node, other)
            ones = (1,) * (source.type.rank - other.type.rank)
            if ones:
                aligned = Reshape(other, (*ones, *other.shape))
                factor = Factor(node, rw.add(aligned, factor.name, other.origin))
            return replace(apart, factors=(*factors, factor))
    elif not isinstance(op, Neg):
        moved = [_moved(rw, op, source, f) for f in factors]
        factors = tuple(f for f in moved if f is not None)
        if len(factors) < len(moved):
            return None
    alone = op.map_operands(lambda v: apart.x if v is source else v)
    x = rw.add(alone, node.result.name + ".levels", node.origin)
    tracer.visit(rw.producers[x])
    return Unscaled(x, factors)


def _is_per_channel(rw: Rewriter, value: Value, result: Value) -> bool:
    """Whether a value is a constant of one number per channel, which may stay with the levels."""
    array, rank = rw.array(value), result.type.rank
    return array is not None and rank > 1 and per_channel(array, rank, result.shape[1]) is not None


def _moved(rw: Rewriter, op: Op, x: Value, factor: Factor) -> Factor | None:
    """The factor of move(x), for a factor of x; an axis on which it has one element stays so."""
    value = factor.value
    one = [size == 1 for size in value.shape]

    def kept(sizes: tuple[int, ...], otherwise: int) -> tuple[int, ...]:
        return tuple(otherwise if o else size for size, o in zip(sizes, one, strict=True))

    moved: Op
    if isinstance(op, Transpose):
        moved = Transpose(value, op.perm)
    elif isinstance(op, Slice):
        moved = Slice(value, kept(op.starts, 0), kept(op.steps, 1), kept(op.sizes, 1))
    elif isinstance(op, Pad) and op.value == 0:
        moved = Pad(value, kept(op.before, 0), kept(op.after, 0), _BORDER)
    elif isinstance(op, Reshape):
        spread, shape = _reshaped(x.shape, op.shape, value.shape)
        if spread != value.shape:
            value = rw.add(Expand(value, spread), factor.name, factor.node.origin)
        moved = Reshape(value, shape)
    else:
        return None
    return replace(factor, value=rw.add(moved, factor.name, factor.node.origin))


def _reshaped(before: Shape, after: Shape, factor: Shape) -> tuple[Shape, Shape]:
    """The shapes to which a factor of a value is spread, and then reshaped, when the value goes
    from ``before`` to ``after``: both are cut into the shortest groups of axes with equally many
    elements; where the factor has one element in a group it keeps one, else it has all of them."""
    spread: list[Dim] = []
    shape: list[Dim] = []
    i = j = 0
    while i < len(before) or j < len(after):
        first, then = i, j
        i, j = i + (i < len(before)), j + (j < len(after))
        while (old := _elements(before[first:i])) != (new := _elements(after[then:j])):
            if i < len(before) and (old < new or j == len(after)):
                i += 1
            else:
                j += 1
        constant = all(size == 1 for size in factor[first:i])
        spread += factor[first:i] if constant else before[first:i]
        shape += (1,) * (j - then) if constant else after[then:j]
    return tuple(spread), tuple(shape)


def _elements(shape: Shape) -> tuple[int, int]:
    """How often the batch is in a shape, and the elements of one sample."""
    batches = sum(isinstance(d, Batch) for d in shape)
    return batches, prod(d.factor if isinstance(d, Batch) else d for d in shape)


def _varies(layer: Conv | Gemm, shape: Shape) -> str:
    """Over what the factor of a layer's operand is not one number in each sum; empty where it is
    one."""
    alone = isinstance(layer, Conv) and layer.w.shape[1] == 1 and layer.w.shape[0] == layer.groups
    if shape[1] != 1 and not alone:
        return "over the channels that are summed"
    kernel = layer.window.kernel if isinstance(layer, Conv) else ()
    if any(k > 1 and size != 1 for k, size in zip(kernel, shape[2:], strict=True)):
        return f"within the {'x'.join(map(str, kernel))} window"
    return ""


def _of_result(rw: Rewriter, layer: Conv | Gemm, factor: Factor) -> Factor:
    """The factor of a layer's result: along an axis on which it varies the window has one tap, that
    strides and pads place."""
    if not isinstance(layer, Conv):
        return factor
    window, value = layer.window, factor.value
    spatial = value.shape[2:]
    varies = [size != 1 for size in spatial]
    half = len(spatial)
    before, after = (
        (0, 0, *(p if v else 0 for p, v in zip(pads, varies, strict=True)))
        for pads in (window.pads[:half], window.pads[half:])
    )
    sizes = window.output(layer.x.shape[2:])
    steps = (1, 1, *(s if v else 1 for s, v in zip(window.strides, varies, strict=True)))
    kept = (*value.shape[:2], *(n if v else 1 for n, v in zip(sizes, varies, strict=True)))
    name, origin = factor.name, factor.node.origin
    if any(before + after):
        value = rw.add(Pad(value, before, after, _BORDER), name, origin)
    if value.shape != kept or set(steps) != {1}:
        sizes = tuple(1 if isinstance(d, Batch) else d for d in kept)
        value = rw.add(Slice(value, (0,) * len(kept), steps, sizes), name, origin)
    return replace(factor, value=value)
