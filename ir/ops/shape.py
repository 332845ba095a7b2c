"""Operators that move elements and do not compute; they read every element type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value
from ..intervals import Interval
from ..traits import Trait
from ..types import (
    I32,
    I64,
    Batch,
    Bits,
    Element,
    Layout,
    Shape,
    TensorType,
    Ternary,
    broadcast,
    shape_text,
)


@dataclass(frozen=True)
class Reshape(Op):
    """The same elements, in row-major order, under another shape."""

    traits = Trait.MOVES

    x: Value
    shape: Shape

    def infer(self) -> tuple[TensorType, ...]:
        result = TensorType(self.shape, self.x.element)
        if (
            result.elements_per_sample() != self.x.type.elements_per_sample()
            or result.symbolic != self.x.type.symbolic
        ):
            raise VerifyError(f"cannot reshape {self.x!r} to {shape_text(self.shape)}")
        return (result,)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0].reshape(TensorType(self.shape).concrete(batch))


@dataclass(frozen=True)
class Transpose(Op):
    """Result axis i is operand axis perm[i]. The batch stays first."""

    traits = Trait.MOVES

    x: Value
    perm: tuple[int, ...]

    def infer(self) -> tuple[TensorType, ...]:
        if sorted(self.perm) != list(range(self.x.type.rank)):
            raise VerifyError(f"permutation {self.perm} does not fit {self.x!r}")
        return (TensorType(tuple(self.x.shape[p] for p in self.perm), self.x.element),)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0].transpose(self.perm)


@dataclass(frozen=True)
class Concat(Op):
    """Operands one after another along ``axis``."""

    traits = Trait.MOVES | Trait.AXISWISE

    xs: tuple[Value, ...]
    axis: int

    def infer(self) -> tuple[TensorType, ...]:
        if not self.xs:
            raise VerifyError("concat of nothing")
        first = self.xs[0]
        if not 0 <= self.axis < first.type.rank:
            raise VerifyError(f"concat axis {self.axis} is outside {first!r}")
        total = 0
        for value in self.xs:
            rest = value.shape[: self.axis] + value.shape[self.axis + 1 :]
            if (
                value.element != first.element
                or value.type.rank != first.type.rank
                or rest != first.shape[: self.axis] + first.shape[self.axis + 1 :]
                or isinstance(value.shape[self.axis], Batch)
            ):
                raise VerifyError(f"cannot concatenate {self.xs} along axis {self.axis}")
            total += value.shape[self.axis]
        shape = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        return (TensorType(shape, first.element),)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.concatenate(args, self.axis)


@dataclass(frozen=True)
class Slice(Op):
    """Elements ``start + i * step`` for i < size on every axis; the batch is taken whole."""

    traits = Trait.MOVES | Trait.AXISWISE

    x: Value
    starts: tuple[int, ...]
    steps: tuple[int, ...]
    sizes: tuple[int, ...]
    """Elements kept per axis; the entry of a symbolic axis is ignored."""

    def infer(self) -> tuple[TensorType, ...]:
        shape: list[Any] = []
        rank = self.x.type.rank
        if not len(self.starts) == len(self.steps) == len(self.sizes) == rank:
            raise VerifyError(f"slice of {self.x!r} needs {rank} starts, steps and sizes")
        for dim, start, step, size in zip(
            self.x.shape, self.starts, self.steps, self.sizes, strict=True
        ):
            if isinstance(dim, Batch):
                if start or step != 1:
                    raise VerifyError("the batch dimension cannot be sliced")
                shape.append(dim)
                continue
            last = start + step * (size - 1)
            if step == 0 or size < 0 or (size and not (0 <= start < dim and 0 <= last < dim)):
                raise VerifyError(f"slice {start}+{step}*{size} is outside {self.x!r}")
            shape.append(size)
        return (TensorType(tuple(shape), self.x.element),)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        out = args[0]
        for axis, dim in enumerate(self.x.shape):
            if not isinstance(dim, Batch):
                index = self.starts[axis] + self.steps[axis] * np.arange(self.sizes[axis])
                out = np.take(out, index, axis)
        return out


@dataclass(frozen=True)
class Pad(Op):
    """A border of ``value`` of ``before[i]`` and ``after[i]`` elements on axis i.

    For packed elements the value must be one of the element's own values.
    """

    traits = Trait.MOVES | Trait.AXISWISE

    x: Value
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0.0

    def infer(self) -> tuple[TensorType, ...]:
        if not len(self.before) == len(self.after) == self.x.type.rank:
            raise VerifyError(f"pad of {self.x!r} needs {self.x.type.rank} entries")
        shape: list[Any] = []
        for dim, before, after in zip(self.x.shape, self.before, self.after, strict=True):
            if before < 0 or after < 0 or (isinstance(dim, Batch) and (before or after)):
                raise VerifyError(f"pads {self.before}, {self.after} do not fit {self.x!r}")
            shape.append(dim if isinstance(dim, Batch) else dim + before + after)
        return (TensorType(tuple(shape), self.x.element),)

    def verify(self) -> None:
        element = self.x.element
        if isinstance(element, Bits):
            fits = self.value in element.values
        elif isinstance(element, Ternary):
            fits = self.value in (-1, 0, 1)
        elif element.dtype.kind == "f":
            fits = True
        elif element.dtype.kind == "b":
            fits = self.value in (0, 1)
        else:
            info = np.iinfo(element.dtype.name)
            fits = self.value == np.floor(self.value) and info.min <= self.value <= info.max
        if not fits:
            raise VerifyError(f"{element} cannot be padded with {self.value:g}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        value = code_of(self.value, self.x.element)
        pads = list(zip(self.before, self.after, strict=True))
        return np.pad(args[0], pads, constant_values=value)

    def interval(self, args: Sequence[Interval]) -> Interval:
        return Interval.union(args[0], Interval.of(self.value, self.value))


@dataclass(frozen=True)
class Expand(Op):
    """Broadcast to ``shape`` (joined with the operand's own by broadcasting)."""

    traits = Trait.ELEMENTWISE | Trait.MOVES

    x: Value
    shape: Shape

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(broadcast([self.x.shape, self.shape]), self.x.element),)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        shape = self.infer()[0].concrete(batch)
        return np.broadcast_to(args[0], shape).copy()


