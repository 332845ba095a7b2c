"""TopK by repeated selection: the j-th best is the best of what comes after the one before it.

Elements are compared as integers in the same order, so that no memory is needed but for two of
them: the best so far, and the last that was chosen.
"""

from __future__ import annotations

from typing import Any

from ....ir import BOOL, F16, Op
from ....ir.ops import TopK
from ...codegen.kernel_interface import Job
from ...codegen.topk_keys import key_type, order_key
from ...interface import Choice
from ...targets import Target
from ..expressions import dtype_of, expression
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
    dtype = dtype_of(key_type(op))

    def before(a: tuple[Any, Any], b: tuple[Any, Any]) -> Any:
        """Whether a (key, position) comes before another one in the order."""
        first = tirx.GT(a[1], b[1]) if op.last else tirx.LT(a[1], b[1])
        return tirx.Or(tirx.GT(a[0], b[0]), tirx.And(tirx.EQ(a[0], b[0]), first))

    with program.body(), program.block("out", (*outer, 1)) as ((*at, _), _):
        keys, places = program.scratch((2,), dtype), program.scratch((2,), "int32")
        with T.serial(op.k) as j:
            T.buffer_store(places, tirx.const(-1, "int32"), [0])
            with T.serial(shape[op.axis]) as i:
                key = expression(order_key(program.code, op, x.load(_index(op, at, i))))
                best, last = ((keys[(n,)], places[(n,)]) for n in range(2))
                better = tirx.Or(tirx.LT(best[1], 0), before((key, i), best))
                left = tirx.Or(tirx.EQ(j, 0), before(last, (key, i)))
                with T.If(tirx.And(better, left)), T.Then():
                    T.buffer_store(keys, key, [0])
                    T.buffer_store(places, i, [0])
            T.buffer_store(keys, keys[(0,)], [1])
            T.buffer_store(places, places[(0,)], [1])
            place = result.place(_index(op, at, j))
            T.buffer_store(result.buffer, tirx.Cast("int64", places[(1,)]), place)
    return program


def _index(op: TopK, at: list[Any], i: Any) -> list[Any]:
    return [*at[: op.axis], i, *at[op.axis :]]


def _refuses(op: Op, target: Target) -> str | None:
    element = op.operands[0].element
    return f"top_k does not order {element}" if element in (F16, BOOL) else None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Four operations for each element and each that is chosen."""
    assert isinstance(op, TopK)
    return op.x.type.elements_per_sample() * 4.0 * op.k


KERNELS = (kernel_of("top_k", TopK, _write, elements, _cycles, _refuses),)
