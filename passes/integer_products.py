"""Float products of 8-bit integers and ±alpha weights become integer products: first layers that
read an image (W1A8), and layers after a quantizer.

Where every input is u * i, with i an integer of 8 bits and u a power of two, and every weight of a
channel is ±alpha (or one of {-alpha, 0, alpha}):

    conv(x, w) = (alpha * u) * float(binary_conv(i, sign(w)))          |sum| < 2^24

Nothing is rounded before the last multiplication on either side, so both are equal in every bit.
A bias is added after one more rounding, which changes nothing where alpha is a power of two;
otherwise layers with a bias stay as they are. So do layers with a scale that is not a power of two,
such as 1/255: x * u is rounded.

Integers come from casts, and from rounding what a clip bounds; adding integers, multiplying by
powers of two and moving elements keep them. As in bits, there is no not-a-number among them: where
one is rounded, the integer is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import BOOL, F32, I8, SIGN, U8, Array, Graph, Node, Scalar, Stage, Value
from ..ir.ops import (
    Add,
    BinaryConv,
    BinaryGemm,
    Cast,
    Ceil,
    Clip,
    Const,
    Conv,
    Floor,
    Gemm,
    MaxPool,
    Mul,
    Pad,
    Relu,
    Reshape,
    Round,
    Sub,
    Transpose,
)
from ..ir.rewriting import Rewriter, rewrite
from ..ir.traits import PASSES_ON
from .manager import Context, Pass
from .support.queries import channel_shape, is_power_of_two
from .support.weight_bits import BitWeights, split_weights

LARGEST_SUM = 1 << 24
"""Integers below it are exact in float32."""
LEAST = 4
"""Inputs of a sum from which integer products pay off."""
_RANGES = {U8: (0.0, 255.0), I8: (-128.0, 127.0), BOOL: (0.0, 1.0)}


@dataclass(frozen=True)
class Grid:
    """A value whose elements are ``unit`` times integers from low to high."""

    low: float
    high: float
    unit: float = 1.0

    def bytes(self) -> Scalar | None:
        """The element type of 8 bits that holds the integers."""
        for element in (U8, I8):
            low, high = _RANGES[element]
            if low <= self.low and self.high <= high:
                return element
        return None


@dataclass(frozen=True)
class IntegerProducts(Pass):
    """Compute Conv and Gemm of 8-bit integers and ±alpha weights in integers.

    Before:
        input %i: u8[N,4]
        %w = const() data=[0.5, -0.5, 0.5, 0.5] element=f32 : f32[1,4]
        %x = cast(%i) to=f32 : f32[N,4]
        %y = gemm(%x, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %w.bits = const() data=[1, 0, 1, 1] element=bits<1;-1,1> : bits<1;-1,1>[1,4]
        %y.count = binary_gemm(%i, %w.bits) : i32[N,1]
        %y.float = cast(%y.count) to=f32 : f32[N,1]
        %y.c = const() data=[0.5] element=f32 : f32[1]
        %y = mul(%y.float, %y.c) : f32[N,1]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        return rewrite(graph, (_rule,))


def _rule(rw: Rewriter, node: Node) -> Value | None:
    op = node.op
    if not isinstance(op, (Conv, Gemm)):
        return None
    product = _recognise(rw, op)
    return None if product is None else _Emitter(rw, node, op, product).emit()


def in_integers(rw: Rewriter, op: Conv | Gemm) -> bool:
    """Whether the pass takes a layer."""
    return _recognise(rw, op) is not None


@dataclass(frozen=True, eq=False)
class _Product:
    """What a recognised layer multiplies."""

    element: Scalar
    weights: BitWeights
    scale: Array
    """float32 [O]: alpha * u."""
    bias: Array | None


def _recognise(rw: Rewriter, op: Conv | Gemm) -> _Product | None:
    array = rw.array(op.w)
    if array is None or (isinstance(op, Conv) and (op.groups > 1 or op.x.type.rank > 4)):
        return None
    grid = find_grid(rw, op.x)
    element = grid.bytes() if grid else None
    inputs = array[:1].size
    if grid is None or element is None or not LEAST <= inputs < LARGEST_SUM // 255:
        return None
    parts = split_weights(array)
    if isinstance(parts, str) or len(parts) != 1:
        return None
    (weights,) = parts
    if weights.spread or np.any(weights.offset):
        return None
    scale = weights.scale * np.float32(grid.unit)
    if np.any(scale / np.float32(grid.unit) != weights.scale):
        return None
    bias = None if op.bias is None else rw.array(op.bias)
    if op.bias is not None and (bias is None or not is_power_of_two(scale)):
        return None
    return _Product(element, weights, scale, bias)


@dataclass
class _Emitter:
    """Builds one layer."""

    rw: Rewriter
    node: Node
    op: Conv | Gemm
    product: _Product
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.node.result.name

    def add(self, op: Any, suffix: str) -> Value:
        """A value named after the layer."""
        return self.rw.add(op, self.name + suffix, self.node.origin)

    def emit(self) -> Value:
        """The count, its scale and its bias."""
        op, product = self.op, self.product
        x = to_bytes(self.rw, op.x, product.element)
        if isinstance(op, Conv) and any(op.pads):
            half = len(op.pads) // 2
            x = self.add(Pad(x, (0, 0, *op.pads[:half]), (0, 0, *op.pads[half:])), ".padded")
        count = self._count(x, product.weights.bases[0], ".count")
        for base in product.weights.bases[1:]:
            count = self.add(Add(count, self._count(x, base, ".base")), ".count")
        steps: list[tuple[Any, Array]] = []
        if not np.all(product.scale == 1):
            steps.append((Mul, product.scale))
        if product.bias is not None:
            steps.append((Add, product.bias))
        out = self.add(Cast(count, F32), ".float" if steps else "")
        shape = channel_shape(self.node.result.type.rank)
        for number, (kind, array) in enumerate(steps, 1):
            const = self.rw.const(array.reshape(shape), self.name + ".c", self.node.origin)
            out = self.add(kind(out, const), "" if number == len(steps) else ".step")
        return out

    def _count(self, x: Value, codes: Array, suffix: str) -> Value:
        op = self.op
        w = self.rw.add(Const.of(codes, SIGN), op.w.name + ".bits", op.w.origin)
        if isinstance(op, Gemm):
            return self.add(BinaryGemm(x, w), suffix)
        return self.add(BinaryConv(x, w, op.strides, (0,) * len(op.pads), op.dilations), suffix)


def find_grid(rw: Rewriter, value: Value) -> Grid | None:
    """The integers that a float value holds, or None."""
    node = rw.producer(value)
    if node is None or value.element != F32:
        return None
    op = node.op
    if isinstance(op, Cast) and op.x.element in _RANGES:
        return Grid(*_RANGES[op.x.element])  # type: ignore[index]
    if isinstance(op, (Round, Floor, Ceil)):
        low, high = (float(op.reference([np.float32(b)], 1)) for b in _bounds(rw, op.x))
        return Grid(low, high)
    if isinstance(op, (Clip, Relu)):
        grid = find_grid(rw, op.x)
        return _clipped(grid, *_limits(op)) if grid else None
    if isinstance(op, Pad):
        grid = find_grid(rw, op.x)
        return _with(grid, op.value) if grid else None
    if isinstance(op, (Mul, Add, Sub)):
        return _moved(rw, op)
    sources = op.sources if op.traits & PASSES_ON else ()
    if len(sources) != 1 or (isinstance(op, MaxPool) and op.may_be_empty()):
        return None
    return find_grid(rw, sources[0])


def _limits(op: Clip | Relu) -> tuple[float, float]:
    return (0.0, math.inf) if isinstance(op, Relu) else (min(op.low, op.high), op.high)


def _bounds(rw: Rewriter, value: Value) -> tuple[float, float]:
    """What a float value lies between."""
    op = rw.op(value, Clip) or rw.op(value, Relu)
    return _limits(op) if op else (-math.inf, math.inf)


def _clipped(grid: Grid, low: float, high: float) -> Grid | None:
    """Bounds that lie on the grid (or outside of it) keep its elements on it."""
    low, high = (float(np.float32(b)) / grid.unit for b in (low, high))
    low, high = max(low, grid.low), min(high, grid.high)
    if low > high or any(math.isfinite(b) and b != math.floor(b) for b in (low, high)):
        return None
    return replace(grid, low=low, high=high)


def _with(grid: Grid, value: float) -> Grid | None:
    """The grid of the same elements and one more value."""
    at = value / grid.unit
    if at != math.floor(at):
        return None
    return replace(grid, low=min(grid.low, at), high=max(grid.high, at))


def _moved(rw: Rewriter, op: Mul | Add | Sub) -> Grid | None:
    """A grid times a positive power of two, or plus or minus one of its own steps."""
    x, c = _operands(rw, op)
    array, grid = rw.array(c), find_grid(rw, x)
    if array is None or grid is None or array.size != 1 or not np.isfinite(array).all():
        return None
    number = float(array.reshape(()))
    if isinstance(op, Mul):
        unit = np.float64(grid.unit * number)
        fits = number > 0 and is_power_of_two(array) and is_power_of_two(unit)
        return replace(grid, unit=float(unit)) if fits else None
    step = (number if isinstance(op, Add) else -number) / grid.unit
    low, high = grid.low + step, grid.high + step
    if step != math.floor(step) or not max(abs(low), abs(high)) < LARGEST_SUM:
        return None
    return replace(grid, low=low, high=high)


def _operands(rw: Rewriter, op: Mul | Add | Sub) -> tuple[Value, Value]:
    """What is computed, and the constant."""
    turned = not isinstance(op, Sub) and rw.array(op.a) is not None
    return (op.b, op.a) if turned else (op.a, op.b)


def to_bytes(rw: Rewriter, value: Value, element: Scalar) -> Value:
    """The integers of a grid's value as ``element``: those that it was computed from where nothing
    changed them since, else a cast."""
    node, grid = rw.producer(value), find_grid(rw, value)
    assert node is not None
    assert grid is not None
    op = node.op
    if isinstance(op, Cast):
        return op.x if op.x.element == element else rw.add(Cast(op.x, element), value.name)
    if isinstance(op, Mul):
        return to_bytes(rw, _operands(rw, op)[0], element)
    if isinstance(op, Pad):
        moved = replace(op, x=to_bytes(rw, op.x, element), value=op.value / grid.unit)
        return rw.add(moved, value.name + ".bytes", node.origin)
    if isinstance(op, (Reshape, Transpose)):
        moved = replace(op, x=to_bytes(rw, op.x, element))
        return rw.add(moved, value.name + ".bytes", node.origin)
    if grid.unit != 1:
        unit = rw.const(np.float32(1 / grid.unit), value.name + ".unit", node.origin)
        value = rw.add(Mul(value, unit), value.name + ".whole", node.origin)
    return rw.add(Cast(value, element), value.name + ".bytes", node.origin)
