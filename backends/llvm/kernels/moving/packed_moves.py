"""Moving packed elements where channels leave their place in the word.

Concat, slice and pad cut runs of channels and shift them, a word at a time. What scatters channels
(reshape, transpose, gather, from and to unpacked layouts) goes bit by bit; it is rare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .....errors import LoweringError
from .....ir import Layout, Ternary, Value
from .....ir.ops import Concat, Gather, Pad, Relayout, Reshape, Slice, Transpose
from .....ir.storage import to_storage
from .....ir.types import WORD_BITS
from ....codegen.elementwise_emitters import Packed
from ....codegen.kernel_builder import I8, I32, I64, Code, Index
from ....codegen.kernel_interface import Extent, Job
from ...views import View, words_of
from . import copy_boxes

Bitwise = Relayout | Reshape | Transpose | Gather


def lower(job: Job) -> None:
    """Add the step for an operator that does not move whole words."""
    op, result = job.op, job.result.type
    if isinstance(op, Concat | Slice | Pad) and result.layout is Layout.WORDS:
        job.step(Extent.of(copy_boxes.tasks(op, result)), lambda code: _cut(code, job, op))
        return
    if not isinstance(op, Bitwise):
        raise LoweringError(f"{job.node.describe()}: cannot mix layouts of packed elements")
    job.step(Extent.of(result.shape[0]), lambda code: _bitwise(code, job, op))


# --- runs of channels -------------------------------------------------------------------------


def _cut(code: Code, job: Job, op: Concat | Slice | Pad) -> None:
    """A background of zeros or of the border's value, and each box merged into it."""
    result = job.result
    target = copy_boxes.Memory.of(result.type)
    shared = int(copy_boxes.tasks(op, result.type) != 1)
    pointers: dict[Value, ir.Value] = {}
    with code.loop(code.begin, code.end) as task:
        to = code.offset(code.pointer(result), code.mul(task, target.strides[0] * shared))
        if isinstance(op, Pad):
            copy_boxes.fill_border(code, op, result.type, to, bool(shared))
        else:
            copy_boxes.clear(code, result.type, to, bool(shared))
        for box in copy_boxes.boxes(op, result.type):
            words = box.source.type.with_layout(Layout.WORDS)
            source = copy_boxes.Memory.of(words)
            first = source.strides[0] * shared
            if box.source not in pointers:
                pointers[box.source] = _words_pointer(code, job, box.source)
            frm = code.offset(pointers[box.source], code.mul(task, first))
            _merge_box(code, box, (target, to), (source, frm), shared)


def _words_pointer(code: Code, job: Job, value: Value) -> ir.Value:
    """Address of the words of an operand; a constant is packed now."""
    if not job.is_constant(value):
        return code.pointer(value)
    type_ = value.type.with_layout(Layout.WORDS)
    return code.data(job.contents(value).map(lambda constant: to_storage(constant, type_)))


def _merge_box(
    code: Code,
    box: copy_boxes.Box,
    target: tuple[copy_boxes.Memory, ir.Value],
    source: tuple[copy_boxes.Memory, ir.Value],
    shared: int,
) -> None:
    """Put the channels of every pixel of a box at their new place."""
    axes = [a for a in range(shared, len(box.axes)) if a != 1]
    sizes = [copy_boxes.known(box.extents[a]) for a in axes]
    (into, to), (out_of, frm) = target, source
    with code.loop(0, math.prod(sizes)) as flat:
        to_offset: Index = 0
        from_offset: Index = 0
        for a, i in zip(axes, code.split(flat, sizes) if sizes else (), strict=True):
            there = code.mul(code.add(i, box.to[a]), into.strides[a])
            here = code.mul(code.add(code.mul(i, box.step[a]), box.start[a]), out_of.strides[a])
            to_offset, from_offset = code.add(to_offset, there), code.add(from_offset, here)
        for plane in range(into.planes):
            at = code.offset(code.offset(to, to_offset), plane * into.plane)
            read = code.offset(code.offset(frm, from_offset), plane * out_of.plane)
            _merge_run(code, box, at, read)


