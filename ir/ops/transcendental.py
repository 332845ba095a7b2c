"""Trigonometry, hyperbolic functions, their inverses, and powers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value
from ..traits import Trait
from ..types import TensorType, broadcast
from .elementwise import FLOATS


def _exact(function: Any, *args: Any) -> Any:
    """In float64, rounded once to the operands' type."""
    with np.errstate(all="ignore"):
        out = function(*(a.astype(np.float64) for a in args))
        return out.astype(args[0].dtype)


@dataclass(frozen=True)
class _Float(Op):
    def infer(self) -> tuple[TensorType, ...]:
        first = self.operands[0].element
        if first not in FLOATS or any(v.element != first for v in self.operands):
            raise VerifyError(f"{self.mnemonic()} needs floats of one type, got {self.operands}")
        return (TensorType(broadcast([v.shape for v in self.operands]), first),)


@dataclass(frozen=True)
class _FloatUnary(_Float):
    x: Value


@dataclass(frozen=True)
class Sin(_FloatUnary):
    """Sine."""

    traits = Trait.ELEMENTWISE | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.sin, args[0])


@dataclass(frozen=True)
class Cos(_FloatUnary):
    """Cosine."""

    traits = Trait.ELEMENTWISE | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.cos, args[0])


@dataclass(frozen=True)
class Tan(_FloatUnary):
    """Tangent."""

    traits = Trait.ELEMENTWISE | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.tan, args[0])


@dataclass(frozen=True)
class Asin(_FloatUnary):
    """Arc sine; NaN beyond 1."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED | Trait.PARTIAL
    codomain = (-1.6, 1.6)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arcsin, args[0])


@dataclass(frozen=True)
class Acos(_FloatUnary):
    """Arc cosine; NaN beyond 1."""

    traits = Trait.ELEMENTWISE | Trait.FALLS | Trait.APPROXIMATED | Trait.PARTIAL
    codomain = (0.0, 3.2)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arccos, args[0])


@dataclass(frozen=True)
class Atan(_FloatUnary):
    """Arc tangent."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE | Trait.APPROXIMATED
    codomain = (-1.6, 1.6)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arctan, args[0])


@dataclass(frozen=True)
class Sinh(_FloatUnary):
    """Hyperbolic sine."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.sinh, args[0])


@dataclass(frozen=True)
class Cosh(_FloatUnary):
    """Hyperbolic cosine."""

    traits = Trait.ELEMENTWISE | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.cosh, args[0])


@dataclass(frozen=True)
class Asinh(_FloatUnary):
    """Inverse hyperbolic sine."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.NONEXPANSIVE | Trait.APPROXIMATED

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arcsinh, args[0])


@dataclass(frozen=True)
class Acosh(_FloatUnary):
    """Inverse hyperbolic cosine; NaN below 1."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED | Trait.PARTIAL

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arccosh, args[0])


@dataclass(frozen=True)
class Atanh(_FloatUnary):
    """Inverse hyperbolic tangent; NaN beyond 1."""

    traits = Trait.ELEMENTWISE | Trait.RISES | Trait.APPROXIMATED | Trait.PARTIAL

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.arctanh, args[0])


@dataclass(frozen=True)
class Pow(_Float):
    """a to the power b."""

    traits = Trait.ELEMENTWISE | Trait.APPROXIMATED

    a: Value
    b: Value

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return _exact(np.power, *args)
