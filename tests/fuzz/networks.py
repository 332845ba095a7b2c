"""Whole networks by number: convolutional ones, perceptrons, and transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from onnx import ModelProto

from . import floats as f
from .activations import binarize, multiplied
from .binarizers import clip, number, two_valued
from .moves import MOVES, solid
from .products import conv, conv_transpose, gemm, linear, lowered, mixed, xnor
from .sketch import Inexact, Layer, Sketch, Tensor

MAX_ELEMENTS = 3000
"""Of a tensor of one sample: the interpreter takes milliseconds."""
CHANNELS = (1, 2, 3, 4, 5, 8, 12, 31, 32, 33, 63, 64, 65, 70, 130)


@dataclass(frozen=True)
class Network:
    """A model, its twin in standard operators, and inputs for a number of batches."""

    number: int
    exact: bool
    model: ModelProto
    twin: ModelProto
    feeds: tuple[Mapping[str, np.ndarray], ...]
    layers: tuple[Layer, ...]

    @property
    def title(self) -> str:
        """For messages."""
        kind = "exact" if self.exact else "realistic"
        return f"network {self.number} ({kind}, {len(self.model.graph.node)} nodes)"


def network(index: int) -> Network:
    """Network number ``index``: always the same one. Every third one has realistic floats."""
    rng = np.random.default_rng([index, 3])
    exact = index % 3 != 2
    batch = "N" if rng.random() < 0.6 else int(rng.integers(1, 6))
    s = Sketch(rng, exact, int(rng.choice([11, 12, 13, 13, 17, 18, 20])), batch)
    style = s.pick(convolutional, convolutional, convolutional, perceptron, transformer)
    x = style(s)
    batches = [int(rng.integers(1, 6)), 1] if batch == "N" else [batch]
    model, twin = s.model(x, _outputs(s))
    feeds = tuple({"x": _data(s, (n, *x.shape))} for n in batches)
    return Network(index, exact, model, twin, feeds, tuple(s.layers))


def _outputs(s: Sketch) -> list[Tensor]:
    """The last value and up to two others; the input's negative where it is the only one."""
    produced = {o for n in s.nodes for o in n.output}
    if not any(v.name in produced for v in s.values):
        x = s.values[-1]
        produced.add(s.keep(s.op("Neg", x, like=x)).name)
    values = [v for v in s.values if v.name in produced]
    others = [values[int(i)] for i in s.rng.integers(0, len(values), s.pick(0, 0, 1, 2))]
    return list({v.name: v for v in [values[-1], *others]}.values())


def _input(s: Sketch, shape: tuple[int, ...]) -> Tensor:
    return s.keep(Tensor("x", shape, 0.5 if s.exact else 0.0, 3.0 if s.exact else 4.0))


def _data(s: Sketch, shape: tuple[int, ...]) -> np.ndarray:
    if s.exact:
        return (s.rng.integers(-6, 7, shape) / 2).astype(np.float32)
    return s.rng.standard_normal(shape).astype(np.float32)


# Each maker adds nodes and returns the input.


def convolutional(s: Sketch) -> Tensor:
    """Blocks on [N, C, H, W] or [N, C, L], then a classifier."""
    c = s.pick(*CHANNELS)
    size = (s.pick(3, 4, 5), s.pick(3, 5)) if c > 12 else (s.pick(4, 6, 9), s.pick(3, 5, 8))
    if s.chance(0.2):
        size = (s.pick(6, 9, 17),)
    given = _input(s, (c, *size))
    x = given
    if s.chance(0.1):
        x = nhwc_input(s, given)
    for _ in range(s.pick(1, 2, 3, 4, 5)):
        for kind in (s.pick(binary_block, binary_block, float_block), float_block):
            x = step(s, x, kind)
    s.keep(step(s, x, classifier))
    if not s.nodes:
        s.keep(step(s, x, lambda s, x: s.op("Relu", x, like=x)))
    return given


def nhwc_input(s: Sketch, x: Tensor) -> Tensor:
    """The input's last axis is taken for the channels."""
    perm = [0, x.rank - 1, *range(1, x.rank - 1)]
    return s.op("Transpose", x, like=replace(x, shape=(x.shape[-1], *x.shape[:-1])), perm=perm)


