"""Reductions as anchors. Float sums and means accumulate in float64 and round once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir import BOOL, F16, U8, Op, Scalar
from ....ir.ops import Fused, ReduceMax, ReduceMean, ReduceMin, ReduceSum
from ...codegen import math_float32 as functions
from ...codegen.elementwise_emitters import Lanes
from ...codegen.fused_region import plain_refusal, product_of
from ...codegen.kernel_builder import DOUBLE, memory_type
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, constant, dtype_of, expression
from ..program import Coordinate, Program
from ..region_blocks import Region
from ..schedules import folds
from ..tensor_kernel import kernel_of
from ..tir import T, tirx

Reduce = ReduceMean | ReduceSum | ReduceMax | ReduceMin
_KINDS = (ReduceMean, ReduceSum, ReduceMax, ReduceMin)


def is_summed(op: Reduce) -> bool:
    """True for sums in float64."""
    element = op.x.element
    assert isinstance(element, Scalar)
    return isinstance(op, ReduceMean | ReduceSum) and element.dtype.kind == "f"


def _start(op: Reduce) -> Any:
    """What changes no value."""
    element = op.x.element
    assert isinstance(element, Scalar)
    kind, type_ = element.dtype, memory_type(element)
    if is_summed(op):
        return tirx.const(-0.0, "float64")
    if isinstance(op, ReduceSum):
        return constant(type_, 0)
    lowest = isinstance(op, ReduceMax)
    if kind.kind == "f":
        return constant(type_, -np.inf if lowest else np.inf)
    if element == U8:
        return constant(type_, 0 if lowest else -1)
    info = np.iinfo(kind.name)
    return constant(type_, info.min if lowest else info.max)


def _combined(program: Program, op: Reduce, held: Any, x: Any) -> Any:
    """The state with one more element."""
    b = program.code.b
    if is_summed(op):
        return tirx.Add(expression(held), tirx.Cast("float64", expression(x)))
    if isinstance(op, ReduceSum):
        return expression(b.add(held, x))
    lowest = isinstance(op, ReduceMin)
    if op.x.element.dtype.kind == "f":
        extreme = functions.minimum if lowest else functions.maximum
        return expression(extreme(program.code, held, x))
    compare = b.icmp_unsigned if op.x.element == U8 else b.icmp_signed
    return expression(b.select(compare("<" if lowest else ">", x, held), x, held))


def _write(job: Job) -> Program:
    op = product_of(job.op, *_KINDS)
    element = op.x.element
    assert isinstance(element, Scalar)
    program = Program(job)
    x, region = program.view(job.outer(op.x)), Region(program)
    space, shape = region.space, op.x.type.concrete(1)
    sizes = [shape[axis] for axis in op.axes] or [1]
    type_ = DOUBLE if is_summed(op) else memory_type(element)

    def operand(index: Sequence[Coordinate], taken: Sequence[Coordinate]) -> Lanes:
        kept = iter(index)
        held: list[Coordinate] = []
        inner = dict(zip(op.axes, taken, strict=False))
        for axis in range(len(shape)):
            at = next(kept) if op.keepdims or axis not in inner else 0
            held.append(inner.get(axis, at))
        return x.load(held)

    def finished(value: Any) -> Lanes:
        if isinstance(op, ReduceMean):
            count = tirx.const(float(math.prod(sizes)), "float64")
            value = tirx.Div(value, count)
        return Term.of(memory_type(element), tirx.Cast(dtype_of(memory_type(element)), value))

    extents = (*space.extents, space.lanes)
    with program.body():
        state = program.scratch(extents, dtype_of(type_))
        with program.block("fold", extents, sizes) as (at, taken):
            with T.init():
                T.buffer_store(state, _start(op), at)
            held = Term.of(type_, state[tuple(at)])
            more = operand(space.index(at), taken)
            T.buffer_store(state, _combined(program, op, held, more), at)
        with program.block("out", space.extents) as (at, _):
            region.store(at, lambda lane: finished(state[(*at, lane)]))
    return program


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    reduce = product_of(op, *_KINDS)
    element = reduce.x.element
    if element in (F16, BOOL):
        return f"{reduce.mnemonic()} does not compute in {element}"
    if isinstance(reduce, ReduceMean) and element.dtype.kind != "f":
        return f"reduce_mean does not compute in {element}"
    return plain_refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """One load and operation for each vector of the operand."""
    assert isinstance(op, Fused)
    return sum(v.type.elements_per_sample() for v in op.xs[:1]) * 2 / target.lanes


KERNELS = tuple(
    kernel_of(kind.mnemonic(), kind, _write, folds, _cycles, _refuses) for kind in _KINDS
)
