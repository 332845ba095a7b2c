"""Recognise binarized layers: a product of two-valued activations with weights of few levels
becomes integer products of bits.

With x = u*s + v and w[o] = p[o]*t[o] + q[o] for signs s and t (weights of three values are a sum of
two such), over the taps inside the map:

    sum(x*w) = u*p * (sum(s*t)) + u*q * (sum(s)) + v*p * (sum(t)) + v*q * K

sum(s*t) and sum(s) are binary convolutions, the second with weights of +1; sum(t) and K are
constants per channel, and per border class where zero padding is a third value. Whatever can
be is added in integers. With v = rho*u, rho = -1, 0 or 1 in each input channel, as {0, a} has it,

    sum(x*w) = u*p * (sum(s*t) + sum(rho*t)) + u*q * (sum(s) + sum(rho))

so that activations of 0 give exactly 0; with q = sigma*p for one sigma = -1, 0 or 1, sum(s) joins
sum(s*t).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..ir import F32, SIGN, Array, Graph, Node, Op, Stage, Value
from ..ir.ops import (
    Add,
    BinaryConv,
    BinaryGemm,
    Cast,
    Const,
    Conv,
    Gather,
    Gemm,
    MatMul,
    Mul,
    Pad,
    Sub,
    Transpose,
)
from ..ir.ops.window_axis import border_classes, window_axes
from ..ir.rewriting import Rewriter, drop_dead
from .canonicalize import FEW_CHANNELS
from .integer_products import recognise_integers
from .manager import Context, Pass
from .pack_weights import recognise_codes
from .support.factors import unscaled
from .support.queries import channel_shape
from .support.sign_tracing import Levels, NotSigns, Signs, Tracer, levels
from .support.weight_bits import BitWeights, split_weights

TOO_FEW = "values of so few input channels would fill little of a word: floats are as fast"


@dataclass(frozen=True)
class Verdict:
    """What `examine` found out about one layer."""

    node: Node
    binarized: bool
    reason: str
    advice: str = ""
    """What would make it binary; empty when it is."""
    bits: tuple[int, int] | None = None
    """Of activations and weights, where the layer multiplies integers or keeps codes of weights."""


@dataclass(frozen=True)
class Binarize(Pass):
    """Turn Conv and Gemm over signs and ±alpha weights into integer products on bits.

    Before:
        input %x: f32[N,2]
        %w = const() data=[2, -2] element=f32 : f32[1,2]
        %s = sign(%x) zero=1 : f32[N,2]
        %y = gemm(%s, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %s.bits = binarize(%x) zero=1 : bits<1;-1,1>[N,2]
        %w.bits = const() data=[1, 0] element=bits<1;-1,1> : bits<1;-1,1>[1,2]
        %y.count = binary_gemm(%s.bits, %w.bits) : i32[N,1]
        %y.float = cast(%y.count) to=f32 : f32[N,1]
        %y.c = const() data=[2] element=f32 : f32[1]
        %y = mul(%y.float, %y.c) : f32[N,1]
        output %y as "y"
    """

    requires = (Stage.IMPORTED,)
    establishes = Stage.BINARIZED

    def run(self, graph: Graph, context: Context) -> Graph:
        rw = Rewriter.over(graph)
        tracer = Tracer(rw)
        for node in graph.nodes:
            recognised = recognise(tracer, node.op.map_operands(rw.get))
            if isinstance(recognised, Product):
                _Emitter(tracer, node, recognised).emit()
            else:
                rw.copy(node)
            tracer.visit(rw.nodes[-1])
        return drop_dead(rw.finish(graph))


def examine(
    graph: Graph,
    operators: Mapping[str, str] = MappingProxyType({}),
    exact_float: bool = False,
) -> tuple[Verdict, ...]:
    """Every Conv, Gemm and MatMul of an imported graph: whether it is binary, and why not, or that
    it is multiplied as integers; with ``exact_float`` where that rounds nothing. ``operators`` are
    the model's own by the names of its nodes: reasons call nodes so."""
    rw = Rewriter.over(graph)
    tracer = Tracer(rw, operators)
    verdicts: list[Verdict] = []
    for node in graph.nodes:
        recognised = recognise(tracer, node.op)
        if isinstance(recognised, Product):
            verdicts.append(Verdict(node, True, recognised.describe()))
        elif isinstance(recognised, NotSigns):
            assert isinstance(node.op, (Conv, Gemm))
            why = _without_factor(tracer, node.op, recognised)
            integers = recognise_integers(rw, node.op)
            if integers is not None and (integers.exact or not exact_float):
                text = integers.describe()
                verdicts.append(Verdict(node, False, text, why.advice, integers.bits))
            elif (codes := recognise_codes(rw, node.op, exact_float)) is not None:
                text = f"{why.reason}; {codes.describe()}"
                verdicts.append(Verdict(node, False, text, why.advice, codes.bits))
            else:
                verdicts.append(Verdict(node, False, why.reason, why.advice))
        elif isinstance(node.op, MatMul):
            verdicts.append(Verdict(node, False, _computed(tracer, node.op)))
        rw.copy(node)
        tracer.visit(rw.nodes[-1])
    return tuple(verdicts)


def _without_factor(tracer: Tracer, op: Conv | Gemm, why: NotSigns) -> NotSigns:
    """Why a layer of signs times a factor is float: the factor, or what the layer without it is."""
    apart = unscaled(tracer, op)
    if isinstance(apart, NotSigns):
        return _float_activations(apart)
    if apart is None:
        return why
    alone = recognise(tracer, replace(op, x=apart.x))
    return alone if isinstance(alone, NotSigns) else why


def _float_activations(why: NotSigns) -> NotSigns:
    return replace(why, reason=f"activations are float: {why.reason}")


def _computed(tracer: Tracer, op: MatMul) -> str:
    """Why a product of two computed matrices is not on bits."""
    operands = [tracer.find(value) for value in (op.a, op.b)]
    if all(isinstance(f, Signs) for f in operands):
        return "both operands are signs computed at run time: multiplied as floats, exactly"
    return "both operands are computed at run time"


@dataclass(frozen=True, eq=False)
class Product:
    """A Conv or Gemm whose operands are bits."""

    op: Conv | Gemm
    x: Signs
    levels: Levels
    """Of the operand; a scale per channel is part of the weights instead, and 1 here."""
    weights: tuple[BitWeights, ...]
    """Their sum is the layer's."""
    bordered: bool
    """Zero padding is a third value, and constants depend on the border class."""
    pad: int
    """The sign that the zero padding stands for; 0 when there is no such sign."""

    def describe(self) -> str:
        """One line on how the layer runs."""
        weights, *others = self.weights
        offset = any(part.offset.any() for part in self.weights)
        kind = "±alpha"
        if others:
            kind = "three-valued weights, the sum of two with two values each"
        elif len(weights.bases) > 1:
            kind = "ternary weights {-alpha, 0, alpha}, two bases of bits"
        elif offset:
            kind = "two-valued weights"
        x = self.x.table if self.x.uniform else None
        activations = "signs"
        if np.any(self.levels.offset):
            activations = "two-valued activations"
            activations += f" {{{x[0, 0]:g}, {x[2, 0]:g}}}" if x is not None else " per channel"
        exact_zero = self.x.ternary and self.levels.zero is None
        if exact_zero and self.x.of_floats:
            activations = "three-valued activations"
            activations += f" {{{x[0, 0]:g}, {x[1, 0]:g}, {x[2, 0]:g}}}" if x is not None else ""
        notes = [f"{activations} times {kind}"]
        if not self.x.uniform and not np.any(self.levels.offset):
            notes.append("scales per input channel are part of the weights")
        if weights.spread:
            notes.append(f"|w| spreads by {weights.spread:.1g} of alpha")
        if offset:
            notes.append("the sum of signs at each position is counted too")
        if self.bordered:
            notes.append("zero padding is a third value, corrected per border class")
        elif self.pad:
            notes.append("zero padding is one of the two values, a bit")
        if exact_zero and not self.x.of_floats:
            notes.append("sign(0) = 0 stays exact")
        return "; ".join(notes)


def recognise(tracer: Tracer, op: Op) -> Product | NotSigns | None:
    """How a layer runs on bits, or the reason why it does not; None for other operators."""
    rw = tracer.rw
    if not isinstance(op, (Conv, Gemm)):
        return None
    flat = isinstance(op, Gemm)
    signs = tracer.find(op.x, flat)
    activations = levels(signs, op.x.name) if isinstance(signs, Signs) else signs
    if not isinstance(signs, Signs) or isinstance(activations, NotSigns):
        assert isinstance(activations, NotSigns)
        return _float_activations(activations)
    array = rw.array(op.w)
    if array is None:
        return NotSigns("weights are not constant", "export them as an initializer")
    if op.bias is not None and rw.array(op.bias) is None:
        return NotSigns("bias is not constant", "export it as an initializer")
    if signs.of_floats and array.shape[1] < FEW_CHANNELS:
        return NotSigns(TOO_FEW, "")
    if array[:1].size >= 1 << 24:
        return NotSigns("counts exceed what float32 holds", "split the layer's input channels")
    if activations.scale.ndim:
        array = _times_input(array, activations.scale, getattr(op, "groups", 1))
        activations = replace(
            activations, scale=np.ones(()), offset=activations.offset / activations.scale
        )
    weights = split_weights(array)
    if isinstance(weights, str):
        return NotSigns(
            weights,
            "binarize the weights in the model: sign(w) times one scale per output channel"
            + (", with the scales of the input channels taken out" if not signs.uniform else ""),
        )
    return _with_border(op, signs, activations, weights)


def _times_input(weights: Array, scale: Array, groups: int) -> Array:
    """Weights [O, I/groups, ..] with the scale of each input channel multiplied in, float32."""
    per_group = scale.reshape(groups, -1)
    rows = np.repeat(per_group, weights.shape[0] // groups, axis=0)
    shaped = rows.reshape(*weights.shape[:2], *[1] * (weights.ndim - 2))
    with np.errstate(over="ignore"):
        return (weights.astype(np.float64) * shaped).astype(np.float32)


def _with_border(
    op: Conv | Gemm, signs: Signs, activations: Levels, weights: tuple[BitWeights, ...]
) -> Product | NotSigns:
    """What zero padding is to a layer: nothing to ±1, a bit to {0, a}, else a third value."""
    pads = isinstance(op, Conv) and any(op.pads) and bool(np.any(activations.offset))
    low, _, high = signs.table
    pad = 0
    if pads and (np.all(low == 0) or np.all(high == 0)):
        pad = -1 if np.all(low == 0) else 1
    return Product(op, signs, activations, weights, pads and not pad, pad)


_Step = tuple[Any, Value | Array]
"""An elementwise operator and its second operand, a value or the contents of a constant."""


@dataclass
class _Emitter:
    """Builds one recognised layer."""

    tracer: Tracer
    node: Node
    product: Product

    def __post_init__(self) -> None:
        self.rw = self.tracer.rw
        self.name, self.origin = self.node.result.name, self.node.origin
        self.op = self.product.op
        self.levels = self.product.levels
        self.rho = _ratios(self.levels)
        self.groups = getattr(self.op, "groups", 1)
        self.shape = channel_shape(self.node.result.type.rank)

    def emit(self) -> None:
        """Put the integer products and what scales them in the place of the layer."""
        op, rw = self.op, self.rw
        self.x = self.tracer.bits(op.x, isinstance(op, Gemm), self.levels.zero)
        if self.product.pad:
            self.x = self._padded(self.x)
        rw.names.discard(self.name)
        before: list[_Step] = []
        *parts, last = self.product.weights
        for part in parts:
            count, steps = self._part(part)
            before = [(Add, self._float(count, [*steps, *before], ".part"))]
        count, steps = self._part(last)
        if op.bias is not None:
            before.append((Add, rw.array(op.bias).reshape(self.shape)))
        out = self._float(count, [*steps, *before])
        rw.names.add(self.name)
        rw.put(self.node.result, out)

    def _part(self, weights: BitWeights) -> tuple[Value, list[_Step]]:
        """The layer with one part of its weights: a count, and what is done to it in floats."""
        count = self._product(weights.bases[0], ".count")
        for base in weights.bases[1:]:
            count = self._add(count, self._product(base, ".base"), ".count")
        sigma = _ratio(weights.offset, weights.scale.astype(np.float64))
        steps = self._scales(weights)
        if sigma is None:
            count = self._shifted(count, weights.signs)
            steps.append((Add, self._scaled_signs(weights)))
        else:
            if sigma:
                signs = self._product(self._ones, ".signs")
                count = self._add(count, signs, ".sum", Add if sigma > 0 else Sub)
            count = self._shifted(count, weights.signs + sigma)
        if self.rho is None:
            steps.append((Add, self._offset(weights)))
        return count, steps

    def _padded(self, x: Value) -> Value:
        assert isinstance(self.op, Conv)
        half = len(self.op.pads) // 2
        before, after = ((0, 0, *pads) for pads in (self.op.pads[:half], self.op.pads[half:]))
        bits = Pad(x, before, after, float(self.product.pad))
        return self.rw.add(bits, self.name + ".padded", self.origin)

    def _product(self, codes: Array, suffix: str) -> Value:
        """The sums of signs times the signs of ``codes``."""
        w = self.rw.add(Const.of(codes, SIGN), self.op.w.name + ".bits", self.op.w.origin)
        return self.rw.add(self._binary(w), self.name + suffix, self.origin)

    def _binary(self, w: Value) -> BinaryConv | BinaryGemm:
        op = self.op
        if isinstance(op, Gemm):
            return BinaryGemm(self.x, w)
        pads = (0,) * len(op.pads) if self.product.pad else op.pads
        return BinaryConv(self.x, w, op.strides, pads, op.dilations, op.groups)

    @property
    def _ones(self) -> Array:
        """The weights of sum(s); one channel serves all when there is one group."""
        outputs, *rest = self.op.w.shape
        return np.ones((1 if self.groups == 1 else outputs, *rest), np.uint8)

    def _add(self, a: Value, b: Value, suffix: str, kind: Any = Add) -> Value:
        return self.rw.add(kind(a, b), self.name + suffix, self.origin)

    def _shifted(self, count: Value, t: Array) -> Value:
        """count + sum(rho*t), exact: at most 4*K in all, and K is below 2**24."""
        if self.rho is None or not np.any(self.rho):
            return count
        return self._add(count, self._constant(t * self._rows(self.rho, t), np.int32), ".shifted")

    def _scales(self, weights: BitWeights) -> list[_Step]:
        """alpha, then the activation's scale: fl(fl(alpha * n) * u)."""
        steps: list[_Step] = []
        if not np.all(weights.scale == 1):
            steps.append((Mul, weights.scale.reshape(self.shape)))
        scale = np.float32(self.levels.scale)
        if scale != 1:
            steps.append((Mul, np.asarray(scale)))
        return steps

    def _scaled_signs(self, weights: BitWeights) -> Value:
        """u*q * (sum(s) + sum(rho)) in floats."""
        signs = self._shifted(self._product(self._ones, ".signs"), self._ones.astype(np.int64))
        beta = (weights.offset * self.levels.scale).astype(np.float32).reshape(self.shape)
        name = self.name + ".signs"
        floats = self.rw.add(Cast(signs, F32), name + ".float", self.origin)
        return self.rw.add(Mul(floats, self._const(beta)), name + ".scaled", self.origin)

    def _offset(self, weights: BitWeights) -> Value:
        """The sum of v*w, a float constant."""
        column = (-1, *[1] * (weights.bases[0].ndim - 1))
        exact = weights.signs * weights.scale.astype(np.float64).reshape(column)
        exact = exact + weights.offset.reshape(column)
        return self._constant(exact * self._rows(self.levels.offset, exact), np.float32)

    def _rows(self, of_inputs: Array, weights: Array) -> Array:
        """What input channels have, [] or [I], laid out to be multiplied with weights
        [O, I/groups, ..]."""
        outputs, per_group, *taps = weights.shape
        channels = np.broadcast_to(of_inputs, (self.groups * per_group,))
        rows = np.repeat(channels.reshape(self.groups, -1), outputs // self.groups, axis=0)
        return rows.reshape(outputs, per_group, *[1] * len(taps))

    def _constant(self, weights: Array, kind: Any) -> Value:
        """The sum of weights [O, I/groups, ..] over the taps inside the map, as a constant that
        broadcasts against the result."""
        op = self.op
        if not isinstance(op, Conv) or not self.product.bordered:
            sums = weights.reshape(len(weights), -1).sum(1)
            return self._const(sums.reshape(self.shape).astype(kind))
        sums = weights.sum(1)
        classes: list[Array] = []
        for axis in window_axes(op.window, op.x.shape[2:]):
            inside, of_position = border_classes(axis.inside)
            sums = np.tensordot(sums, inside.astype(weights.dtype), (1, 1))
            classes.append(of_position)
        if all(len(np.unique(index)) == 1 for index in classes):
            return self._const(sums.reshape(self.shape).astype(kind))
        # [O, classes..] to [1, classes.., O], so that the gathered map is channels-last.
        out = self._const(np.moveaxis(sums, 0, -1)[None].astype(kind))
        for axis, index in enumerate(classes):
            out = self.rw.add(
                Gather(out, self._const(index.astype(np.int64)), axis + 1),
                self.name + ".border",
                self.origin,
            )
        perm = (0, len(classes) + 1, *range(1, len(classes) + 1))
        return self.rw.add(Transpose(out, perm), self.name + ".border", self.origin)

    def _const(self, array: Array) -> Value:
        return self.rw.const(array, self.name + ".c", self.origin)

    def _float(self, count: Value, steps: Sequence[_Step], suffix: str = "") -> Value:
        """The count as a float, through ``steps``; the last one takes the name."""
        rw, name = self.rw, self.name + suffix
        out = rw.add(Cast(count, F32), name + (".float" if steps else ""), self.origin)
        for number, (kind, other) in enumerate(steps, 1):
            value = other if isinstance(other, Value) else self._const(other)
            hint = name + ("" if number == len(steps) else ".step")
            out = rw.add(kind(out, value), hint, self.origin)
        return out


def _ratios(levels: Levels) -> Array | None:
    """offset / scale of each input channel, [] or [I], when all are -1, 0 or 1, else None."""
    ratios = np.sign(levels.offset) * np.sign(levels.scale)
    exact = np.all(levels.offset == ratios * levels.scale)
    return ratios.astype(np.int64) if exact else None


def _ratio(offset: Array, scale: Array) -> int | None:
    """offset / scale of weights when it is one of -1, 0 and 1 everywhere, else None; a channel of
    zeros fits any."""
    for ratio in (0, 1, -1):
        if np.all(offset == ratio * scale):
            return ratio
    return None
