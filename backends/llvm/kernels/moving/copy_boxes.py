"""What the moving kernels share: boxes of elements, how tensors lie in memory, borders, indices.

A box goes from the operand to the result, axis by axis. Whatever the layouts, that is a
`strided_copy.copy`; packed elements move as whole words as long as channels stay inside their
words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from .....ir import I32, Array, Batch, Dim, Layout, Op, Scalar, TensorType, Value
from .....ir.ops import Concat, Gather, GatherElements, Pad, Relayout, Reshape, Slice, Transpose
from .....ir.ops.shape import code_of
from .....ir.storage import planes_of
from .....ir.types import WORD_BITS, sample_bytes
from ....codegen.kernel_builder import I64, Code, Index, memory_type
from ....codegen.kernel_interface import Job
from ...views import pixel_strides, strides_of, words_of
from .strided_copy import Axis, copy, fill, memory_set

Move = Relayout | Reshape | Transpose | Concat | Slice | Pad


@dataclass(frozen=True)
class Box:
    """``extents`` positions per result axis: from ``start`` + i * ``step`` of operand ``source``'s
    axis ``axes[a]`` to ``to`` + i of the result's axis a. An extent of None is the whole batch."""

    source: Value
    axes: tuple[int, ...]
    extents: tuple[int | None, ...]
    to: tuple[int, ...]
    start: tuple[int, ...]
    step: tuple[int, ...]


def boxes(op: Move, result: TensorType) -> tuple[Box, ...]:
    """The copies that make up an operator, in order."""
    rank = result.rank
    zero, one, same = (0,) * rank, (1,) * rank, tuple(range(rank))
    result_extents = _extents(result)
    if isinstance(op, Concat):
        out: list[Box] = []
        at = 0
        for x in op.xs:
            to = tuple(at if a == op.axis else 0 for a in range(rank))
            out.append(Box(x, same, _extents(x.type), to, zero, one))
            at += known(x.shape[op.axis])
        return tuple(out)
    if isinstance(op, Slice):
        return (Box(op.x, same, result_extents, zero, op.starts, op.steps),)
    if isinstance(op, Pad):
        return (Box(op.x, same, _extents(op.x.type), op.before, zero, one),)
    if isinstance(op, Transpose):
        return (Box(op.x, op.perm, result_extents, zero, zero, one),)
    return (Box(op.x, same, result_extents, zero, zero, one),)


def _extents(type_: TensorType) -> tuple[int | None, ...]:
    return tuple(None if isinstance(d, Batch) else d for d in type_.shape)


def known(dim: Dim | None) -> int:
    """A dimension that is not symbolic."""
    assert isinstance(dim, int)
    return dim


def aligned(box: Box, result: TensorType) -> bool:
    """True when a box of packed elements moves as whole words."""
    if not result.is_binary:
        return True
    if Layout.WORDS not in (result.layout, box.source.type.layout):
        return True
    if result.layout is not box.source.type.layout or result.rank < 2 or box.axes[1] != 1:
        return False
    extent, total = box.extents[1], known(result.shape[1])
    assert extent is not None
    starts = box.to[1] % WORD_BITS == box.start[1] % WORD_BITS == 0
    ends = box.to[1] + extent == total or extent % WORD_BITS == 0
    reads_all = box.start[1] + extent == box.source.shape[1] or extent % WORD_BITS == 0
    return starts and ends and reads_all and box.step[1] == 1 and box.axes.count(1) == 1


@dataclass(frozen=True)
class Memory:
    """How a tensor lies in memory: bytes of an element and from one index to the next, per axis.

    Packed tensors have 8-byte elements, axis 1 counts words; ``planes`` and ``plane`` are their
    planes and the bytes from one to the next.
    """

    size: int
    strides: tuple[int, ...]
    planes: int = 1
    plane: int = 0

    @classmethod
    def of(cls, type_: TensorType) -> Memory:
        """The memory of a type."""
        if type_.layout is not Layout.WORDS:
            size = 1 if type_.is_binary else type_.element.dtype.itemsize
            return cls(size, tuple(s * size for s in strides_of(type_)))
        strides = tuple(8 if a == 1 else s for a, s in enumerate(pixel_strides(type_)))
        return cls(8, strides, type_.element.planes, 8 * words_of(type_))  # type: ignore[union-attr]


