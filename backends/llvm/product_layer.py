"""What kernels of convolutions and products with constant weights have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from ...errors import LoweringError
from ...ir import Array, Layout, Scalar
from ...ir.ops import Product
from ..codegen.constant_contents import Contents
from ..codegen.kernel_builder import Code
from ..codegen.kernel_interface import Job
from .geometry import Geometry
from .views import pitched_strides, pixel_strides

P = TypeVar("P", bound=Product)


@dataclass
class Layer(Generic[P]):
    """One convolution or product, ``op``, in one kernel function."""

    job: Job
    code: Code
    op: P

    @cached_property
    def geometry(self) -> Geometry:
        """The window."""
        return Geometry.of(self.op)

    @cached_property
    def strides(self) -> tuple[int, int, int, int]:
        """Bytes of the operand from a sample, channel (in words 0), row and column to the next."""
        x = self.job.outer(self.op.x)
        if x.type.layout is Layout.WORDS:
            return self.geometry.axis_strides(pixel_strides(x.type))
        assert isinstance(x.element, Scalar)
        size = x.element.dtype.itemsize
        steps = tuple(size * step for step in pitched_strides(x, x.type))
        return self.geometry.axis_strides(steps)

    @cached_property
    def constant(self) -> Contents[Array]:
        """The weights, codes where they are bits; LoweringError when they are no constant."""
        if not self.job.is_constant(self.op.w):
            raise LoweringError(f"{self.job.node.describe()}: weights must be a constant")
        return self.job.contents(self.op.w)
