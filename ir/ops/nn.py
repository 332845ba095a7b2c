"""Float network operators: convolution, products, normalisation, pooling, reductions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value, decode
from ..intervals import LIBRARY_ERROR, Interval
from ..traits import Trait
from ..types import BOOL, F32, Array, Batch, Bits, Scalar, TensorType, broadcast
from .window import Window
from .window_axis import window_axes


def conv_type(x: Value, w: Value, window: Window, groups: int) -> tuple[int, ...]:
    """Output [channels, *spatial] of a convolution; raises VerifyError when operands do not fit."""
    window.check(x.type.rank)
    if w.type.rank != x.type.rank:
        raise VerifyError(f"weights {w!r} do not fit {x!r}")
    out, per_group = w.shape[0], w.shape[1]
    if isinstance(out, Batch):
        raise VerifyError(f"weights {w!r} cannot have a symbolic dimension")
    if groups < 1 or x.shape[1] != per_group * groups or out % groups:
        raise VerifyError(
            f"weights {w!r} with {groups} groups do not fit {x!r}: "
            f"expected {per_group * groups} input channels, got {x.shape[1]}"
        )
    return (out, *window.output(x.shape[2:]))


def conv_reference(x: Any, w: Any, window: Window, groups: int, kind: Any) -> Any:
    """Convolution of padded ``x`` [N, C, ..] with ``w`` [O, C/groups, ..], summed in ``kind``."""
    n, channels = x.shape[:2]
    valid = Window(window.kernel, window.strides, window.dilations, (0,) * len(window.pads))
    spatial = valid.output(x.shape[2:])
    out_per_group = w.shape[0] // groups
    out = np.zeros((n, groups, out_per_group, math.prod(spatial)), kind)
    for tap, seen in valid.taps(x, spatial):
        columns = seen.reshape(n, groups, channels // groups, -1).astype(kind)
        weight = w[(slice(None), slice(None), *tap)].reshape(groups, out_per_group, -1)
        out += np.matmul(weight.astype(kind)[None], columns)
    return out.reshape(n, w.shape[0], *spatial)


class Weighted:
    """The weights ``w`` [O, ..] of an operator that sums over their other axes."""

    w: Value

    def terms(self) -> int:
        """Products that each result element sums."""
        return math.prod(self.w.type.concrete(1)[1:])


def verify_floats(op: Conv | Gemm) -> None:
    """Operands of f32; weights may be codes of few levels instead, with a table of floats."""
    for value in op.operands:
        coded = value is op.w and isinstance(value.element, Bits)
        if value.element != F32 and not coded:
            raise VerifyError(f"{op.mnemonic()} needs f32 operands, got {value!r}")


class WeightWindow(Weighted):
    """The sliding window of an operator whose weights give the kernel's size."""

    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]

    @property
    def window(self) -> Window:
        """The sliding window."""
        return Window(tuple(self.w.shape[2:]), self.strides, self.dilations, self.pads)


