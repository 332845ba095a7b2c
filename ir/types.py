"""Types of the IR: what a value is (shape, element) and how it lies in memory (layout).

A type is written ``f32[N,64,8,8]@nhwc``: the element, the logical shape in ONNX axis order with
a symbolic first dimension ``N`` (or a multiple of it), and the layout when it is not row-major.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import VerifyError

Array = npt.NDArray[Any]

WORD_BITS = 64
"""Channels that one packed word holds."""

MAX_ELEMENTS = 1 << 40
"""Elements a tensor may have for one sample; beyond it a shape is taken for damage."""

MAX_DIM = (1 << 31) - 1
"""Elements along one axis, what the manifest of an artifact can name."""

MAX_BATCH_FACTOR = 999_999_999
"""The largest multiple of N, for the same reason."""

MAX_RANK = 32
"""Axes a tensor may have: what every NumPy can hold."""


@dataclass(frozen=True, order=True)
class Batch:
    """The symbolic batch dimension, ``factor`` times N."""

    factor: int = 1

    def __str__(self) -> str:
        return "N" if self.factor == 1 else f"{self.factor}N"


Dim = int | Batch
Shape = tuple[Dim, ...]


@dataclass(frozen=True)
class Scalar:
    """An element that NumPy has too."""

    name: str
    dtype: np.dtype[np.generic]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Bits:
    """``k`` bit planes that index a table of ``2**k`` values, lowest code first.

    In the interpreter a tensor of this element holds the codes as ``uint8``.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        count = len(self.values)
        if count < 2 or count & (count - 1) or count > 256:
            raise VerifyError(f"bits need a table of 2, 4, .. 256 values, got {count}")
        if any(math.isnan(v) for v in self.values):
            raise VerifyError("bits cannot stand for NaN")

    @property
    def planes(self) -> int:
        """Bit planes that a code takes."""
        return len(self.values).bit_length() - 1

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The interpreter's storage of the codes."""
        return np.dtype(np.uint8)

    def __str__(self) -> str:
        return f"bits<{self.planes};{','.join(map(_shortest, self.values))}>"


def _shortest(value: float) -> str:
    """The shortest text that reads as the value."""
    text = f"{value:g}"
    return text if float(text) == value else repr(float(value))


@dataclass(frozen=True)
class Ternary:
    """-1, 0 or +1, stored as a sign plane (1 is +1) and a mask plane (1 is not zero).

    In the interpreter a tensor of this element holds the values as ``int8``.
    """

    @property
    def planes(self) -> int:
        """Bit planes that a value takes."""
        return 2

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The interpreter's storage of the values."""
        return np.dtype(np.int8)

    def __str__(self) -> str:
        return "ternary"


Element = Scalar | Bits | Ternary

F32 = Scalar("f32", np.dtype(np.float32))
F64 = Scalar("f64", np.dtype(np.float64))
F16 = Scalar("f16", np.dtype(np.float16))
I8 = Scalar("i8", np.dtype(np.int8))
U8 = Scalar("u8", np.dtype(np.uint8))
I16 = Scalar("i16", np.dtype(np.int16))
I32 = Scalar("i32", np.dtype(np.int32))
I64 = Scalar("i64", np.dtype(np.int64))
BOOL = Scalar("bool", np.dtype(np.bool_))
SIGN = Bits((-1.0, 1.0))
"""One bit for ±1, the element of binarized activations and weights."""
TERNARY = Ternary()

SCALARS = {s.name: s for s in (F32, F64, F16, I8, U8, I16, I32, I64, BOOL)}
_BY_DTYPE = {s.dtype: s for s in SCALARS.values()}


def scalar_of(dtype: npt.DTypeLike) -> Scalar:
    """The element type of a NumPy dtype; raises VerifyError when bnnc has none."""
    scalar = _BY_DTYPE.get(np.dtype(dtype))
    if scalar is None:
        raise VerifyError(f"data type {np.dtype(dtype)} is not supported")
    return scalar


class Layout(Enum):
    """How a tensor lies in memory; the axes of the shape stay logical."""

    ROW_MAJOR = "row"
    """ONNX order."""
    CHANNELS_LAST = "nhwc"
    """Axis 1 innermost: [N, H, W, C]."""
    WORDS = "words"
    """Bits of axis 1 packed into 64-bit words, innermost: [N, H, W, planes, ceil(C/64)] u64, the
    lowest channel in the lowest bit, unused high bits 0."""
    PLANES = "planes"
    """Bits of pixels packed into 64-bit words: [C, planes, N, ceil(H*W/64)] u64, the pixels in
    row-major order, the first in the lowest bit, unused high bits 0. Rank 3 and up. The batch lies
    inside the channel, so that the images of a batch fill one vector."""


