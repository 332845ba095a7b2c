"""Elementwise regions without an anchor: one pass over the result.

Lanes run along the innermost axis in memory (axis 1 when a result is packed). Where every operand
lies in memory as the result does, all axes are one.
"""

from __future__ import annotations

import math

from ....ir import Batch, Layout, Op
from ....ir.ops import Fused
from ....ir.types import physical_axes
from ...base import KernelDescriptor
from ...targets import Target
from .. import epilogue
from ..code import Code, Index
from ..epilogue import Epilogue, channel_blocks, full_type
from ..kernel import Extent, Job, Kernel

_VECTORS = 2
"""Registers a block of 32-bit lanes fills: enough to hide latencies, few enough not to spill."""


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    return epilogue.refusal(op, target)


def _cycles(op: Op, target: Target) -> float:
    """One vector operation a cycle for each operator, and the traffic of operands and results."""
    assert isinstance(op, Fused)
    elements = full_type(op).elements_per_sample()
    return elements / target.lanes * (len(op.body.nodes) + len(op.xs) + len(op.body.results))


def _no_scratch(op: Op, target: Target) -> int:
    return 0


def _lower(job: Job) -> None:
    assert isinstance(job.op, Fused)
    shape = full_type(job.op).shape
    if not shape:
        job.step(Extent(0, 1), lambda code: Epilogue(code, job).apply((), -1, None, 1, lanes=1))
        return
    layout = job.result.type.layout
    packs = any(v.type.is_binary for v in job.node.results)
    order = physical_axes(len(shape), Layout.CHANNELS_LAST if packs else layout)
    if len(shape) == 2 and packs:
        order = (0, 1)
    axis, outer = order[-1], order[:-1]
    sizes = [_known(shape[a]) for a in outer]
    tasks = Extent.of(shape[outer[0]], math.prod(sizes[1:])) if outer else Extent(0, 1)

    def body(code: Code) -> None:
        region = Epilogue(code, job)
        width = block_width(code, _known(shape[axis]))
        with code.loop(code.begin, code.end) as task:
            at: list[Index] = [0] * len(shape)
            for a, index in zip(outer, code.split(task, sizes), strict=True) if outer else ():
                at[a] = index

            def block(start: Index, count: int) -> None:
                at[axis] = start
                region.apply(tuple(at), axis, None, count, lanes=width)

            channel_blocks(code, _known(shape[axis]), width, block, packs=region.packs)

    job.step(tasks, body)


def block_width(code: Code, channels: int) -> int:
    """Lanes of a block: a few registers, a multiple of 8, not far more than there are channels."""
    width = max(8, code.lanes * _VECTORS)
    while width > 8 and width // 2 >= channels:
        width //= 2
    return width


def _known(dim: int | Batch) -> int:
    return dim.factor if isinstance(dim, Batch) else dim


KERNELS = (Kernel(KernelDescriptor("pointwise", Fused, _refuses, _cycles, _no_scratch), _lower),)