def step(s: Sketch, x: Tensor, kind: Callable[[Sketch, Tensor], Tensor]) -> Tensor:
    """A block if it fits, on few bits, else nothing."""
    y = x
    with s.attempt():
        y = kind(s, f.tame(s, x))
        if y.size > MAX_ELEMENTS or min(y.shape) < 1:
            raise Inexact("too large")
        s.check(y)
        if y is not x:
            s.keep(y)
            return y
    return x


def binary_block(s: Sketch, x: Tensor) -> Tensor:
    """A binarizer, what may stand between, and one or two products that read it."""
    x = binarize(s, x)
    if s.chance(0.3):
        s.keep(x)
    for _ in range(s.pick(0, 0, 0, 1, 1, 2)):
        x = step(s, x, s.pick(f.max_pool, f.pad, f.shuffle, f.join, f.split, f.nhwc, *MOVES))
    if s.chance(0.2):
        axes = s.pick([1], list(range(1, x.rank)))
        return s.pick(conv, conv, conv_transpose)(s, multiplied(s, x, axes))
    return s.pick(*[conv] * 8, conv_transpose, lowered if s.exact else conv, solid)(s, x)


FLOATS = (
    f.norm, f.norm, f.norm, f.affine, f.affine, f.activation, f.activation, f.max_pool,
    f.average_pool, f.skip, f.skip, f.join, f.split, f.nhwc, f.gate, f.per_position, f.shuffle,
    f.depth_space, f.pad,
)  # fmt: skip


def float_block(s: Sketch, x: Tensor) -> Tensor:
    """What stands between products, at times a float convolution."""
    if s.chance(0.1):
        x = step(s, x, conv)
    for _ in range(s.pick(1, 1, 2, 3)):
        x = step(s, x, s.pick(*FLOATS))
    return x


def classifier(s: Sketch, x: Tensor) -> Tensor:
    """Pooled or flattened, then products."""
    if s.chance(0.15):
        return x
    if s.chance(0.3):
        if s.exact:
            x = s.op("GlobalMaxPool", x, like=replace(x, shape=(x.channels, *[1] * (x.rank - 2))))
        else:
            like = replace(f.floats(x), shape=(x.channels, *[1] * (x.rank - 2)))
            x = s.op("GlobalAveragePool", x, like=like)
    early = s.chance()
    if early:
        x = binarize(s, f.tame(s, x))
    if s.chance(0.3):
        perm = [0, *range(2, x.rank), 1]
        x = s.op("Transpose", x, like=replace(x, shape=(*x.shape[1:], x.channels)), perm=perm)
    flat = replace(x, shape=(x.size,))
    x = s.op("Flatten", x, like=flat) if s.chance() else _reshaped(s, x, flat)
    return dense_layers(s, x, early)


def _reshaped(s: Sketch, x: Tensor, like: Tensor) -> Tensor:
    shape = s.const(np.array([s.pick(0, -1), *like.shape], np.int64), "shape")
    return s.op("Reshape", x, shape, like=like)


def dense_layers(s: Sketch, x: Tensor, early: bool) -> Tensor:
    """Gemm and MatMul on [N, K]."""
    for index in range(s.pick(1, 1, 2, 3)):
        if not (early and index == 0):
            x = f.tame(s, x)
            x = binarize(s, x) if s.chance(0.8) else x
        if x.form and s.chance(0.2):
            x = multiplied(s, x, [-1])
        kind = xnor if x.form == "{0,1}" and s.exact and s.chance(0.3) else s.pick(gemm, linear)
        x = kind(s, x)
        s.check(x)
        s.keep(x)
        for _ in range(s.pick(0, 1, 2)):
            x = step(s, x, s.pick(f.norm, f.affine, f.activation))
    return x


def perceptron(s: Sketch) -> Tensor:
    """Products on [N, K]."""
    x = _input(s, (s.pick(*CHANNELS, 256),))
    y = step(s, x, lambda s, x: dense_layers(s, x, False))
    y = step(s, y, lambda s, x: dense_layers(s, x, False))
    s.keep(step(s, y, f.affine))
    if not s.nodes:
        s.keep(s.op("Relu", x, like=x))
    return x


