"""TopK by repeated selection: the j-th best is the best of what comes after the one before it.

Elements are compared as integers in the same order, so that no memory is needed but for two of
them: the best so far, and the last that was chosen.
"""

from __future__ import annotations

from typing import Any

from ....ir import Op
from ....ir.ops import TopK
from ...codegen.kernel_builder import I32
from ...codegen.kernel_interface import Job
from ...codegen.topk_keys import NO_ENTRY, follows, improves, key_type, order_key, refusal
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, constant, dtype_of, expression
from ..program import Program
from ..schedules import elements
from ..tensor_kernel import kernel_of
from ..tir import T, tirx


def _write(job: Job) -> Program:
    op = job.op
    assert isinstance(op, TopK)
    program = Program(job)
    x, result = program.view(op.x), program.view(job.result)
    shape = op.x.type.concrete(1)
    outer = [size for axis, size in enumerate(shape) if axis != op.axis]
    code, types = program.code, (key_type(op), I32)
    with program.body(), program.block("out", (*outer, 1)) as ((*at, _), _):
        parts = [program.scratch((2,), dtype_of(type_)) for type_ in types]

        def kept(number: int) -> list[Term]:
            """The best entry so far (0), or the last that was chosen (1)."""
            return [Term.of(t, part[(number,)]) for t, part in zip(types, parts, strict=True)]

        with T.serial(op.k) as j:
            for part, type_, nothing in zip(parts, types, NO_ENTRY, strict=True):
                T.buffer_store(part, constant(type_, nothing), [0])
            with T.serial(shape[op.axis]) as i:
                entry = [order_key(code, op, x.load(_index(op, at, i))), Term.of(I32, i)]
                better = expression(improves(code, op, entry, kept(0)))
                left = tirx.Or(tirx.EQ(j, 0), expression(follows(code, op, entry, kept(1))))
                with T.If(tirx.And(better, left)), T.Then():
                    for part, value in zip(parts, entry, strict=True):
                        T.buffer_store(part, expression(value), [0])
            for part in parts:
                T.buffer_store(part, part[(0,)], [1])
            position = tirx.Cast("int64", parts[1][(1,)])
            T.buffer_store(result.buffer, position, result.place(_index(op, at, j)))
    return program


def _index(op: TopK, at: list[Any], i: Any) -> list[Any]:
    return [*at[: op.axis], i, *at[op.axis :]]


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Four operations for each element and each that is chosen."""
    assert isinstance(op, TopK)
    return op.x.type.elements_per_sample() * 4.0 * op.k


KERNELS = (kernel_of("top_k", TopK, _write, elements, _cycles, refusal),)
