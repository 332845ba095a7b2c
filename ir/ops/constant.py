"""Constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..core import Data, Op
from ..intervals import Interval, exactly
from ..traits import NO_TRAITS
from ..types import Bits, Element, TensorType, Ternary, scalar_of


@dataclass(frozen=True)
class Const(Op):
    """A tensor known at compile time. ``element`` says what the stored codes mean."""

    traits = NO_TRAITS

    data: Data
    element: Element

    @classmethod
    def of(cls, array: Any, element: Element | None = None) -> Const:
        """A constant from an array; scalars keep their dtype unless ``element`` says more."""
        array = np.asarray(array)
        return cls(Data(array), scalar_of(array.dtype) if element is None else element)

    @property
    def array(self) -> Any:
        """The stored array, read-only."""
        return self.data.array

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(self.data.array.shape, self.element),)

    def verify(self) -> None:
        if self.data.array.dtype != self.element.dtype:
            raise VerifyError(f"constant of {self.element} stores {self.data.array.dtype}")
        if isinstance(self.element, Ternary) and np.any(np.abs(self.array) > 1):
            raise VerifyError("a ternary constant holds more than -1, 0 and 1")
        if isinstance(self.element, Bits) and self.array.size:
            top = int(self.array.max())
            if top >= len(self.element.values):
                raise VerifyError(f"code {top} is outside {self.element}")

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        return self.data.array

    def interval(self, args: Sequence[Interval]) -> Interval:
        return exactly(self.array)
