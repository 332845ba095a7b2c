"""Operators that move elements: relayout, reshape, transpose, concat, slice, pad, gather.

All but reshape and gather are copies of boxes (`moving/copy_boxes.py`). A task is one index of the
result's first axis when the operator leaves that axis alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ....ir import Batch, Layout, Op, TensorType
from ....ir.ops import Concat, Gather, Pad, Relayout, Reshape, Slice, Transpose
from ....ir.types import WORD_BITS, sample_bytes
from ...codegen.kernel_builder import Code, Index
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from .moving import packed_moves
from .moving.copy_boxes import (
    Box,
    Memory,
    Move,
    aligned,
    boxes,
    copy_box,
    fill_border,
    known,
    load_index,
    stored,
    tasks,
)
from .moving.strided_copy import Axis, copy


def move(code: Code, job: Job) -> None:
    """The body of the operators made of boxes, all of them `aligned`."""
    op, result = job.op, job.result
    assert isinstance(op, Move)
    shared = tasks(op, result.type) != 1
    target = Memory.of(result.type)
    with code.loop(code.begin, code.end) as task:
        to = code.offset(code.pointer(result), code.mul(task, target.strides[0] if shared else 0))
        if isinstance(op, Pad):
            fill_border(code, op, result.type, to, shared)
        for box in boxes(op, result.type):
            source = Memory.of(stored(job, box.source))
            first = source.strides[0] if shared else 0
            frm = code.offset(code.pointer(box.source), code.mul(task, first))
            copy_box(code, box, target, source, to, frm, skip=int(shared))


def reshape(code: Code, job: Job) -> None:
    """A copy in row-major order from any layout; N tasks or one."""
    op, result = job.op, job.result
    assert isinstance(op, Reshape)
    x = stored(job, op.x)
    row = x.with_layout(Layout.ROW_MAJOR)
    extents = tuple(d.factor if isinstance(d, Batch) else d for d in x.shape)
    zero, one = (0,) * x.rank, (1,) * x.rank
    box = Box(op.x, tuple(range(x.rank)), extents, zero, zero, one)
    with code.loop(code.begin, code.end) as task:
        offset = code.mul(task, sample_bytes(row))
        to, frm = code.offset(code.pointer(result), offset), code.offset(code.pointer(op.x), offset)
        copy_box(code, box, Memory.of(row), Memory.of(x), to, frm, skip=0)


def gather(code: Code, job: Job) -> None:
    """Entries along an axis, one copy per index; indices out of range: see `load_index`."""
    op, result = job.op, job.result
    assert isinstance(op, Gather)
    source, target = Memory.of(stored(job, op.x)), Memory.of(result.type)
    count = op.indices.type.rank
    shared = int(tasks(op, result.type) != 1)
    chosen = [a for a in range(op.axis, op.axis + count) if a >= shared]
    sizes = [known(result.shape[a]) for a in chosen]
    axes = gathered_axes(op, result.type, target, source, shared)
    with code.loop(code.begin, code.end) as task, code.loop(0, math.prod(sizes)) as flat:
        at: dict[int, Index] = {0: task} if shared else {}
        at.update(zip(chosen, code.split(flat, sizes) if sizes else (), strict=True))
        index = load_index(code, job, op, [at[op.axis + i] for i in range(count)])
        frm = code.mul(index, source.strides[op.axis])
        if shared and op.axis:
            frm = code.add(frm, code.mul(task, source.strides[0]))
        to: Index = 0
        for axis, coordinate in at.items():
            to = code.add(to, code.mul(coordinate, target.strides[axis]))
        pointers = code.offset(code.pointer(result), to), code.offset(code.pointer(op.x), frm)
        copy(code, axes, target.size, *pointers)


def gathered_axes(
    op: Gather, result: TensorType, target: Memory, source: Memory, shared: int
) -> list[Axis]:
    """The axes that one index of a gather copies."""
    count = op.indices.type.rank
    axes: list[Axis] = []
    for a in range(shared, result.rank):
        if op.axis <= a < op.axis + count:
            continue
        extent = known(result.shape[a])
        words = -(-extent // WORD_BITS) if target.plane and a == 1 else extent
        read = a if a < op.axis else a - count + 1
        axes.append(Axis(words, target.strides[a], source.strides[read]))
    if target.plane:
        axes.append(Axis(target.planes, target.plane, source.plane))
    return axes


def is_words(op: Op, result: TensorType) -> bool:
    """True when an operand or the result is packed into words."""
    return any(t.layout is Layout.WORDS for t in (result, *(v.type for v in op.operands)))


# --- descriptors ------------------------------------------------------------------------------


def _lower(job: Job) -> None:
    op, result = job.op, job.result.type
    if is_words(op, result):
        assert isinstance(op, Move)
        if isinstance(op, Reshape) or not all(aligned(box, result) for box in boxes(op, result)):
            packed_moves.lower(job)
            return
    body = reshape if isinstance(op, Reshape) else move
    job.step(Extent.of(tasks(op, result)), lambda code: body(code, job))


def _lower_gather(job: Job) -> None:
    op, result = job.op, job.result.type
    assert isinstance(op, Gather)
    if is_words(op, result) and (op.axis < 2 or op.x.type.layout is not result.layout):
        packed_moves.lower(job)
        return
    job.step(Extent.of(tasks(op, result)), lambda code: gather(code, job))


def _refuses(op: Op, target: Target) -> str | None:
    planes = [v for v in op.operands if v.type.layout is Layout.PLANES]
    if isinstance(op, Relayout) and op.layout is Layout.PLANES:
        return f"cannot move {op.x!r} to planes of pixels"
    return f"cannot move planes of pixels of {planes[0]!r}" if planes else None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Read and written once, half a vector a cycle."""
    moved = sum(sample_bytes(t) for t in (*(v.type for v in op.operands), *op.infer()))
    return moved * 16 / target.vector_bits


def _kernel(operator: type[Op], lower: Callable[[Job], None] = _lower) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, _refuses, _cycles), lower)


KERNELS = (
    *(_kernel(op) for op in (Relayout, Reshape, Transpose, Concat, Slice, Pad)),
    _kernel(Gather, _lower_gather),
)
