"""Elementwise operators, with NumPy broadcasting. Each rounds once, in the type of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value
from ..intervals import (
    UNKNOWN,
    Interval,
    added,
    divided,
    magnitude,
    multiplied,
    negated,
    truth,
)
from ..traits import Trait
from ..types import BOOL, F16, F32, F64, Element, Scalar, TensorType, broadcast

FLOATS: tuple[Element, ...] = (F32, F64, F16)


@dataclass(frozen=True)
class Elementwise(Op):
    """Common part: results have the broadcast shape of all operands."""

    def result_element(self) -> Element:
        """Element of the result: that of the first operand, which the others must share."""
        first = self.operands[0].element
        for value in self.operands[1:]:
            if value.element != first:
                raise VerifyError(
                    f"{self.mnemonic()} mixes {first} and {value.element}; insert a cast"
                )
        return first

    def infer(self) -> tuple[TensorType, ...]:
        for value in self.operands:
            if not isinstance(value.element, Scalar):
                raise VerifyError(f"{self.mnemonic()} cannot read {value!r}")
        shape = broadcast([v.shape for v in self.operands])
        return (TensorType(shape, self.result_element()),)


@dataclass(frozen=True)
class Unary(Elementwise):
    x: Value


@dataclass(frozen=True)
class _FloatUnary(Unary):
    def result_element(self) -> Element:
        if self.x.element not in FLOATS:
            raise VerifyError(f"{self.mnemonic()} needs a float operand, got {self.x!r}")
        return self.x.element


@dataclass(frozen=True)
class _NumberUnary(Unary):
    def result_element(self) -> Element:
        if self.x.element == BOOL:
            raise VerifyError(f"{self.mnemonic()} needs numbers, got {self.x!r}")
        return self.x.element


@dataclass(frozen=True)
class Neg(_NumberUnary):
    """-x."""

    traits = Trait.ELEMENTWISE | Trait.FALLS | Trait.AFFINE | Trait.NONEXPANSIVE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.negative(args[0])

    def interval(self, args: Sequence[Interval]) -> Interval:
        return negated(args[0])


@dataclass(frozen=True)
class Abs(_NumberUnary):
    """|x|."""

    traits = Trait.ELEMENTWISE | Trait.NONEXPANSIVE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.abs(args[0])

    def interval(self, args: Sequence[Interval]) -> Interval:
        return magnitude(args[0])


@dataclass(frozen=True)
class Relu(_NumberUnary):
    """max(x, 0); NaN stays NaN."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.maximum(args[0], args[0].dtype.type(0))


@dataclass(frozen=True)
class Sigmoid(_FloatUnary):
    """1 / (1 + exp(-x))."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE | Trait.APPROXIMATED
    codomain = (0.0, 1.0)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        one = args[0].dtype.type(1)
        with np.errstate(over="ignore"):
            return one / (one + np.exp(-args[0]))


@dataclass(frozen=True)
class Tanh(_FloatUnary):
    """Hyperbolic tangent."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE | Trait.APPROXIMATED
    codomain = (-1.0, 1.0)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.tanh(args[0])


@dataclass(frozen=True)
class Exp(_FloatUnary):
    """e to the power x."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED
    codomain = (0.0, np.inf)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        with np.errstate(over="ignore"):
            return np.exp(args[0])


@dataclass(frozen=True)
class Log(_FloatUnary):
    """Natural logarithm."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED | Trait.PARTIAL

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(args[0])


@dataclass(frozen=True)
class Erf(_FloatUnary):
    """Error function, within 2 ulp of its float64 value."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED
    codomain = (-1.0, 1.0)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _erf(args[0].astype(np.float64)).astype(args[0].dtype)


@dataclass(frozen=True)
class Sqrt(_FloatUnary):
    """Square root."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.PARTIAL
    codomain = (0.0, np.inf)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        with np.errstate(invalid="ignore"):
            return np.sqrt(args[0])


@dataclass(frozen=True)
class Reciprocal(_FloatUnary):
    """1 / x."""

    traits = Trait.ELEMENTWISE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        with np.errstate(divide="ignore"):
            return args[0].dtype.type(1) / args[0]


@dataclass(frozen=True)
class Floor(_FloatUnary):
    """Largest integer not above x."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.STEPS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.floor(args[0])


@dataclass(frozen=True)
class Ceil(_FloatUnary):
    """Smallest integer not below x."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.STEPS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.ceil(args[0])


