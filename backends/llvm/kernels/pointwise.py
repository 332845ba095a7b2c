"""Elementwise regions without an anchor: one pass over the result.

Axes that every operand and result steps over alike are walked as one (`Walk`). Lanes run along the
innermost of what remains, in the memory order of the result (axis 1 when a result is packed). A
task is one position outside the lanes, or a part of a long run of lanes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ....ir import Batch, Dim, Layout, Scalar
from ....ir.ops import Fused
from ....ir.types import WORD_BITS, physical_axes
from ...codegen.fused_region import full_type, pass_cycles, plain_refusal
from ...codegen.kernel_builder import Code, Index
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import KernelDescriptor
from ..epilogue import Epilogue, all_strides, channel_blocks

_VECTORS = 4
"""Registers a block of 32-bit lanes fills: functions are long chains whose steps wait for each
other."""
_WORD_VECTORS = 8
"""The same where bits are stored in whole words."""
_PART = 4096
"""Lanes of a task where there are no other tasks: long enough to be worth a thread's while."""


@dataclass(frozen=True)
class Walk:
    """The iteration space: (axis, size) from the outermost to the lanes.

    A merged run of axes goes by its last one, whose coordinate then exceeds the axis' own size.
    """

    steps: tuple[tuple[int, Dim], ...]
    rank: int

    @classmethod
    def of(cls, job: Job) -> Walk:
        """Merge what can be merged; the batch stays outside the lanes, and so do packed lanes."""
        assert isinstance(job.op, Fused)
        type_ = full_type(job.op)
        values = (*job.op.xs, *job.node.results)
        packed = any(not isinstance(value.element, Scalar) for value in values)
        layout = Layout.CHANNELS_LAST if job.packs else job.result.type.layout
        strides = all_strides(job)
        keep = 1 if job.packs else None
        order = [
            axis
            for axis in physical_axes(type_.rank, layout)
            if type_.shape[axis] != 1 or axis == keep
        ]
        steps: list[tuple[int, Dim]] = []
        for axis in order:
            dim = type_.shape[axis]
            if steps and isinstance(dim, int) and not (packed and axis == 1):
                before, size = steps[-1]
                alike = all(s[before] == s[axis] * dim for s in strides)
                if alike and not (axis == order[-1] and isinstance(size, Batch)):
                    steps[-1] = (axis, _times(size, dim))
                    continue
            steps.append((axis, dim))
        return cls(tuple(steps), type_.rank)


def _times(size: Dim, factor: int) -> Dim:
    return Batch(size.factor * factor) if isinstance(size, Batch) else size * factor


def _lower(job: Job) -> None:
    walk = Walk.of(job)
    if not walk.steps:
        job.step(Extent(0, 1), lambda code: _one_by_one(code, job, walk))
        return
    _, length = walk.steps[-1]
    if isinstance(length, Batch):
        job.step(Extent.of(length), lambda code: _one_by_one(code, job, walk))
        return
    outer = walk.steps[:-1]
    sizes = [_known(size) for _, size in outer]
    parts = 1
    if not job.packs and length > 2 * _PART and math.prod(sizes) < 16:
        parts = -(-length // _PART)
    first = outer[0][1] if outer else 1
    tasks = Extent.of(first, math.prod(sizes[1:]) * parts)
    job.step(tasks, lambda code: _rows(code, job, walk, parts))


def _one_by_one(code: Code, job: Job, walk: Walk) -> None:
    """One element a sample, or one in all: a task an element."""
    epilogue = Epilogue(code, job)
    at: list[Index] = [0] * walk.rank
    with code.loop(code.begin, code.end) as task:
        for axis, _ in walk.steps:
            at[axis] = task
        epilogue.apply(at, walk.rank - 1, None, 1, lanes=1)


def _rows(code: Code, job: Job, walk: Walk, parts: int) -> None:
    """All lanes of one position a task, or one of ``parts`` of them."""
    epilogue = Epilogue(code, job)
    (*outer, (axis, length)) = walk.steps
    assert isinstance(length, int)
    width = block_width(code, length, vectors=_VECTORS, whole_words=epilogue.packs_several)
    sizes = [_known(size) for _, size in outer]
    at: list[Index] = [0] * walk.rank

    def block(start: Index, count: int) -> None:
        at[axis] = start
        epilogue.apply(tuple(at), axis, None, count, lanes=width)

    with code.loop(code.begin, code.end) as task:
        row, part = code.divide(task, parts)
        for (a, _), index in zip(outer, code.split(row, sizes) if outer else (), strict=True):
            at[a] = index
        if parts == 1:
            channel_blocks(code, length, width, block, packs=epilogue.packs)
        else:
            start, full = code.mul(part, _PART), length - length % width
            with code.loop(start, code.min(code.add(start, _PART), full), width) as lane:
                block(lane, width)
            if full < length:
                with code.when(code.b.icmp_signed("==", part, code.index(parts - 1))):
                    block(full, length - full)


def block_width(code: Code, channels: int, *, vectors: int, whole_words: bool = False) -> int:
    """Lanes of a block: those of ``vectors`` registers, a multiple of 8, not far more than there
    are channels; a word, or what registers hold, where bits are stored in whole words."""
    width = max(8, code.lanes * vectors)
    if whole_words:
        width = min(WORD_BITS, code.lanes * _WORD_VECTORS)
    while width > 8 and width // 2 >= channels:
        width //= 2
    return width


def _known(dim: int | Batch) -> int:
    return dim.factor if isinstance(dim, Batch) else dim


KERNELS = (Kernel(KernelDescriptor("pointwise", Fused, plain_refusal, pass_cycles), _lower),)