def _merge_run(code: Code, box: copy_boxes.Box, to: ir.Value, frm: ir.Value) -> None:
    """One plane of one pixel: bits start + i * step of ``frm`` become bits box.to + i of ``to``."""
    b: Any = code.b
    first, count = box.to[1], copy_boxes.known(box.extents[1])
    start, step = box.start[1], box.step[1]
    loaded: dict[int, ir.Value] = {}

    def word(index: int) -> ir.Value:
        if index not in loaded:
            loaded[index] = code.load(code.offset(frm, 8 * index), I64)
        return loaded[index]

    for j in range(first // WORD_BITS, -(-(first + count) // WORD_BITS)):
        low = max(first, j * WORD_BITS)
        high = min(first + count, (j + 1) * WORD_BITS)
        run = 1 if step != 1 else high - low
        value: ir.Value = I64(0)
        for bit in range(low, high, run):
            piece = _bits(code, word, start + (bit - first) * step, run)
            value = b.or_(value, b.shl(piece, I64(bit - j * WORD_BITS)))
        mask = ((1 << (high - low)) - 1) << (low - j * WORD_BITS)
        at = code.offset(to, 8 * j)
        if mask != (1 << WORD_BITS) - 1:
            kept = b.and_(code.load(at, I64), I64(~mask & ((1 << WORD_BITS) - 1)))
            value = b.or_(value, kept)
        code.store(value, at)


def _bits(code: Code, word: Callable[[int], ir.Value], start: int, count: int) -> ir.Value:
    """Bits start .. start+count-1 of a row of words, the first in the lowest bit; count <= 64."""
    b: Any = code.b
    index, shift = divmod(start, WORD_BITS)
    value = b.lshr(word(index), I64(shift))
    if shift + count > WORD_BITS:
        value = b.or_(value, b.shl(word(index + 1), I64(WORD_BITS - shift)))
    return value if count == WORD_BITS else b.and_(value, I64((1 << count) - 1))


# --- bit by bit -------------------------------------------------------------------------------


def _bitwise(code: Code, job: Job, op: Bitwise) -> None:
    """Every element of the result looked up in the operand; a task is one index of axis 0."""
    b: Any = code.b
    result = job.result.type
    source = View.of(code, op.x, op.x.type.rank, job.is_constant(op.x))
    sizes = [copy_boxes.known(d) for d in result.shape[2:]]

    def planes(at: Sequence[Index]) -> tuple[ir.Value, ...]:
        """The bits of one element, as i64."""
        element = source.load(_origin(code, job, op, at), min(1, op.x.type.rank - 1), 1, 1)
        assert isinstance(element, Packed)
        return tuple(b.zext(b.extract_element(p, I32(0)), I64) for p in element.planes)

    write = _write_words if result.layout is Layout.WORDS else _write_codes
    with code.loop(code.begin, code.end) as task, code.loop(0, math.prod(sizes)) as pixel:
        spatial = code.split(pixel, sizes) if sizes else ()
        write(code, job.result, lambda c: planes((task, c, *spatial)), (task, spatial))


def _write_words(
    code: Code,
    result: Value,
    planes: Callable[[Index], tuple[ir.Value, ...]],
    at: tuple[Index, Sequence[Index]],
) -> None:
    """Gather a pixel's bits into its words."""
    b: Any = code.b
    memory = copy_boxes.Memory.of(result.type)
    words, channels = words_of(result.type), copy_boxes.known(result.shape[1])
    base = _address(code, result, (at[0], 0, *at[1]))
    with code.loop(0, words) as w:
        start = code.mul(w, WORD_BITS)
        count = code.min(WORD_BITS, code.sub(channels, start))

        def gather(bit: Index, gathered: list[ir.Value]) -> list[ir.Value]:
            got = planes(code.add(start, bit))
            shifted = [b.shl(p, code.index(bit)) for p in got]
            return [b.or_(h, s) for h, s in zip(gathered, shifted, strict=True)]

        state = [I64(0)] * memory.planes
        for p, word in enumerate(code.repeat(0, count, 1, state, gather)):
            code.store(word, code.offset(code.offset(base, p * memory.plane), code.mul(w, 8)))


def _write_codes(
    code: Code,
    result: Value,
    planes: Callable[[Index], tuple[ir.Value, ...]],
    at: tuple[Index, Sequence[Index]],
) -> None:
    """Write a pixel's elements as the interpreter stores them: codes, or -1, 0, 1."""
    b: Any = code.b
    with code.loop(0, copy_boxes.known(result.shape[1])) as channel:
        bits = planes(channel)
        if isinstance(result.element, Ternary):
            sign, mask = bits
            value = b.sub(b.shl(b.and_(sign, mask), I64(1)), mask)
        else:
            value = bits[0]
            for p, bit in enumerate(bits[1:], 1):
                value = b.or_(value, b.shl(bit, I64(p)))
        code.store(b.trunc(value, I8), _address(code, result, (at[0], channel, *at[1])))


def _address(code: Code, value: Value, at: Sequence[Index]) -> ir.Value:
    offset: Index = 0
    for coordinate, stride in zip(at, copy_boxes.Memory.of(value.type).strides, strict=True):
        offset = code.add(offset, code.mul(coordinate, stride))
    return code.offset(code.pointer(value), offset)


def _origin(code: Code, job: Job, op: Bitwise, at: Sequence[Index]) -> list[Index]:
    """Coordinates of the operand's element that a result's element comes from."""
    if isinstance(op, Relayout):
        return list(at)
    if isinstance(op, Transpose):
        return [at[op.perm.index(a)] for a in range(len(at))]
    if isinstance(op, Reshape):
        flat: Index = 0
        for coordinate, dim in zip(at, job.result.shape, strict=True):
            flat = code.add(code.mul(flat, dim) if isinstance(dim, int) else 0, coordinate)
        sizes = [d if isinstance(d, int) else 1 for d in op.x.shape]
        return list(code.split(flat, sizes))
    count = op.indices.type.rank
    index = copy_boxes.load_index(code, job, op, list(at[op.axis : op.axis + count]))
    return [*at[: op.axis], index, *at[op.axis + count :]]
