"""Comparisons, logic and choice, element by element, with NumPy broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Value
from ..intervals import UNKNOWN, Interval, chosen, monotone, truth
from ..traits import Trait
from ..types import BOOL, Element
from .elementwise import FLOATS, Binary, Elementwise, Unary


@dataclass(frozen=True)
class Not(Unary):
    """Complement of a truth value, or of each bit of an integer."""

    traits = Trait.ELEMENTWISE | Trait.FALLS

    def verify(self) -> None:
        if self.x.element in FLOATS:
            raise VerifyError(f"not needs bool or integers, got {self.x!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.invert(args[0])

    def interval(self, args: Sequence[Interval]) -> Interval:
        (x,) = args
        return Interval.of(1 - x.high, 1 - x.low, nan=x.nan) if self.x.element == BOOL else UNKNOWN


@dataclass(frozen=True)
class _Comparison(Binary):
    def result_element(self) -> Element:
        super().result_element()
        return BOOL


@dataclass(frozen=True)
class Equal(_Comparison):
    """a == b."""

    traits = Trait.ELEMENTWISE | Trait.STEPS | Trait.COMMUTES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] == args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        a, b = args
        same = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
        return truth(same & ~(a.nan | b.nan), (a.high < b.low) | (b.high < a.low))


@dataclass(frozen=True)
class Less(_Comparison):
    """a < b."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.STEPS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] < args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        a, b = args
        return truth((a.high < b.low) & ~(a.nan | b.nan), a.low >= b.high)


@dataclass(frozen=True)
class LessEqual(_Comparison):
    """a <= b."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.STEPS

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return args[0] <= args[1]

    def interval(self, args: Sequence[Interval]) -> Interval:
        a, b = args
        return truth((a.high <= b.low) & ~(a.nan | b.nan), a.low > b.high)


@dataclass(frozen=True)
class _Logical(Binary):
    def verify(self) -> None:
        if self.a.element in FLOATS:
            raise VerifyError(f"{self.mnemonic()} needs bool or integers, got {self.a!r}")


@dataclass(frozen=True)
class And(_Logical):
    """Both, bit by bit."""

    traits = Trait.ELEMENTWISE | Trait.COMMUTES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.bitwise_and(args[0], args[1])

    def interval(self, args: Sequence[Interval]) -> Interval:
        return monotone(lambda ends: np.minimum(*ends), args) if self.a.element == BOOL else UNKNOWN


@dataclass(frozen=True)
class Or(_Logical):
    """One of the two or both, bit by bit."""

    traits = Trait.ELEMENTWISE | Trait.COMMUTES

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.bitwise_or(args[0], args[1])

    def interval(self, args: Sequence[Interval]) -> Interval:
        return monotone(lambda ends: np.maximum(*ends), args) if self.a.element == BOOL else UNKNOWN


@dataclass(frozen=True)
class Where(Elementwise):
    """a where condition, b elsewhere."""

    traits = Trait.ELEMENTWISE | Trait.TURNS | Trait.SELECTS

    condition: Value
    a: Value
    b: Value

    def result_element(self) -> Element:
        if self.condition.element != BOOL or self.a.element != self.b.element:
            raise VerifyError(f"where needs bool and two equal types, got {self.operands}")
        return self.a.element

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return np.where(args[0], args[1], args[2])

    def interval(self, args: Sequence[Interval]) -> Interval:
        return chosen(*args)

    @property
    def sources(self) -> tuple[Value, ...]:
        return (self.a, self.b)