@dataclass(frozen=True)
class Conv(WeightWindow, Op):
    """Cross-correlation of x [N, C, ..] with w [O, C/groups, ..] plus bias [O], zero-padded.

    Weights are f32, or bits whose table has floats: a code stands for the weight it names."""

    traits = Trait.WINDOW | Trait.PRODUCT | Trait.SUMS | Trait.MULTIPLIES

    x: Value
    w: Value
    bias: Value | None
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    def infer(self) -> tuple[TensorType, ...]:
        out = conv_type(self.x, self.w, self.window, self.groups)
        if self.bias is not None and self.bias.shape != (out[0],):
            raise VerifyError(f"bias {self.bias!r} does not fit {out[0]} channels")
        return (TensorType((self.x.shape[0], *out), self.x.element),)

    def verify(self) -> None:
        verify_floats(self)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Sums in float64 and rounds once."""
        x, w = self.window.padded(args[0], 0), decode(args[1], self.w.element)
        out = conv_reference(x, w, self.window, self.groups, np.float64)
        if self.bias is not None:
            out = out + args[2].astype(np.float64).reshape(-1, *[1] * (w.ndim - 2))
        return out.astype(x.dtype)


@dataclass(frozen=True)
class Gemm(Weighted, Op):
    """x [P, K] times the transpose of w [O, K], plus bias [O]; weights as in `Conv`."""

    traits = Trait.PRODUCT | Trait.SUMS | Trait.MULTIPLIES

    x: Value
    w: Value
    bias: Value | None

    def infer(self) -> tuple[TensorType, ...]:
        if self.x.type.rank != 2 or self.w.type.rank != 2 or self.x.shape[1] != self.w.shape[1]:
            raise VerifyError(f"gemm operands {self.x!r} and {self.w!r} do not fit")
        if self.bias is not None and self.bias.shape != (self.w.shape[0],):
            raise VerifyError(f"bias {self.bias!r} does not fit {self.w!r}")
        return (TensorType((self.x.shape[0], self.w.shape[0]), self.x.element),)

    def verify(self) -> None:
        verify_floats(self)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Sums in float64 and rounds once."""
        w = decode(args[1], self.w.element).astype(np.float64)
        out = args[0].astype(np.float64) @ w.T
        if self.bias is not None:
            out = out + args[2]
        return out.astype(args[0].dtype)


@dataclass(frozen=True)
class MatMul(Op):
    """Matrix product of the last two axes, the others broadcast (NumPy's matmul, ranks >= 2)."""

    traits = Trait.SUMS | Trait.MULTIPLIES

    a: Value
    b: Value

    def infer(self) -> tuple[TensorType, ...]:
        if min(self.a.type.rank, self.b.type.rank) < 2 or self.a.shape[-1] != self.b.shape[-2]:
            raise VerifyError(f"matmul operands {self.a!r} and {self.b!r} do not fit")
        lead = broadcast([self.a.shape[:-2], self.b.shape[:-2]])
        return (TensorType((*lead, self.a.shape[-2], self.b.shape[-1]), self.a.element),)

    def verify(self) -> None:
        if not self.a.element == self.b.element == F32:
            raise VerifyError(f"matmul needs f32 operands, got {self.a!r} and {self.b!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Sums in float64 and rounds once."""
        a, b = args
        return np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)

    def terms(self) -> int:
        return self.a.type.concrete(1)[-1]


def batch_norm_terms(scale: Any, bias: Any, mean: Any, var: Any, epsilon: float) -> tuple[Any, Any]:
    """BatchNormalization as y = x*k + b, in float32: k = scale * (1 / sqrt(var + eps)),
    b = bias - mean*k (ONNX Runtime's order, bit for bit)."""
    one = np.float32(1)
    k = scale * (one / np.sqrt(var + np.float32(epsilon)))
    return k, bias - mean * k


