"""Operators that move elements: each element of the result knows where it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....ir import Layout, Op, Scalar, Value
from ....ir.ops import Concat, Gather, GatherElements, Pad, Relayout, Reshape, Slice, Transpose
from ....ir.ops.shape import code_of
from ....ir.storage import planes_of
from ....ir.types import BOOL, sample_bytes
from ...codegen.elementwise_emitters import Lanes, Packed
from ...codegen.kernel_builder import I1, memory_type
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, constant, expression
from ..program import Coordinate, Program, View
from ..results import Results, Space
from ..schedules import elements, extent, make_tasks
from ..tensor_kernel import Knobs, Schedule, kernel_of
from ..tir import tirx

_SIDE_BY_SIDE = 16
"""Channels of a cache line."""
Load = Callable[[Sequence[Coordinate]], Lanes]
"""The element of the result at logical coordinates."""


def _load(program: Program) -> Load:
    """What the operator puts where."""
    op = program.job.op
    if isinstance(op, Concat):
        return _concat(op, [program.view(x) for x in op.xs])
    if isinstance(op, Gather | GatherElements):
        return _gather(op, program.view(op.x), program.view(op.indices))
    x = program.view(op.operands[0])
    if isinstance(op, Reshape):
        return _reshape(op, x)
    if isinstance(op, Transpose):
        places = [op.perm.index(axis) for axis in range(len(op.perm))]
        return lambda index: x.load([index[place] for place in places])
    if isinstance(op, Slice):
        return lambda index: x.load(
            [s + i * step for i, s, step in zip(index, op.starts, op.steps, strict=True)]
        )
    if isinstance(op, Pad):
        return _pad(op, x)
    assert isinstance(op, Relayout)
    return x.load


def _reshape(op: Reshape, x: View) -> Load:
    old, new = op.x.type.concrete(1), op.infer()[0].concrete(1)

    if not math.prod(new):
        return lambda index: x.load([0] * len(old))

    def load(index: Sequence[Coordinate]) -> Lanes:
        flat: Any = tirx.const(0, "int32")
        for size, at in zip(new, index, strict=True):
            flat = flat * size + at
        steps = [math.prod(old[axis + 1 :]) for axis in range(len(old))]
        return x.load(
            [
                tirx.floormod(tirx.floordiv(flat, step), size)
                for step, size in zip(steps, old, strict=True)
            ]
        )

    return load


def _concat(op: Concat, views: Sequence[View]) -> Load:
    def load(index: Sequence[Coordinate]) -> Lanes:
        at, out = index[op.axis], None
        end = sum(view.type.concrete(1)[op.axis] for view in views)
        for view in reversed(views):
            start = end - view.type.concrete(1)[op.axis]
            there = list(index)
            there[op.axis] = at - start
            part = view.load(there)
            out = part if out is None else _either(tirx.LT(at, end), part, out)
            end = start
        assert out is not None
        return out

    return load


def _pad(op: Pad, x: View) -> Load:
    element = op.x.element

    def load(index: Sequence[Coordinate]) -> Lanes:
        there = [at - before for at, before in zip(index, op.before, strict=True)]
        inside: Any = tirx.const(True, "bool")
        for at, size in zip(there, op.x.type.concrete(1), strict=True):
            inside = tirx.all(inside, at >= 0, at < size)
        code = code_of(op.value, element)
        if isinstance(element, Scalar):
            type_ = I1 if element == BOOL else memory_type(element)
            if element.dtype.kind in "iu":
                code = int(code) - (256 if element.dtype.kind == "u" and code > 127 else 0)
            border: Lanes = Term.of(type_, constant(type_, code))
        else:
            planes = planes_of(np.array(code), element)
            border = Packed(tuple(Term.of(I1, constant(I1, bit)) for bit in planes))
        return _either(inside, x.load(there), border)

    return load


def _gather(op: Gather | GatherElements, x: View, indices: View) -> Load:
    size = op.x.type.concrete(1)[op.axis]
    rank = op.indices.type.rank

    def load(index: Sequence[Coordinate]) -> Lanes:
        chosen = index if isinstance(op, GatherElements) else index[op.axis : op.axis + rank]
        entry = expression(indices.load(chosen))
        zero, end = tirx.const(0, entry.ty.dtype), tirx.const(size, entry.ty.dtype)
        entry = entry + tirx.Select(entry < zero, end, zero)
        entry = tirx.Cast("int32", tirx.max(tirx.min(entry, end - 1), zero))
        after = op.axis + (1 if isinstance(op, GatherElements) else rank)
        return x.load([*index[: op.axis], entry, *index[after:]])

    return load


def _either(condition: Any, then: Lanes, otherwise: Lanes) -> Lanes:
    """One of two elements; the other is not read."""
    if isinstance(then, Packed):
        pairs = zip(then.planes, otherwise.planes, strict=True)
        return Packed(tuple(_either(condition, a, b) for a, b in pairs))
    chosen = tirx.if_then_else(condition, expression(then), expression(otherwise))
    return Term(then.type, chosen)


def _space(job: Job) -> Space:
    return Space.of(job.result.type, job.result.type.layout is Layout.WORDS, job.target)


def _write(job: Job) -> Program:
    program = Program(job)
    load = _load(program)
    space = _space(job)
    results = Results(program, [job.result], space)
    with program.body(), program.block("out", space.extents) as (at, _):
        results.store(at, lambda lane: [load(space.index((*at, lane)))])
    return program


def _plan(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """Where channels lie side by side in the operand and apart in the result, some of them at a
    time: all that a cache line has is used at once."""
    op, space = program.job.op, _space(program.job)
    if isinstance(op, Relayout) and 1 in space.axes[:-1] and op.x.type.rank > 2:
        *loops, last = schedule.get_loops(schedule.get_sblock("out"))
        channels = loops.pop(space.axes.index(1))
        size = math.gcd(extent(schedule, channels), _SIDE_BY_SIDE)
        outer, inner = schedule.split(channels, [None, size])
        schedule.reorder(*loops, outer, last, inner)
        make_tasks(schedule, program, [*loops, outer])
    else:
        elements(schedule, knobs, program)


def _refuses(op: Op, target: Target) -> str | None:
    def planes(value: Value) -> bool:
        return value.type.layout is Layout.PLANES

    if isinstance(op, Relayout) and op.layout is Layout.PLANES:
        return f"cannot move {op.x!r} to planes of pixels"
    in_planes = [v for v in op.operands if planes(v)]
    return f"cannot move planes of pixels of {in_planes[0]!r}" if in_planes else None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Read and written once, half a vector a cycle; what is packed goes bit by bit."""
    results = op.infer()
    moved = sum(sample_bytes(t) for t in (*(v.type for v in op.operands), *results))
    bits = sum(t.elements_per_sample() for t in results if t.is_binary)
    return moved * 16 / target.vector_bits + bits * 4 / target.lanes


KERNELS = tuple(
    kernel_of(kind.mnemonic(), kind, _write, _plan, _cycles, _refuses)
    for kind in (Relayout, Reshape, Transpose, Concat, Slice, Pad, Gather, GatherElements)
)
