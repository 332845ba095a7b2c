"""Random binarized networks as imported graphs, drawn by Hypothesis.

They hold what exporters leave around signs: convolutions and products with ±alpha weights per
channel (some 0), signs with each value at 0, scales, pads with 0 and ±1, groups, strides and
dilations, factors per sample and position, BatchNormalization with gamma of any sign and 0, bias,
PRelu, clips, pools, skip additions, concatenations, channel shuffles, transposes to NHWC and back.

``dyadic`` networks use few-bit numbers, on which float32 arithmetic is exact: every bit must stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bnnc.ir import Batch, Builder, Graph, Output, TensorType, Value, verify
from bnnc.ir.ops import (
    Abs,
    Add,
    AveragePool,
    BatchNorm,
    Clip,
    Concat,
    Const,
    Conv,
    Div,
    Gemm,
    Max,
    MaxPool,
    Min,
    Mul,
    Neg,
    Pad,
    PRelu,
    ReduceMax,
    ReduceMean,
    Relu,
    Reshape,
    Round,
    Sign,
    Slice,
    Sub,
    Transpose,
)

MAX_ELEMENTS = 3000
"""Of one value of one sample: the interpreter takes milliseconds."""


@dataclass
class _Network:
    draw: Any
    dyadic: bool
    builder: Builder = field(default_factory=Builder)
    values: list[Value] = field(default_factory=list)
    count: int = 0

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def add(self, op: Any, hint: str) -> Value:
        self.count += 1
        return self.builder.add(op, hint, (f"{hint}_{self.count}",))

    def const(self, array: Any) -> Value:
        return self.builder.add(Const.of(np.asarray(array, np.float32)), "c")

    def numbers(self, shape: tuple[int, ...], table: tuple[float, ...]) -> Any:
        """Numbers of ``shape``: from the table, or (not dyadic) around the table's."""
        generator = np.random.default_rng(self.draw(st.integers(0, 2**16)))
        out = generator.choice(np.array(table, np.float32), shape)
        if not self.dyadic:
            out = out * generator.uniform(0.7, 1.4, shape)
        return out.astype(np.float32)

    # Layers. Each takes the current value [N, C, H, W] or [N, C, L] and returns the next one.

    def sign(self, x: Value) -> Value:
        return self.add(Sign(x, self.pick(-1, 0, 1, 1)), "sign")

    def scaled(self, x: Value) -> Value:
        scale = self.const(self.numbers((1,) if self.chance() else (), (0.5, 2, 4)))
        if self.chance():
            return self.add(Mul(x, scale) if self.chance() else Mul(scale, x), "scaled")
        return self.add(Div(x, scale), "scaled")

    def bordered(self, x: Value) -> Value:
        before, after = ((0, 0, *(self.pick(0, 1, 2) for _ in x.shape[2:])) for _ in range(2))
        return self.add(Pad(x, before, after, self.pick(0.0, 1.0, -1.0)), "pad")

    def shuffled(self, x: Value) -> Value:
        n, c, *size = x.shape
        if c % 2:
            return x
        split = self.add(Reshape(x, (n, 2, c // 2, *size)), "split")
        turned = self.add(Transpose(split, (0, 2, 1, *range(3, 3 + len(size)))), "turned")
        return self.add(Reshape(turned, (n, c, *size)), "shuffled")

    def multiplied(self, x: Value) -> Value:
        """A factor per sample or per position, of an earlier value: small integers in dyadic
        networks."""
        source = self.draw(st.sampled_from([v for v in self.values if v.shape[2:] == x.shape[2:]]))
        axes = self.pick((1,), tuple(range(1, source.type.rank)))
        magnitude = self.add(Abs(source), "magnitude")
        if self.dyadic:
            top = self.add(ReduceMax(magnitude, axes), "top")
            factor = self.add(Clip(self.add(Round(top), "whole"), 0.0, 4.0), "factor")
        else:
            factor = self.add(ReduceMean(magnitude, axes), "factor")
        return self.add(Mul(x, factor) if self.chance() else Mul(factor, x), "multiplied")

    def there_and_back(self, x: Value) -> Value:
        """An NHWC island: a per-channel operation on the last axis, or a sign."""
        there = self.channels_last(x)
        kind = self.pick("mul", "sign", "pad", "none")
        if kind == "mul":
            factor = self.const(self.numbers((x.shape[1],), (0.5, -1, 2)))
            there = self.add(Mul(there, factor), "nhwc.mul")
        elif kind == "sign":
            there = self.sign(there)
        elif kind == "pad":
            pads = (0, 1, *[0] * (x.type.rank - 2))
            there = self.add(Pad(there, pads, pads[::-1], self.pick(0.0, 1.0)), "nhwc.pad")
        back = (0, x.type.rank - 1, *range(1, x.type.rank - 1))
        return self.add(Transpose(there, back), "nchw")

    def channels_last(self, x: Value) -> Value:
        return self.add(Transpose(x, (0, *range(2, x.type.rank), 1)), "nhwc")

    def conv(self, x: Value, binary: bool) -> Value:
        _, channels, *size = x.shape
        groups = self.pick(1, 1, 1, 2) if channels % 2 == 0 else 1
        out = groups * self.pick(1, 2, 3)
        kernel, dilations, strides = [], [], []
        pads = tuple(self.pick(0, 1, 1) for _ in range(2 * len(size)))
        for axis in range(len(size)):
            room = size[axis] + pads[axis] + pads[axis + len(size)]
            kernel.append(self.pick(*(k for k in (1, 2, 3) if k <= room)))
            dilations.append(self.pick(*(d for d in (1, 1, 2) if d * (kernel[-1] - 1) < room)))
            strides.append(self.pick(1, 1, 2))
        shape = (out, channels // groups, *kernel)
        w = self.weights(shape) if binary else self.numbers(shape, (-1, 0.5, 2, 0))
        bias = self.const(self.numbers((out,), (0, 1, -2, 0.5))) if self.chance() else None
        op = Conv(x, self.const(w), bias, tuple(strides), pads, tuple(dilations), groups)
        return self.add(op, "conv")

    def weights(self, shape: tuple[int, ...]) -> Any:
        """±alpha per output channel, alpha 0 for some."""
        alpha = np.abs(self.numbers((shape[0],), self.pick((1,), (0.5, 1, 2), (0, 1, 0.25))))
        signs = np.where(self.numbers(shape, (-1, 1)) > 0, np.float32(1), np.float32(-1))
        return signs * alpha.reshape(-1, *[1] * (len(shape) - 1))

    def norm(self, x: Value) -> Value:
        c = (x.shape[1],)
        scale, bias = self.numbers(c, (1, -1, 0, 0.5)), self.numbers(c, (0, 1, -0.5, 3))
        mean, var = self.numbers(c, (0, 1, -2)), np.abs(self.numbers(c, (1, 0.25, 4)))
        terms = [self.const(a) for a in (scale, bias, mean, var)]
        return self.add(BatchNorm(x, *terms, epsilon=0.0 if self.dyadic else 1e-5), "norm")

    def affine(self, x: Value) -> Value:
        channel = (x.shape[1], *[1] * (x.type.rank - 2))
        shape = self.pick((), (1,), channel, (1, *channel))
        kind = self.pick(Add, Sub, Mul, Max, Min)
        table = (0.5, -2, 1, 0) if kind is Mul else (0, 1, -0.5, 2)
        constant = self.const(self.numbers(shape, table))
        op = kind(x, constant) if self.pick(True, True, False) else kind(constant, x)
        return self.add(op, kind.__name__.lower())

    def activation(self, x: Value) -> Value:
        kind = self.pick("relu", "clip", "prelu", "prelu", "neg", "abs")
        plain: dict[str, Any] = {"relu": Relu, "neg": Neg, "abs": Abs}
        if kind in plain:
            return self.add(plain[kind](x), kind)
        if kind == "clip":
            low, high = self.pick((-1.0, 1.0), (0.0, 6.0), (-2.0, float("inf")))
            return self.add(Clip(x, low, high), "clip")
        channel = (x.shape[1], *[1] * (x.type.rank - 2))
        slope = self.numbers(channel, self.pick((0.25, 0.5), (0.25, -0.5, 0)))
        return self.add(PRelu(x, self.const(slope)), "prelu")

    def pool(self, x: Value) -> Value:
        size = x.shape[2:]
        kernel = tuple(self.pick(*(k for k in (1, 2, 3) if k <= s)) for s in size)
        strides = tuple(self.pick(1, 2) for _ in size)
        pads = tuple(self.pick(0, min(1, k - 1)) for k in kernel * 2)
        dilations, ceil = (1,) * len(size), self.chance()
        if self.dyadic or self.pick(True, True, False):
            return self.add(MaxPool(x, kernel, strides, pads, dilations, ceil), "maxpool")
        op = AveragePool(x, kernel, strides, pads, dilations, ceil, self.chance())
        return self.add(op, "avgpool")

    def skip(self, x: Value) -> Value:
        alike = [v for v in self.values if v.shape == x.shape and v is not x]
        if not alike:
            return x
        other = self.draw(st.sampled_from(alike))
        return self.add(Add(x, other) if self.chance() else Add(other, x), "skip")

    def joined(self, x: Value) -> Value:
        alike = [v for v in self.values if v.shape[2:] == x.shape[2:]]
        if not alike:
            return x
        return self.add(Concat((x, self.draw(st.sampled_from(alike))), 1), "join")

    def part(self, x: Value) -> Value:
        channels = x.shape[1]
        if channels < 2:
            return x
        size = self.draw(st.integers(1, channels))
        start = self.draw(st.integers(0, channels - size))
        batch = x.shape[0] if isinstance(x.shape[0], int) else 0
        sizes = (batch, size, *x.shape[2:])
        rest = x.type.rank - 2
        return self.add(Slice(x, (0, start, *[0] * rest), (1,) * (2 + rest), sizes), "part")

    # Blocks.

    def binary_layer(self, x: Value) -> Value:
        """Sign, what stands between it and the product, and the product."""
        x = self.sign(x)
        between = (self.scaled, self.bordered, self.shuffled, self.pool, self.joined, self.part)
        between += (self.multiplied,)
        for layer in self.draw(st.lists(st.sampled_from(between), max_size=2)):
            x = self.keep(layer(x))
        return self.keep(self.conv(x, binary=True))

    def float_layer(self, x: Value) -> Value:
        layers = (self.norm, self.norm, self.affine, self.activation, self.pool, self.skip)
        layers += (self.joined, self.there_and_back, self.part)
        return self.keep(self.draw(st.sampled_from(layers))(x))

    def keep(self, x: Value) -> Value:
        """Remember a value that later skips and joins may read."""
        self.values.append(x)
        return x

    def head(self, x: Value) -> Value:
        """A classifier on the flattened map."""
        kind = self.pick("mean", "binary", "float", "none")
        if kind == "none":
            return x
        n = x.shape[0]
        if kind == "mean":
            x = self.add(ReduceMean(x, tuple(range(2, x.type.rank))), "mean")
        late = kind == "binary" and self.chance()
        if kind == "binary" and not late:
            x = self.sign(x)
        if self.chance():
            x = self.channels_last(x)
        width = int(np.prod(x.shape[1:]))
        flat = self.add(Reshape(x, (n, width)), "flat")
        flat = self.sign(flat) if late else flat
        shape = (self.pick(1, 3), width)
        w = self.weights(shape) if kind == "binary" else self.numbers(shape, (-1, 1, 0.5))
        y = self.product(flat, w)
        for _ in range(self.pick(0, 1, 2)):
            y = self.norm(y)
            y = self.activation_of_vectors(y)
            w = self.weights((self.pick(1, 4), y.shape[1]))
            y = self.product(self.sign(y), w)
        return self.norm(y) if self.chance() else y

    def product(self, x: Value, w: Any) -> Value:
        bias = self.const(self.numbers((w.shape[0],), (0, 1, -2))) if self.chance() else None
        return self.add(Gemm(x, self.const(w), bias), "gemm")

    def activation_of_vectors(self, x: Value) -> Value:
        """Between the products of a multilayer perceptron: constants of rank 0, 1 or 2."""
        kind = self.pick("none", "prelu", "add", "clip")
        if kind == "none":
            return x
        if kind == "clip":
            return self.add(Clip(x, -1.0, 1.0), "clip")
        shape = self.pick((), (1,), (x.shape[1],), (1, x.shape[1]))
        constant = self.const(self.numbers(shape, (0.25, -0.5, 1)))
        return self.add((Add if kind == "add" else PRelu)(x, constant), kind)


@st.composite
def networks(draw: st.DrawFn, dyadic: bool) -> Graph:
    """An imported graph with one float input and one to three outputs."""
    net = _Network(draw, dyadic)
    channels = net.pick(1, 2, 3, 4, 5, 8, 63, 64, 65, 70)
    size = (net.pick(3, 4), net.pick(3, 5)) if channels > 8 else (net.pick(3, 4, 6), net.pick(3, 5))
    size = size if net.pick(True, True, False) else size[:1]
    batch = net.pick(Batch(), Batch(), Batch(2), 1, 3)
    x = Value("x", TensorType((batch, channels, *size)))
    net.builder.names.add("x")
    y = net.keep(x)
    for kind in draw(st.lists(st.sampled_from("bbff"), min_size=1, max_size=7)):
        grown = y.type.elements_per_sample() > MAX_ELEMENTS
        if grown or min(y.shape[2:]) < 1:
            break
        y = net.binary_layer(y) if kind == "b" else net.float_layer(y)
    if y.type.elements_per_sample() <= MAX_ELEMENTS:
        y = net.head(y)
    shown = [y, *draw(st.lists(st.sampled_from(net.values), max_size=2))]
    outputs = tuple(Output(f"y{i}", v) for i, v in enumerate(shown))
    graph = net.builder.finish(Graph("random", (x,), (), outputs))
    verify(graph)
    return graph