@dataclass(frozen=True)
class Round(_FloatUnary):
    """Nearest integer, halves to even."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.STEPS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.rint(args[0])


@dataclass(frozen=True)
class Sign(_FloatUnary):
    """+1 above zero, -1 below, ``zero`` at it (ONNX Sign has 0); the sign of NaN is -1."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.STEPS

    zero: int = 0

    def verify(self) -> None:
        if self.zero not in (-1, 0, 1):
            raise VerifyError(f"sign at zero is -1, 0 or 1, got {self.zero}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        x = args[0]
        one = x.dtype.type(1)
        return np.where(x > 0, one, np.where(x == 0, x.dtype.type(self.zero), -one))

    def interval(self, args: Sequence[Interval]) -> Interval:
        """A number whatever the operand is: -1 for what is none."""
        (x,) = args
        bounds = super().interval(args)
        low = np.where(x.nan, np.float32(-1), bounds.low)
        return Interval.of(low, bounds.high, np.where((x.least > 0) | (self.zero != 0), 1, 0))


@dataclass(frozen=True)
class Clip(Unary):
    """min(max(x, low), high), bounds rounded to the operand's type; NaN stays NaN."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE

    low: float = -float("inf")
    high: float = float("inf")

    def verify(self) -> None:
        if not isinstance(self.x.element, Scalar) or self.x.element not in FLOATS:
            raise VerifyError(f"clip needs a float operand, got {self.x!r}")
        if np.isnan(self.low) or np.isnan(self.high):
            raise VerifyError("clip bounds must be numbers")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        kind = args[0].dtype.type
        return np.minimum(np.maximum(args[0], kind(self.low)), kind(self.high))


@dataclass(frozen=True)
class Cast(Unary):
    """Conversion to another element type: to integers towards zero, to bool by ``!= 0``."""

    traits = Trait.ELEMENTWISE

    to: Element

    def result_element(self) -> Element:
        if not isinstance(self.to, Scalar):
            raise VerifyError(f"cast cannot make {self.to}; use binarize")
        return self.to

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        with np.errstate(invalid="ignore"):
            return args[0].astype(self.to.dtype)

    @property
    def jumps(self) -> bool:
        return self.to not in FLOATS

    def interval(self, args: Sequence[Interval]) -> Interval:
        (x,) = args
        if self.x.element == F32 and self.to == BOOL:
            return truth((x.low > 0) | (x.high < 0) | (x.least > 0), (x.most == 0) & ~x.nan)
        return x if {self.x.element, self.to} <= {F32, BOOL} else UNKNOWN


@dataclass(frozen=True)
class Binary(Elementwise):
    a: Value
    b: Value


@dataclass(frozen=True)
class _Arithmetic(Binary):
    def result_element(self) -> Element:
        if self.a.element == BOOL:
            raise VerifyError(f"{self.mnemonic()} needs numbers, got {self.a!r}")
        return super().result_element()


@dataclass(frozen=True)
class Add(_Arithmetic):
    """a + b."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.AFFINE | Trait.COMMUTES | Trait.NONEXPANSIVE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] + args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        return added(*args)


@dataclass(frozen=True)
class Sub(_Arithmetic):
    """a - b."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.AFFINE | Trait.NONEXPANSIVE

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] - args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        return added(args[0], negated(args[1]))


@dataclass(frozen=True)
class Mul(_Arithmetic):
    """a * b."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.AFFINE | Trait.COMMUTES | Trait.MULTIPLIES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] * args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        return multiplied(*args)


@dataclass(frozen=True)
class Div(_Arithmetic):
    """a / b; integers towards zero, and 0 where b is 0."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.AFFINE | Trait.MULTIPLIES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        a, b = args
        if a.dtype.kind == "f":
            with np.errstate(divide="ignore", invalid="ignore"):
                return a / b
        safe = np.where(b == 0, b.dtype.type(1), b)
        with np.errstate(over="ignore"):
            below = a // safe
        inexact = (below * safe != a) & ((a < 0) != (b < 0))
        return np.where(b == 0, b.dtype.type(0), below + inexact.astype(b.dtype))

    def interval(self, args: Sequence[Interval]) -> Interval:
        return divided(*args)


@dataclass(frozen=True)
class Max(_Arithmetic):
    """The greater; NaN when one is NaN."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.SELECTS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.maximum(args[0], args[1])


@dataclass(frozen=True)
class Min(_Arithmetic):
    """The smaller; NaN when one is NaN."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.SELECTS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.minimum(args[0], args[1])


@dataclass(frozen=True)
class PRelu(_Arithmetic):
    """a where a >= 0, a * b elsewhere."""

    traits = Trait.ELEMENTWISE | Trait.MULTIPLIES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.where(args[0] >= 0, args[0], args[0] * args[1])


def _erf(x: Any) -> Any:
    """Error function in float64 by its series and continued fraction (Abramowitz and Stegun 7.1.5,
    7.1.14); absolute error below 1e-15."""
    magnitude = np.minimum(np.abs(x), 6.0)
    term = magnitude.copy()
    series = magnitude.copy()
    for n in range(1, 60):
        term = -term * magnitude**2 / n
        series = series + term / (2 * n + 1)
    fraction = np.full_like(magnitude, 0.0)
    safe = np.maximum(magnitude, 1.0)
    for n in range(80, 0, -1):
        fraction = (n / 2) / (safe + fraction)
    tail = 1 - np.exp(-(safe**2)) / ((safe + fraction) * np.sqrt(np.pi))
    inner = 2 / np.sqrt(np.pi) * series
    return np.sign(x) * np.where(magnitude < 2.0, inner, tail)