@dataclass(frozen=True)
class BatchNorm(Op):
    """Inference batch normalisation of x [N, C, ..]; the other operands are [C]."""

    traits = Trait.MULTIPLIES

    x: Value
    scale: Value
    bias: Value
    mean: Value
    var: Value
    epsilon: float = 1e-5

    def infer(self) -> tuple[TensorType, ...]:
        for value in self.operands[1:]:
            if self.x.type.rank < 2 or value.shape != (self.x.shape[1],):
                raise VerifyError(f"batch_norm parameter {value!r} does not fit {self.x!r}")
        return (TensorType(self.x.shape, self.x.element),)

    def verify(self) -> None:
        for value in self.operands:
            if value.element != F32:
                raise VerifyError(f"batch_norm needs f32 operands, got {value!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        _, scale, bias, mean, var = args
        k, b = batch_norm_terms(scale, bias, mean, var, self.epsilon)
        shape = (-1, *[1] * (args[0].ndim - 2))
        return args[0] * k.reshape(shape) + b.reshape(shape)


@dataclass(frozen=True)
class _Pool(Op):
    x: Value
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    ceil_mode: bool = False

    @property
    def window(self) -> Window:
        """The sliding window."""
        return Window(self.kernel, self.strides, self.dilations, self.pads, self.ceil_mode)

    def infer(self) -> tuple[TensorType, ...]:
        self.window.check(self.x.type.rank)
        spatial = self.window.output(self.x.shape[2:])
        return (TensorType((*self.x.shape[:2], *spatial), self.x.element),)

    def verify_pads(self) -> None:
        """Raise VerifyError when a window would start or end beyond its own size of padding."""
        spatial = len(self.kernel)
        for axis in range(spatial):
            if max(self.pads[axis], self.pads[axis + spatial]) >= self.window.extent(axis):
                raise VerifyError(f"pads {self.pads} leave windows of {self.mnemonic()} empty")


@dataclass(frozen=True)
class MaxPool(_Pool):
    """Largest value in each window; padding never wins. On bits, the largest code."""

    traits = Trait.WINDOW | Trait.SELECTS | Trait.RISES

    def verify(self) -> None:
        if self.x.element == BOOL:
            raise VerifyError("max_pool cannot compare bool")
        self.verify_pads()

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        kind = args[0].dtype
        low = -np.inf if np.issubdtype(kind, np.floating) else np.iinfo(kind).min
        x = self.window.padded(args[0], low)
        spatial = self.window.output(args[0].shape[2:])
        out = None
        for _, seen in self.window.taps(x, spatial):
            out = seen if out is None else np.maximum(out, seen)
        return np.ascontiguousarray(out)

    def may_be_empty(self) -> bool:
        """Whether some window sees padding only: its maximum is -inf."""
        return any(axis.may_be_empty for axis in window_axes(self.window, self.x.shape[2:]))

    def interval(self, args: Sequence[Interval]) -> Interval:
        (x,) = args
        lowest = np.float32(-np.inf) if any(self.pads) else x.low
        return Interval(lowest, x.high, x.least, x.nan)


@dataclass(frozen=True)
class AveragePool(_Pool):
    """Mean of each window: taps summed in row-major order, divided by their number.

    ``count_pads`` counts explicit padding as zeros, else only positions inside the operand count.
    """

    traits = Trait.WINDOW | Trait.SUMS | Trait.RISES

    count_pads: bool = False

    def verify(self) -> None:
        if self.x.element != F32:
            raise VerifyError(f"average_pool needs f32, got {self.x!r}")
        if not self.count_pads:
            self.verify_pads()

    def divisors(self) -> Any:
        """Positions counted in each window, float32 of the output's spatial shape."""
        counts: list[Array] = []
        for number, axis in enumerate(window_axes(self.window, self.x.shape[2:])):
            after = self.pads[number + len(self.kernel)]
            first, end = (-axis.pad, axis.size + after) if self.count_pads else (0, axis.size)
            counts.append(axis.before(end) - axis.before(first))
        product: Any = np.multiply.outer
        return reduce(product, counts).astype(np.float32)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        x = self.window.padded(args[0], 0)
        total = None
        for _, seen in self.window.taps(x, self.window.output(args[0].shape[2:])):
            total = seen if total is None else total + seen
        return total / self.divisors()

    def terms(self) -> int:
        return math.prod(self.kernel)


class Reduction:
    """An operator that makes one element of all those along ``axes``."""

    x: Value
    axes: tuple[int, ...]
    keepdims: bool


@dataclass(frozen=True)
class _Reduce(Reduction, Op):
    x: Value
    axes: tuple[int, ...]
    keepdims: bool = True

    def infer(self) -> tuple[TensorType, ...]:
        if list(self.axes) != sorted(set(self.axes)) or not all(
            0 <= a < self.x.type.rank for a in self.axes
        ):
            raise VerifyError(f"axes {self.axes} do not fit {self.x!r}")
        if any(isinstance(self.x.shape[a], Batch) for a in self.axes):
            raise VerifyError(f"{self.mnemonic()} over the symbolic batch is not supported")
        kept = [1 if i in self.axes else d for i, d in enumerate(self.x.shape)]
        if not self.keepdims:
            kept = [d for i, d in enumerate(kept) if i not in self.axes]
        return (TensorType(tuple(kept), self.x.element),)

    def verify(self) -> None:
        if not isinstance(self.x.element, Scalar):
            raise VerifyError(f"{self.mnemonic()} cannot read {self.x!r}")

    def terms(self) -> int:
        sizes = [d for a, d in enumerate(self.x.type.concrete(1)) if a in self.axes]
        return math.prod(sizes) if Trait.SUMS in self.traits else 1


@dataclass(frozen=True)
class ReduceMean(_Reduce):
    """Mean over ``axes``."""

    traits = Trait.REDUCES | Trait.SUMS | Trait.RISES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Sums in float64 and rounds once."""
        out = np.mean(args[0], self.axes, dtype=np.float64, keepdims=self.keepdims)
        return out.astype(args[0].dtype)


@dataclass(frozen=True)
class ReduceSum(_Reduce):
    """Sum over ``axes``."""

    traits = Trait.REDUCES | Trait.SUMS | Trait.RISES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Float sums in float64, rounded once; integer sums wrap."""
        floating = np.issubdtype(args[0].dtype, np.floating)
        kind = np.float64 if floating else args[0].dtype
        out = np.sum(args[0], self.axes, dtype=kind, keepdims=self.keepdims)
        return out.astype(args[0].dtype)

    def interval(self, args: Sequence[Interval]) -> Interval:
        """Adding what is not negative never makes a sum smaller."""
        (x,) = args
        low = np.where(x.low >= 0, x.low, np.float32(-np.inf))
        high = np.where(x.high <= 0, np.float32(0), np.float32(np.inf))
        return Interval.of(low, high, nan=x.nan | x.unbounded)


@dataclass(frozen=True)
class ReduceMax(_Reduce):
    """Largest value over ``axes``."""

    traits = Trait.REDUCES | Trait.SELECTS | Trait.RISES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.max(args[0], self.axes, keepdims=self.keepdims)


@dataclass(frozen=True)
class ReduceMin(_Reduce):
    """Smallest value over ``axes``."""

    traits = Trait.REDUCES | Trait.SELECTS | Trait.RISES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.min(args[0], self.axes, keepdims=self.keepdims)


@dataclass(frozen=True)
class _SoftmaxBase(Op):
    x: Value
    axis: int

    def infer(self) -> tuple[TensorType, ...]:
        if not 0 <= self.axis < self.x.type.rank or isinstance(self.x.shape[self.axis], Batch):
            raise VerifyError(f"{self.mnemonic()} axis {self.axis} does not fit {self.x!r}")
        return (TensorType(self.x.shape, self.x.element),)

    def verify(self) -> None:
        if self.x.element != F32:
            raise VerifyError(f"{self.mnemonic()} needs f32, got {self.x!r}")


@dataclass(frozen=True)
class Softmax(_SoftmaxBase):
    """exp(x - max) over its sum along ``axis``."""

    traits = Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        e = np.exp(args[0] - np.max(args[0], self.axis, keepdims=True))
        return e / np.sum(e, self.axis, keepdims=True)

    def interval(self, args: Sequence[Interval]) -> Interval:
        return Interval.of(0, 1 + LIBRARY_ERROR, nan=args[0].nan | args[0].unbounded)


@dataclass(frozen=True)
class LogSoftmax(_SoftmaxBase):
    """x - max - log of the sum of exp(x - max) along ``axis``."""

    traits = Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        shifted = args[0] - np.max(args[0], self.axis, keepdims=True)
        return shifted - np.log(np.sum(np.exp(shifted), self.axis, keepdims=True))
