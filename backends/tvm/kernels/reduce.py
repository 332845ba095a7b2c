"""Reductions as anchors. Float sums and means accumulate in float64 and round once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....ir.ops import ReduceMax, ReduceMean, ReduceMin, ReduceSum
from ...codegen.elementwise_emitters import Lanes
from ...codegen.fused_region import anchor_of
from ...codegen.kernel_interface import Job
from ...codegen.reductions import reduce_cycles, reduce_divisor, reduce_fold, refusal
from ..expressions import Term, dtype_of, expression
from ..program import Coordinate, Program
from ..region_blocks import Region
from ..schedules import folds
from ..tensor_kernel import kernel_of
from ..tir import T

_KINDS = (ReduceMean, ReduceSum, ReduceMax, ReduceMin)


def _write(job: Job) -> Program:
    op = anchor_of(job.op, *_KINDS)
    fold, program = reduce_fold(op), Program(job)
    x, region = program.view(job.outer(op.x)), Region(program)
    space, shape = region.space, op.x.type.concrete(1)
    sizes = [shape[axis] for axis in op.axes] or [1]

    def operand(index: Sequence[Coordinate], taken: Sequence[Coordinate]) -> Lanes:
        kept = iter(index)
        place: list[Coordinate] = []
        inner = dict(zip(op.axes, taken, strict=False))
        for axis in range(len(shape)):
            at = next(kept) if op.keepdims or axis not in inner else 0
            place.append(inner.get(axis, at))
        return x.load(place)

    def finished(state: Any) -> Lanes:
        return fold.finish(program.code, Term.of(fold.type, state), reduce_divisor(op))

    extents = (*space.extents, space.lanes)
    with program.body():
        state = program.scratch(extents, dtype_of(fold.type))
        with program.block("fold", extents, sizes) as (at, taken):
            with T.init():
                T.buffer_store(state, expression(fold.initial(1)), at)
            before = Term.of(fold.type, state[tuple(at)])
            after = fold.absorb(program.code, before, operand(space.index(at), taken))
            T.buffer_store(state, expression(after), at)
        with program.block("out", space.extents) as (at, _):
            region.store(at, lambda lane: finished(state[(*at, lane)]))
    return program


KERNELS = tuple(
    kernel_of(kind.mnemonic(), kind, _write, folds, reduce_cycles, refusal) for kind in _KINDS
)
