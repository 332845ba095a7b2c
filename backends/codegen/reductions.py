"""How many elements become one: the folds of reductions, pools and softmax, for every backend.

A fold has one state per lane. A state starts from what changes no value, absorbs elements in order
or is combined with another state, and is finished once all are in:

    state = fold.initial(lanes)
    state = fold.absorb(code, state, x)             # for each element
    result = fold.finish(code, state, divisor)

Sums of floats in reductions are float64 and round once, whatever the order; those of pools are
float32, their taps in row-major order. A maximum or minimum is NaN when an element is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from ...ir import BOOL, F16, F32, I8, U8, Op, Scalar, Ternary
from ...ir.ops import (
    AveragePool,
    Fused,
    LogSoftmax,
    MaxPool,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceSum,
    Softmax,
)
from ..interface import Choice
from ..targets import Target
from . import math_float32
from .fused_region import anchor_of, plain_refusal
from .kernel_builder import DOUBLE, Emission, IRValue, memory_type, vector

Reduce = ReduceMean | ReduceSum | ReduceMax | ReduceMin
Pool = MaxPool | AveragePool


@dataclass(frozen=True)
class Fold(ABC):
    """The arithmetic of one fold on vectors of any width."""

    element: Scalar
    """Of what is folded, and of the result."""

    @property
    def type(self) -> ir.Type:
        """A lane of the state."""
        return memory_type(self.element)

    @property
    @abstractmethod
    def start(self) -> float:
        """What changes no value; of unsigned integers the signed one of the same bits."""

    @abstractmethod
    def combine(self, code: Emission, a: IRValue, b: IRValue) -> IRValue:
        """Two states as one."""

    def initial(self, lanes: int) -> ir.Constant:
        """The state before the first element."""
        return ir.Constant(vector(self.type, lanes), [self.start] * lanes)

    def absorb(self, code: Emission, state: IRValue, x: IRValue) -> IRValue:
        """The state with one more element."""
        return self.combine(code, state, x)

    def finish(
        self, code: Emission, state: IRValue, divisor: IRValue | float | None = None
    ) -> IRValue:
        """The result: the state, divided where it is a mean."""
        assert divisor is None
        return state


@dataclass(frozen=True)
class Sum(Fold):
    """Integers wrap. Floats start at -0, since -0 + x is x for every x, -0 too."""

    wide: bool = False
    """Whether floats are summed in float64, and rounded once."""
    positive: bool = False
    """Whether no element has a minus sign: +0 changes nothing either then, and is cheaper."""

    @property
    def floating(self) -> bool:
        """Whether elements are floats."""
        return self.element.dtype.kind == "f"

    @property
    def type(self) -> ir.Type:
        return DOUBLE if self.wide and self.floating else memory_type(self.element)

    @property
    def start(self) -> float:
        if not self.floating:
            return 0
        return 0.0 if self.positive else -0.0

    def combine(self, code: Emission, a: IRValue, b: IRValue) -> IRValue:
        return code.b.fadd(a, b) if self.floating else code.b.add(a, b)

    def absorb(self, code: Emission, state: IRValue, x: IRValue) -> IRValue:
        if self.type != memory_type(self.element):
            x = code.b.fpext(x, vector(self.type, x.type.count))
        return self.combine(code, state, x)

    def finish(
        self, code: Emission, state: IRValue, divisor: IRValue | float | None = None
    ) -> IRValue:
        if isinstance(divisor, float):
            divisor = ir.Constant(state.type, [divisor] * state.type.count)
        if divisor is not None:
            state = code.b.fdiv(state, divisor)
        if self.type != memory_type(self.element):
            state = code.b.fptrunc(state, vector(memory_type(self.element), state.type.count))
        return state


@dataclass(frozen=True)
class Extreme(Fold):
    """The largest or the smallest element."""

    largest: bool
    least: int | None = None
    """The least value there is, where that is not the element's own."""

    @property
    def start(self) -> float:
        kind = self.element.dtype
        if self.least is not None:
            return self.least
        if kind.kind == "f":
            return -math.inf if self.largest else math.inf
        if kind.kind == "u":
            return 0 if self.largest else -1
        limits = np.iinfo(kind.name)
        return int(limits.min if self.largest else limits.max)

    def combine(self, code: Emission, a: IRValue, b: IRValue) -> IRValue:
        kind, builder = self.element.dtype.kind, code.b
        if kind == "f":
            extreme = math_float32.maximum if self.largest else math_float32.minimum
            return extreme(code, b, a)
        compare = builder.icmp_unsigned if kind == "u" else builder.icmp_signed
        return builder.select(compare(">" if self.largest else "<", b, a), b, a)


