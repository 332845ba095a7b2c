"""Operators on bits: from floats to bits, integer sums of ±1 products, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value, decode
from ..types import BOOL, F32, I8, I32, SIGN, TERNARY, U8, Bits, Element, TensorType
from .nn import WeightWindow, conv_reference, conv_type

PLUS_MINUS: tuple[Element, ...] = (SIGN, TERNARY)
BYTES: tuple[Element, ...] = (U8, I8)
"""Integers that a product with bits takes as they are."""


@dataclass(frozen=True)
class Binarize(Op):
    """The sign of a float as bits; ``zero`` is its value at 0, NaN gives -1.

    With ``zero`` = 0 the result is ternary, which keeps ONNX ``Sign`` exact.
    """

    elementwise: ClassVar[bool] = True
    x: Value
    zero: int

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(self.x.shape, TERNARY if self.zero == 0 else SIGN),)

    def verify(self) -> None:
        if self.x.element != F32 or self.zero not in (-1, 0, 1):
            raise VerifyError(f"binarize needs f32 and zero in -1, 0, 1, got {self}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        x = args[0]
        if self.zero == 0:
            return (x > 0).astype(np.int8) - (x < 0) - np.isnan(x)
        return (x >= 0 if self.zero > 0 else x > 0).astype(np.uint8)


@dataclass(frozen=True)
class Decode(Op):
    """Packed elements as the float32 values that they stand for."""

    elementwise: ClassVar[bool] = True
    x: Value

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(self.x.shape, F32),)

    def verify(self) -> None:
        if not self.x.type.is_binary:
            raise VerifyError(f"decode needs packed elements, got {self.x!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return decode(args[0], self.x.element)


@dataclass(frozen=True)
class Threshold(Op):
    """A count against integer thresholds per channel: (x >= t[c]) xor flip[c], as ±1 bits.

    ``x`` is i32 [N, C, ..]; ``thresholds`` i32 [C]; ``flip`` bool [C] for decreasing functions.
    """

    elementwise: ClassVar[bool] = True
    x: Value
    thresholds: Value
    flip: Value

    def infer(self) -> tuple[TensorType, ...]:
        for value in (self.thresholds, self.flip):
            if self.x.type.rank < 2 or value.shape != (self.x.shape[1],):
                raise VerifyError(f"threshold parameter {value!r} does not fit {self.x!r}")
        return (TensorType(self.x.shape, SIGN),)

    def verify(self) -> None:
        if not self.x.element == self.thresholds.element == I32 or self.flip.element != BOOL:
            raise VerifyError(f"threshold needs i32 operands and bool flips, got {self.operands}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        x, thresholds, flip = args
        shape = (-1, *[1] * (x.ndim - 2))
        above = x >= thresholds.reshape(shape)
        return (above ^ flip.reshape(shape)).astype(np.uint8)


@dataclass(frozen=True)
class BinaryConv(WeightWindow, Op):
    """Integer convolution of x (±1, ternary or 8-bit integers) with ±1 w: i32 sums; padding
    contributes 0."""

    x: Value
    w: Value
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    def infer(self) -> tuple[TensorType, ...]:
        out = conv_type(self.x, self.w, self.window, self.groups)
        return (TensorType((self.x.shape[0], *out), I32),)

    def verify(self) -> None:
        if self.x.element not in PLUS_MINUS + BYTES or self.w.element != SIGN:
            raise VerifyError(f"binary_conv cannot multiply {self.x!r} and {self.w!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Exact: float64 holds every sum below 2**53."""
        x = self.window.padded(decode(args[0], self.x.element), 0)
        w = decode(args[1], self.w.element)
        return conv_reference(x, w, self.window, self.groups, np.float64).astype(np.int32)


@dataclass(frozen=True)
class BinaryGemm(Op):
    """Integer product of x [P, K] (±1, ternary or 8-bit integers) with the transpose of ±1 w
    [O, K]: i32 sums."""

    x: Value
    w: Value

    def infer(self) -> tuple[TensorType, ...]:
        if self.x.type.rank != 2 or self.w.type.rank != 2 or self.x.shape[1] != self.w.shape[1]:
            raise VerifyError(f"binary_gemm operands {self.x!r} and {self.w!r} do not fit")
        return (TensorType((self.x.shape[0], self.w.shape[0]), I32),)

    def verify(self) -> None:
        if self.x.element not in PLUS_MINUS + BYTES or self.w.element != SIGN:
            raise VerifyError(f"binary_gemm cannot multiply {self.x!r} and {self.w!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Exact: float64 holds every sum below 2**53."""
        x = decode(args[0], self.x.element).astype(np.float64)
        w = decode(args[1], self.w.element).astype(np.float64)
        return (x @ w.T).astype(np.int32)


def is_sign_like(element: Element) -> bool:
    """True for elements that binary products read on the activation side."""
    return element in PLUS_MINUS


def table(element: Element) -> tuple[float, ...]:
    """Values that an element can take, in order of their codes."""
    return element.values if isinstance(element, Bits) else (-1.0, 0.0, 1.0)
