"""Float products of few bits become integer products: activations that a quantizer (or an image)
left on 256 levels at most, times weights of 1 to 8 bits.

Where every input is u * i, with i an integer of 8 bits, and every weight of a channel alpha * t:

    conv(x, w) + bias = (alpha * u) * float(binary_conv(i, t)) + bias

The sum of integers is exact, its scale is rounded once and the product once. Where u and alpha are
powers of two, the weights exactly alpha * t and sums below 2^24, float arithmetic rounds nothing
and both are equal in every bit. Where alpha is none, the product of the sum and alpha is what
`binarize` makes of ±alpha too; a bias would be added after one more rounding. Else the float sums
round more often than this does. ``exact`` takes no layers but those of the first two kinds.

Integers that no byte holds are stored with an offset, which adds a constant per channel:

    sum(i * t) = sum((i - offset) * t) + offset * sum(t)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..ir import F32, SIGN, Array, Element, Graph, Node, Scalar, Stage, Value
from ..ir.ops import Add, BinaryConv, BinaryGemm, Cast, Const, Conv, Gemm, Mul, Pad
from ..ir.ops.binary import I32_MAX, magnitude
from ..ir.rewriting import Rewriter, rewrite
from .manager import Context, Exactness, Pass
from .support.grids import LARGEST, Grid, find_grid, to_bytes
from .support.integer_weights import IntegerWeights, integer_weights
from .support.queries import channel_shape, is_power_of_two
from .support.weight_bits import SMALLEST

LEAST = 4
"""Inputs of a sum from which integer products pay off."""


@dataclass(frozen=True)
class IntegerProducts(Pass):
    """Compute Conv and Gemm of 8-bit integers and weights of few levels in integers. ``exact``
    leaves out what rounds.

    Before:
        input %i: u8[N,4]
        %w = const() data=[0.5, -0.5, 0.5, 0.5] element=f32 : f32[1,4]
        %x = cast(%i) to=f32 : f32[N,4]
        %y = gemm(%x, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %w.integers = const() data=[1, 0, 1, 1] element=bits<1;-1,1> : bits<1;-1,1>[1,4]
        %y.count = binary_gemm(%i, %w.integers) : i32[N,1]
        %y.float = cast(%y.count) to=f32 : f32[N,1]
        %y.c = const() data=[0.5] element=f32 : f32[1]
        %y = mul(%y.float, %y.c) : f32[N,1]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)
    exactness: ClassVar[Exactness] = "rounding"
    exact: bool = False

    def run(self, graph: Graph, context: Context) -> Graph:
        return rewrite(graph, (partial(_rule, exact=self.exact),))


def _rule(rw: Rewriter, node: Node, exact: bool) -> Value | None:
    op = node.op
    if not isinstance(op, (Conv, Gemm)):
        return None
    product = recognise_integers(rw, op)
    if product is None or (exact and not product.exact):
        return None
    return _Emitter(rw, node, op, product).emit()


@dataclass(frozen=True, eq=False)
class IntegerProduct:
    """What a recognised layer multiplies."""

    grid: Grid
    element: Scalar
    """Bytes that hold the integers of the grid, less ``offset``."""
    offset: int
    weights: IntegerWeights
    codes: Array
    """The weights' integers as contents of a constant of ``coding``."""
    coding: Element
    scale: Array
    """float32 [O]: alpha * u."""
    bias: Array | None

    @property
    def bits(self) -> tuple[int, int]:
        """Of activations and weights; one where there is a single level."""
        of_activations = int(self.grid.high - self.grid.low).bit_length()
        return max(1, of_activations), max(1, (len(self.weights.levels) - 1).bit_length())

    def describe(self) -> str:
        """One line on how the layer runs."""
        of_activations, of_weights = self.bits
        kind = f"{of_weights}-bit weights"
        if self.coding == SIGN:
            kind = "±alpha"
        elif np.array_equal(self.weights.levels, (-1, 0, 1)):
            kind = "ternary weights {-alpha, 0, alpha}"
        return f"{of_activations}-bit activations times {kind}: multiplied as integers"

    @property
    def stored_magnitude(self) -> int:
        """The largest magnitude of a stored integer where it is less than its type's, else 0."""
        largest = max(abs(int(end) - self.offset) for end in (self.grid.low, self.grid.high))
        return largest if largest < magnitude(self.element) else 0

    @property
    def largest_product(self) -> float:
        """The largest magnitude of one product of integers."""
        return self.grid.largest * magnitude(self.coding)

    @property
    def exact(self) -> bool:
        """Whether the float sum has the same bits."""
        if not (self.grid.exact and self.weights.exact):
            return False
        if self.weights.largest_sum * self.grid.largest >= LARGEST:
            return False
        return self.bias is None or is_power_of_two(self.scale)


