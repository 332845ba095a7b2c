"""Positions by order: the largest or smallest along an axis, and the elements at positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Op, Value
from ..traits import Trait
from ..types import BOOL, I32, I64, Batch, Scalar, TensorType


@dataclass(frozen=True)
class TopK(Op):
    """Positions (i64) of the ``k`` largest elements along ``axis``, or the smallest; best first.

    Among equals the lower position goes first, the higher one with ``last``. NaN goes before every
    number; zeros of either sign are equal. k = 1 is ArgMax.
    """

    traits = Trait.STEPS

    x: Value
    axis: int
    k: int = 1
    largest: bool = True
    last: bool = False

    def infer(self) -> tuple[TensorType, ...]:
        rank, size = self.x.type.rank, None
        if 0 <= self.axis < rank:
            size = self.x.shape[self.axis]
        if not isinstance(size, int) or not 1 <= self.k <= size:
            raise VerifyError(f"top_k of {self.k} along axis {self.axis} does not fit {self.x!r}")
        shape = (*self.x.shape[: self.axis], self.k, *self.x.shape[self.axis + 1 :])
        return (TensorType(shape, I64),)

    def verify(self) -> None:
        if not isinstance(self.x.element, Scalar) or self.x.element == BOOL:
            raise VerifyError(f"top_k cannot order {self.x!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        keys = order_keys(args[0], self.largest)
        if self.last:
            keys = np.flip(keys, self.axis)
        order = np.argsort(~keys, self.axis, kind="stable")
        order = np.take(order, np.arange(self.k), self.axis)
        return args[0].shape[self.axis] - 1 - order if self.last else order


def order_keys(x: Any, largest: bool) -> Any:
    """Integers (i64) in the order of ``x``, NaN above all; in the reverse order of the numbers
    unless ``largest``."""
    if x.dtype.kind != "f":
        wide = x.astype(np.int64)
        return wide if largest else ~wide
    bits = np.dtype(f"i{x.dtype.itemsize}")
    top = np.iinfo(bits).max
    pattern = ((x if largest else -x) + x.dtype.type(0)).view(bits)
    keys = np.where(
        np.isnan(x), top, pattern ^ ((pattern >> bits.type(8 * bits.itemsize - 1)) & top)
    )
    return keys.astype(np.int64)


@dataclass(frozen=True)
class GatherElements(Op):
    """Element ``indices[..]`` of ``axis`` at each position of ``indices``; negative ones count
    from the end. Other axes of ``indices`` may be shorter than those of ``x``."""

    traits = Trait.MOVES

    x: Value
    indices: Value
    axis: int

    def infer(self) -> tuple[TensorType, ...]:
        x, indices = self.x.shape, self.indices.shape
        fits = len(x) == len(indices) and 0 <= self.axis < len(x)
        for a, (dim, wanted) in enumerate(zip(x, indices, strict=False)):
            symbolic = isinstance(dim, Batch) or isinstance(wanted, Batch)
            if symbolic:
                fits = fits and dim == wanted and a != self.axis
            elif a != self.axis:
                fits = fits and wanted <= dim  # type: ignore[operator]
        if not fits:
            raise VerifyError(
                f"cannot gather {self.indices!r} along axis {self.axis} of {self.x!r}"
            )
        return (TensorType(indices, self.x.element),)

    def verify(self) -> None:
        if self.indices.element not in (I32, I64):
            raise VerifyError(f"gather_elements needs integer indices, got {self.indices!r}")
        if not isinstance(self.x.element, Scalar):
            raise VerifyError(f"gather_elements cannot read {self.x!r}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        x, indices = args
        size = x.shape[self.axis]
        outside = indices[(indices < -size) | (indices >= size)]
        if outside.size:
            raise VerifyError(f"index {outside[0]} is outside axis {self.axis} of {self.x!r}")
        part = tuple(
            slice(None) if a == self.axis else slice(n) for a, n in enumerate(indices.shape)
        )
        return np.take_along_axis(
            x[part], np.where(indices < 0, indices + size, indices), self.axis
        )

    @property
    def sources(self) -> tuple[Value, ...]:
        return (self.x,)