def apart(box: Box, result: TensorType) -> bool:
    """True when the box fills each index of axis 0 from the same index: tasks may share it out."""
    same = result.shape[0] == box.source.shape[0]
    return same and (box.axes[0], box.to[0], box.start[0], box.step[0]) == (0, 0, 0, 1)


def tasks(op: Op, result: TensorType) -> Dim:
    """How many tasks an operator has: indices of axis 0, or one for everything."""
    if isinstance(op, Reshape):
        return Batch() if result.symbolic else 1
    if isinstance(op, Gather):
        return result.shape[0] if op.axis or op.indices.type.rank else 1
    assert isinstance(op, Move)
    if result.rank and all(apart(box, result) for box in boxes(op, result)):
        return result.shape[0]
    return 1


def stored(job: Job, value: Value) -> TensorType:
    """The type of a value as it lies in memory: constants are in logical order."""
    constant = job.is_constant(value)
    return value.type.with_layout(Layout.ROW_MAJOR) if constant else value.type


def copy_box(
    code: Code, box: Box, target: Memory, source: Memory, to: ir.Value, frm: ir.Value, skip: int
) -> None:
    """Copy a box between the addresses of two tensors; of two samples when ``skip`` is 1."""
    axes: list[Axis] = []
    packed = target.plane > 0
    start_to = start_from = 0
    for a in range(skip, len(box.axes)):
        extent, stride = box.extents[a], source.strides[box.axes[a]]
        assert extent is not None
        unit = WORD_BITS if packed and a == 1 else 1
        axes.append(Axis(-(-extent // unit), target.strides[a], stride * box.step[a]))
        start_to += box.to[a] // unit * target.strides[a]
        start_from += box.start[a] // unit * stride
    if packed:
        axes.append(Axis(target.planes, target.plane, source.plane))
    copy(code, axes, target.size, code.offset(to, start_to), code.offset(frm, start_from))


def fill_border(code: Code, op: Pad, result: TensorType, base: ir.Value, shared: bool) -> None:
    """Fill a sample (or everything) with the border's value."""
    sample = TensorType((1, *result.shape[1:]) if shared else result.shape, result.element)
    count = sample.elements_per_sample()
    if result.layout is not Layout.WORDS:
        border = code_of(op.value, result.element)
        fill(code, base, result.element.dtype.type(border).tobytes(), count)
        return
    words, channels, planes = words_of(result), known(result.shape[1]), border_planes(op)
    border_words: list[int] = []
    for bit in planes:
        rest = [min(WORD_BITS, channels - w * WORD_BITS) for w in range(words)]
        border_words.extend((1 << r) - 1 if bit else 0 for r in rest)
    with code.loop(0, count // channels) as pixel:
        at = code.offset(base, code.mul(pixel, 8 * len(border_words)))
        for w, word in enumerate(border_words):
            code.store(I64(word), code.offset(at, 8 * w))


def clear(code: Code, result: TensorType, base: ir.Value, shared: bool) -> None:
    """Set the words of a sample (or of everything) to zero."""
    sample = TensorType((1, *result.shape[1:]) if shared else result.shape, result.element)
    memory_set(code, base, 0, sample_bytes(sample.with_layout(Layout.WORDS)))


def border_planes(op: Pad) -> list[Array]:
    """The border's value, a bit for each plane (ternary: sign, mask)."""
    element = op.x.element
    assert not isinstance(element, Scalar)
    return planes_of(np.array(code_of(op.value, element)), element)


def load_index(code: Code, job: Job, op: Gather | GatherElements, at: list[Index]) -> ir.Value:
    """An entry of ``indices``: negative ones count from the end, others outside are clamped, so
    that no index reads foreign memory."""
    b: Any = code.b
    memory = Memory.of(stored(job, op.indices))
    offset: Index = 0
    for coordinate, stride in zip(at, memory.strides, strict=True):
        offset = code.add(offset, code.mul(coordinate, stride))
    element = op.indices.element
    assert isinstance(element, Scalar)
    index = code.load(code.offset(code.pointer(op.indices), offset), memory_type(element))
    index = b.sext(index, I64) if element == I32 else index
    size = known(op.x.shape[op.axis])
    wrapped = b.select(b.icmp_signed("<", index, I64(0)), b.add(index, I64(size)), index)
    return code.index(code.max(0, code.min(wrapped, size - 1)))