@dataclass(frozen=True)
class Gather(Op):
    """Entries of ``axis`` at integer ``indices``, negative ones from the end."""

    traits = Trait.MOVES

    x: Value
    indices: Value
    axis: int

    def infer(self) -> tuple[TensorType, ...]:
        if not 0 <= self.axis < self.x.type.rank or isinstance(self.x.shape[self.axis], Batch):
            raise VerifyError(f"cannot gather along axis {self.axis} of {self.x!r}")
        if self.indices.element not in (I32, I64):
            raise VerifyError(f"gather needs integer indices, got {self.indices!r}")
        shape = (*self.x.shape[: self.axis], *self.indices.shape, *self.x.shape[self.axis + 1 :])
        return (TensorType(shape, self.x.element),)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        size = args[0].shape[self.axis]
        outside = args[1][(args[1] < -size) | (args[1] >= size)]
        if outside.size:
            raise VerifyError(f"index {outside[0]} is outside axis {self.axis} of {self.x!r}")
        return np.take(args[0], args[1], self.axis)

    @property
    def sources(self) -> tuple[Value, ...]:
        return (self.x,)


@dataclass(frozen=True)
class Relayout(Op):
    """The same tensor in another layout: the identity on values.

    Bits and ternaries go between words and planes by a transposition of bits.
    """

    traits = Trait.MOVES

    x: Value
    layout: Layout

    def infer(self) -> tuple[TensorType, ...]:
        return (self.x.type.with_layout(self.layout),)

    def verify(self) -> None:
        if self.layout in (Layout.WORDS, Layout.PLANES) and not self.x.type.is_binary:
            raise VerifyError(f"{self.x!r} cannot be packed: only bits lie in {self.layout.value}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0]


def code_of(value: float, element: Element) -> Any:
    """How a value is stored in a tensor of ``element``."""
    return element.values.index(value) if isinstance(element, Bits) else value


def flat_size(shape: Shape) -> int:
    """Elements of a shape for N = 1."""
    return math.prod(d.factor if isinstance(d, Batch) else d for d in shape)
