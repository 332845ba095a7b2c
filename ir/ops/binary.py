"""Operators on bits: from floats to bits, integer sums of products of few bits, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import ANNOTATION, Op, Value, decode
from ..traits import Trait
from ..types import BOOL, F32, I8, I32, SIGN, TERNARY, U8, Array, Bits, Element, TensorType
from .nn import Conv, Gemm, Weighted, WeightWindow, conv_reference, conv_type

PLUS_MINUS: tuple[Element, ...] = (SIGN, TERNARY)
BYTES: tuple[Element, ...] = (U8, I8)
"""Integers that a product takes as they are, with weights of 1 to 8 bits."""
I32_MAX = (1 << 31) - 1
BLOCK = 64
"""Output channels that are computed together, from each other where that saves work."""


@dataclass(frozen=True)
class Binarize(Op):
    """The sign of a float as bits; ``zero`` is its value at 0, NaN gives -1.

    With ``zero`` = 0 the result is ternary, which keeps ONNX ``Sign`` exact.
    """

    traits = Trait.ELEMENTWISE | Trait.STEPS | Trait.RISES | Trait.BITS

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

    traits = Trait.ELEMENTWISE | Trait.BITS

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

    traits = Trait.ELEMENTWISE | Trait.STEPS | Trait.BITS

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
    """Integer convolution of x with w: i32 sums; padding contributes 0. Either w is ±1 and x ±1 or
    ternary, or x holds 8-bit integers and w integers of 1 to 8 bits.

    What weights have in common, for kernels that reuse sums and for their estimates, empty where
    nobody has looked: ``parents`` names for each output channel another one of its block of
    `BLOCK` channels that it is computed from, or -1, and ``distances`` in how many weights the two
    differ (all of them at -1); ``codewords`` is the number of distinct kernels, of one input
    channel each and up to sign, in the whole layer. ``largest`` is the largest magnitude in x, 0
    where it is only known to be of its type.
    """

    traits = Trait.WINDOW | Trait.PRODUCT | Trait.SUMS | Trait.MULTIPLIES | Trait.BITS

    x: Value
    w: Value
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1
    parents: tuple[int, ...] = field(default=(), metadata={ANNOTATION: True})
    distances: tuple[int, ...] = field(default=(), metadata={ANNOTATION: True})
    codewords: int = field(default=0, metadata={ANNOTATION: True})
    largest: int = field(default=0, metadata={ANNOTATION: True})

    def infer(self) -> tuple[TensorType, ...]:
        out = conv_type(self.x, self.w, self.window, self.groups)
        return (TensorType((self.x.shape[0], *out), I32),)

    def verify(self) -> None:
        verify_product(self)
        channels = self.w.shape[0]
        if self.parents and not (len(self.parents) == len(self.distances) == channels):
            raise VerifyError(f"binary_conv of {channels} channels needs a parent for each")
        if not is_forest(self.parents):
            raise VerifyError(f"parents {self.parents} are no forest in blocks of {BLOCK}")
        if min(self.distances, default=0) < 0 or self.codewords < 0:
            raise VerifyError("distances and codewords are counts")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Exact: float64 holds every sum below 2**53."""
        verify_largest(self, args[0])
        x = self.window.padded(decode(args[0], self.x.element), 0)
        w = decode(args[1], self.w.element)
        return conv_reference(x, w, self.window, self.groups, np.float64).astype(np.int32)


@dataclass(frozen=True)
class BinaryGemm(Weighted, Op):
    """Integer product of x [P, K] with the transpose of w [O, K], elements and ``largest`` as in
    `BinaryConv`: i32 sums."""

    traits = Trait.PRODUCT | Trait.SUMS | Trait.MULTIPLIES | Trait.BITS

    x: Value
    w: Value
    largest: int = field(default=0, metadata={ANNOTATION: True})

    def infer(self) -> tuple[TensorType, ...]:
        if self.x.type.rank != 2 or self.w.type.rank != 2 or self.x.shape[1] != self.w.shape[1]:
            raise VerifyError(f"binary_gemm operands {self.x!r} and {self.w!r} do not fit")
        return (TensorType((self.x.shape[0], self.w.shape[0]), I32),)

    def verify(self) -> None:
        verify_product(self)

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Exact: float64 holds every sum below 2**53."""
        verify_largest(self, args[0])
        x = decode(args[0], self.x.element).astype(np.float64)
        w = decode(args[1], self.w.element).astype(np.float64)
        return (x @ w.T).astype(np.int32)


def verify_product(op: BinaryConv | BinaryGemm) -> None:
    """Elements that can be multiplied, and sums that i32 holds."""
    signs = op.w.element == SIGN and op.x.element in PLUS_MINUS
    if not signs and not (op.x.element in BYTES and _is_integer(op.w.element)):
        raise VerifyError(f"{op.mnemonic()} cannot multiply {op.x!r} and {op.w!r}")
    if not 0 <= op.largest <= magnitude(op.x.element):
        raise VerifyError(f"{op.mnemonic()}: no magnitude of {op.x!r} is {op.largest}")
    if op.terms() * largest_product(op) > I32_MAX:
        raise VerifyError(f"sums of {op.mnemonic()} of {op.x!r} and {op.w!r} may exceed i32")


def verify_largest(op: BinaryConv | BinaryGemm, x: Array) -> None:
    """That no element of x has a larger magnitude than the operator states."""
    if op.largest and int(np.abs(x.astype(np.int16)).max(initial=0)) > op.largest:
        raise VerifyError(f"{op.mnemonic()}: {op.x!r} exceeds {op.largest}")


def _is_integer(element: Element) -> bool:
    """Whether an element holds integers of at most 8 bits."""
    if not isinstance(element, Bits):
        return element == I8
    return all(v == int(v) and -128 <= v <= 127 for v in element.values)


def magnitude(element: Element) -> int:
    """The largest magnitude of an operand's elements."""
    if isinstance(element, Bits):
        return int(max(map(abs, element.values)))
    return {TERNARY: 1, U8: 255, I8: 128}[element]


def largest_product(op: BinaryConv | BinaryGemm) -> int:
    """The largest magnitude of one product."""
    return largest_input(op) * magnitude(op.w.element)


def largest_input(op: BinaryConv | BinaryGemm) -> int:
    """The largest magnitude of an element of x."""
    return op.largest or magnitude(op.x.element)


Product = BinaryConv | BinaryGemm | Conv | Gemm
"""An operator that multiplies by weights, in a window or without one."""


def is_forest(parents: Sequence[int]) -> bool:
    """Whether every chain of parents stays in its block of `BLOCK` channels and ends at -1."""
    for channel in range(len(parents)):
        at = channel
        for _ in range(BLOCK):
            up = parents[at]
            if up == -1:
                break
            if not 0 <= up < len(parents) or up // BLOCK != channel // BLOCK:
                return False
            at = up
        else:
            return False
    return True