def transformer(s: Sketch) -> Tensor:
    """Blocks on [N, T, C]: attention on run-time binary matrices, binarized linear layers."""
    heads, width = s.pick(1, 2, 3), s.pick(2, 5, 8, 16)
    given = _input(s, (s.pick(1, 3, 5, 8), heads * width))
    x = given
    for _ in range(s.pick(1, 2, 3)):
        kind = s.pick(lambda s, x: attention(s, x, heads), lambda s, x: attention(s, x, heads),
                      feed_forward, mixing)  # fmt: skip
        x = step(s, x, kind)
        if s.chance(0.6):
            x = step(s, x, f.layer_norm)
    s.keep(step(s, x, binary_head))
    if not s.nodes:
        s.keep(s.op("Relu", x, like=x))
    return given


def binary_linear(s: Sketch, x: Tensor, out: int | None = None) -> Tensor:
    """A binarized linear layer."""
    y = binarize(s, f.tame(s, x))
    y = linear(s, multiplied(s, y, [-1]) if s.chance(0.3) else y, out)
    s.check(y)
    return y


def binary_head(s: Sketch, x: Tensor) -> Tensor:
    """One more linear layer."""
    return binary_linear(s, x)


def feed_forward(s: Sketch, x: Tensor) -> Tensor:
    """Two binarized linear layers and the skip."""
    y = binary_linear(s, x)
    if s.chance():
        y = s.op("Relu", y, like=y)
    y = binary_linear(s, y, x.shape[-1])
    like = replace(f.floats(x), unit=min(x.unit, y.unit), bound=x.bound + y.bound)
    return s.op("Add", x, y, like=like)


def mixing(s: Sketch, x: Tensor) -> Tensor:
    """Tokens mixed by constant weights on the left."""
    return mixed(s, binarize(s, f.tame(s, x)))


def attention(s: Sketch, x: Tensor, heads: int) -> Tensor:
    """Scores and context are products of run-time binary matrices."""
    tokens, width = x.shape
    if width % heads:
        raise Inexact("heads do not fit")
    each = width // heads
    q, k, v = (
        _heads(s, binarize(s, f.tame(s, binary_linear(s, x, width))), heads) for _ in range(3)
    )
    turned = s.raw("Transpose", [k.name], perm=[0, 1, 3, 2])
    scores = s.op(
        "MatMul", q, turned,
        like=Tensor("", (heads, tokens, tokens), q.unit * k.unit, q.bound * k.bound * each),
    )  # fmt: skip
    if s.chance():
        scores = replace(
            scores, name=s.raw("Mul", [scores.name, number(s, 0.25)]), unit=scores.unit / 4
        )
        s.check(scores)
    probabilities = _probabilities(s, scores)
    context = s.op(
        "MatMul", probabilities, v,
        like=Tensor("", (heads, tokens, each), probabilities.unit * v.unit,
                    max(1.0, probabilities.bound) * v.bound * tokens),
    )  # fmt: skip
    shape = s.const(np.array([-1, tokens, width], np.int64), "shape")
    name = s.raw("Reshape", [s.raw("Transpose", [context.name], perm=[0, 2, 1, 3]), shape])
    y = replace(context, name=name, shape=x.shape)
    like = replace(f.floats(x), unit=min(x.unit, y.unit), bound=x.bound + y.bound)
    return s.op("Add", x, y, like=like)


def _heads(s: Sketch, x: Tensor, heads: int) -> Tensor:
    tokens, width = x.shape
    shape = s.const(np.array([-1, tokens, heads, width // heads], np.int64), "shape")
    split = s.raw("Reshape", [x.name, shape])
    name = s.raw("Transpose", [split], perm=[0, 2, 1, 3])
    return replace(x, name=name, shape=(heads, tokens, width // heads))


def _probabilities(s: Sketch, scores: Tensor) -> Tensor:
    """{0, 1} of the scores (BiBERT), their Softmax, or that binarized to {0, a} (BiT)."""
    if s.exact or s.chance(0.4):
        mask = s.raw("Less", [number(s, 0), scores.name])
        name = s.raw("Where", [mask, number(s, 1), number(s, 0)])
        return two_valued(s, scores, name, 0.0, 1.0, "{0,1}")
    soft = replace(scores, name=s.raw("Softmax", [scores.name], axis=-1), bound=1.0)
    if s.opset < 13 or s.chance():
        return soft
    a = 0.4
    rounded = s.raw("Round", [s.raw("Div", [soft.name, number(s, a)])])
    name = s.raw("Mul", [clip(s, rounded, 0, 1), number(s, a)])
    return two_valued(s, scores, name, 0.0, a, "{0,a}")