@dataclass(frozen=True)
class TensorType:
    """Shape, element and layout of a value."""

    shape: Shape
    element: Element = F32
    layout: Layout = Layout.ROW_MAJOR

    def __post_init__(self) -> None:
        if self.rank > MAX_RANK:
            raise VerifyError(f"tensors have at most {MAX_RANK} axes, got {self.rank}")
        for axis, dim in enumerate(self.shape):
            size = dim.factor if isinstance(dim, Batch) else dim
            if isinstance(dim, Batch) and (axis or size < 1):
                raise VerifyError(f"only the first dimension may be symbolic, got {self}")
            if size < 0:
                raise VerifyError(f"negative dimension in {self}")
            if size > (MAX_BATCH_FACTOR if isinstance(dim, Batch) else MAX_DIM):
                raise VerifyError(f"{self} is absurdly large")
        if self.elements_per_sample() > MAX_ELEMENTS:
            raise VerifyError(f"{self} is absurdly large")
        if self.layout in (Layout.WORDS, Layout.PLANES) and self.rank < 2:
            raise VerifyError(f"{self} has no channels to pack")
        if self.layout is Layout.PLANES and (self.rank < 3 or not self.is_binary):
            raise VerifyError(f"{self} has no planes of pixels: bits of rank 3 and up do")

    def __str__(self) -> str:
        dims = ",".join(str(d) for d in self.shape)
        suffix = "" if self.layout is Layout.ROW_MAJOR else f"@{self.layout.value}"
        return f"{self.element}[{dims}]{suffix}"

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def symbolic(self) -> bool:
        """True when the first dimension depends on the batch."""
        return bool(self.shape) and isinstance(self.shape[0], Batch)

    @property
    def is_binary(self) -> bool:
        """True for elements that are packed into bits."""
        return not isinstance(self.element, Scalar)

    def elements_per_sample(self) -> int:
        """Elements for N = 1."""
        return math.prod(d.factor if isinstance(d, Batch) else d for d in self.shape)

    def concrete(self, batch: int) -> tuple[int, ...]:
        """The shape for N = ``batch``."""
        return tuple(d.factor * batch if isinstance(d, Batch) else d for d in self.shape)

    def with_layout(self, layout: Layout) -> TensorType:
        """The same tensor, laid out otherwise."""
        return self if layout is self.layout else replace(self, layout=layout)


def physical_axes(rank: int, layout: Layout) -> tuple[int, ...]:
    """Logical axes in memory order, outermost first: (0, 2, 3, 1) for channels-last."""
    if layout is Layout.ROW_MAJOR or rank < 3:
        return tuple(range(rank))
    if layout is Layout.PLANES:
        return (1, 0, *range(2, rank))
    return (0, *range(2, rank), 1)


def sample_bytes(type_: TensorType) -> int:
    """Bytes of the stored tensor for N = 1 (times N when it is symbolic)."""
    element = type_.element
    if isinstance(element, Scalar):
        return type_.elements_per_sample() * element.dtype.itemsize
    shape = TensorType(type_.shape).concrete(1)
    if type_.layout is Layout.WORDS:
        words = -(-shape[1] // WORD_BITS) * math.prod(shape[:1] + shape[2:])
    elif type_.layout is Layout.PLANES:
        words = shape[0] * shape[1] * -(-math.prod(shape[2:]) // WORD_BITS)
    else:
        return type_.elements_per_sample()
    return element.planes * words * 8


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """NumPy broadcasting over shapes that may start with a symbolic dimension."""
    rank = max((len(s) for s in shapes), default=0)
    out: list[Dim] = []
    for axis in range(rank):
        dims = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        wide = list(dict.fromkeys(d for d in dims if d != 1))
        if len(wide) > 1:
            raise VerifyError(f"shapes do not broadcast: {' and '.join(map(shape_text, shapes))}")
        out.append(wide[0] if wide else 1)
    return tuple(out)


def shape_text(shape: Shape) -> str:
    """``[N,3,32,32]``."""
    return f"[{','.join(str(d) for d in shape)}]"