# --- operators --------------------------------------------------------------------------------


def reduce_fold(op: Reduce) -> Fold:
    """The fold of a reduction."""
    element = op.x.element
    assert isinstance(element, Scalar)
    if isinstance(op, ReduceMean | ReduceSum):
        return Sum(element, wide=True)
    return Extreme(element, largest=isinstance(op, ReduceMax))


def reduce_divisor(op: Reduce) -> float | None:
    """What a mean divides its sum by."""
    shape = op.x.type.concrete(1)
    return float(math.prod(shape[a] for a in op.axes)) if isinstance(op, ReduceMean) else None


def pool_fold(op: Pool) -> Fold:
    """The fold of a pooling window, which divides by `AveragePool.divisors`; packed elements as the
    codes that stand for them (ternary: their values)."""
    element = op.x.element
    if isinstance(op, AveragePool):
        return Sum(F32)
    if isinstance(element, Scalar):
        return Extreme(element, largest=True)
    if isinstance(element, Ternary):
        return Extreme(I8, largest=True, least=-1)
    return Extreme(U8, largest=True)


def refusal(op: Op, target: Target) -> str | None:
    """Why a reduction or a pool cannot be computed, or None."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, ReduceMean, ReduceSum, ReduceMax, ReduceMin, MaxPool, AveragePool)
    element = anchor.x.element
    if element in (F16, BOOL):
        return f"{anchor.mnemonic()} does not compute in {element}"
    if isinstance(anchor, ReduceMean) and element.dtype.kind != "f":
        return f"{anchor.mnemonic()} does not compute in {element}"
    return plain_refusal(op, target)


def reduce_cycles(op: Op, target: Target, choice: Choice) -> float:
    """One load and operation for each vector of a reduction's operand."""
    assert isinstance(op, Fused)
    return sum(v.type.elements_per_sample() for v in op.xs[:1]) * 2 / target.lanes


# --- softmax ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Highest(Extreme):
    """The largest number: NaN, which the differences keep, is passed over at less cost."""

    def combine(self, code: Emission, a: IRValue, b: IRValue) -> IRValue:
        return code.b.select(code.b.fcmp_ordered(">", b, a), b, a)


HIGHEST = Highest(F32, largest=True)
"""Of a row of softmax, subtracted from its elements."""
POWERS = Sum(F32, wide=True, positive=True)
"""Of powers of e as `math_float32.scaled_exp` scales them."""


def softmax_total(code: Emission, op: Softmax | LogSoftmax, state: IRValue) -> IRValue:
    """What the elements of a row have in common, of the state of its `POWERS`: the logarithm of
    their sum, or its reciprocal."""
    if isinstance(op, Softmax):
        one = ir.Constant(state.type, [1.0] * state.type.count)
        return POWERS.finish(code, code.b.fdiv(one, state))
    scale = ir.Constant(state.type, [2.0**-math_float32.EXP_SCALE] * state.type.count)
    return math_float32.log(code, POWERS.finish(code, code.b.fmul(state, scale)))


def softmax_result(code: Emission, op: Softmax | LogSoftmax, x: IRValue, total: IRValue) -> IRValue:
    """An element of the result, of its power (softmax) or of the difference to the highest."""
    if isinstance(op, Softmax):
        return code.b.fmul(x, total)
    return code.b.fsub(x, total)