def recognise_integers(rw: Rewriter, op: Conv | Gemm) -> IntegerProduct | None:
    """A layer that the pass takes, or None."""
    array = rw.array(op.w)
    if array is None or (isinstance(op, Conv) and (op.groups > 1 or op.x.type.rank > 4)):
        return None
    grid = find_grid(rw, op.x)
    if grid is not None and isinstance(op, Conv) and any(op.pads):
        grid = grid.joined(0)
    stored = grid.bytes() if grid else None
    inputs = array[:1].size
    if grid is None or stored is None or inputs < LEAST:
        return None
    weights = integer_weights(array)
    bias = None if op.bias is None else rw.array(op.bias)
    if weights is None or (op.bias is not None and bias is None):
        return None
    codes, coding = weights.coded()
    scale = (weights.scale.astype(np.float64) * grid.unit).astype(np.float32)
    element, offset = stored
    sums = max(
        inputs * magnitude(element) * magnitude(coding),
        (magnitude(element) + abs(offset)) * weights.largest_sum,
    )
    if sums > I32_MAX or not np.isfinite(scale).all() or np.any(scale < SMALLEST):
        return None
    return IntegerProduct(grid, *stored, weights, codes, coding, scale, bias)


@dataclass
class _Emitter:
    """Builds one layer."""

    rw: Rewriter
    node: Node
    op: Conv | Gemm
    product: IntegerProduct
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.node.result.name

    def add(self, op: Any, suffix: str) -> Value:
        """A value named after the layer."""
        return self.rw.add(op, self.name + suffix, self.node.origin)

    def emit(self) -> Value:
        """The count, its scale and its bias."""
        product = self.product
        count = self._count()
        if product.offset:
            sums = product.weights.integers.reshape(len(product.scale), -1).sum(1, dtype=np.int32)
            count = self._with_constant(Add, count, product.offset * sums, ".shifted")
        steps: list[tuple[Any, Array]] = []
        if not np.all(product.scale == 1):
            steps.append((Mul, product.scale))
        if product.bias is not None:
            steps.append((Add, product.bias))
        out = self.add(Cast(count, F32), ".float" if steps else "")
        for number, (kind, array) in enumerate(steps, 1):
            out = self._with_constant(kind, out, array, "" if number == len(steps) else ".step")
        return out

    def _count(self) -> Value:
        """The sum of integers, an operand with a border of its own."""
        op, product = self.op, self.product
        x = to_bytes(self.rw, op.x, product.element, product.offset)
        if isinstance(op, Conv) and any(op.pads):
            half = len(op.pads) // 2
            before, after = ((0, 0, *pads) for pads in (op.pads[:half], op.pads[half:]))
            x = self.add(Pad(x, before, after, float(-product.offset)), ".padded")
        coded = Const.of(product.codes, product.coding)
        w = self.rw.add(coded, op.w.name + ".integers", op.w.origin)
        if isinstance(op, Gemm):
            return self.add(BinaryGemm(x, w, largest=product.stored_magnitude), ".count")
        conv = BinaryConv(x, w, op.strides, (0,) * len(op.pads), op.dilations)
        return self.add(replace(conv, largest=product.stored_magnitude), ".count")

    def _with_constant(self, kind: Any, x: Value, array: Array, suffix: str) -> Value:
        shape = channel_shape(self.node.result.type.rank)
        const = self.rw.const(array.reshape(shape), self.name + ".c", self.node.origin)
        return self.add(kind(x, const), suffix)
