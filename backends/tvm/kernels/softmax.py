"""Softmax and its logarithm along one axis: maximum, powers, their sum in float64, result.

A task keeps the powers of its row, or computes them twice where they would be too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir import Op
from ....ir.ops import LogSoftmax, Softmax
from ...base import Choice
from ...codegen import math
from ...codegen.code import DOUBLE, FLOAT
from ...codegen.kernel import Job
from ...targets import Target
from ..expressions import Term, expression
from ..kernel import kernel_of
from ..program import Coordinate, Program
from ..schedules import rows
from ..tir import T, tirx

_MOST_KEPT = 1 << 14
"""Powers of a row that a task keeps, on its stack."""


def _write(job: Job) -> Program:
    op = job.op
    assert isinstance(op, Softmax | LogSoftmax)
    program = Program(job)
    code, b = program.code, program.code.b
    x, result = program.view(op.x), program.view(job.result)
    shape = op.x.type.concrete(1)
    outer = [size for axis, size in enumerate(shape) if axis != op.axis]
    length = shape[op.axis]

    def index(at: Sequence[Coordinate], i: Coordinate) -> list[Coordinate]:
        return [*at[: op.axis], i, *at[op.axis :]]

    with program.body():
        highest = program.scratch((*outer, 1), "float32")
        total = program.scratch((*outer, 1), "float64")
        with program.block("highest", outer, (length,)) as (at, (i,)):
            place = [*at, 0]
            with T.init():
                T.buffer_store(highest, tirx.const(float(-np.inf), "float32"), place)
            held = Term.of(FLOAT, highest[tuple(place)])
            most = math.maximum(code, held, x.load(index(at, i)))
            T.buffer_store(highest, expression(most), place)

        def shifted(at: Sequence[Coordinate], i: Coordinate) -> Any:
            return b.fsub(x.load(index(at, i)), Term.of(FLOAT, highest[(*at, 0)]))

        def computed(at: Sequence[Coordinate], i: Coordinate) -> Any:
            with program.keeping(1, 0):
                return math.exp(code, shifted(at, i))

        power = computed
        if length <= _MOST_KEPT:
            powers = program.scratch((*outer, length), "float32")
            with program.block("powers", (*outer, length)) as ((*at, i), _):
                T.buffer_store(powers, expression(computed(at, i)), [*at, i])

            def kept(at: Sequence[Coordinate], i: Coordinate) -> Any:
                return Term.of(FLOAT, powers[(*at, i)])

            power = kept
        with program.block("total", outer, (length,)) as (at, (i,)):
            place = [*at, 0]
            with T.init():
                T.buffer_store(total, tirx.const(0.0, "float64"), place)
            more = tirx.Cast("float64", expression(power(at, i)))
            T.buffer_store(total, tirx.Add(total[tuple(place)], more), place)
        with program.block("out", (*outer, length)) as ((*at, i), _):
            exact = Term.of(DOUBLE, total[(*at, 0)])
            whole: Any = Term.of(FLOAT, tirx.Cast("float32", expression(exact)))
            if isinstance(op, Softmax):
                out = b.fdiv(power(at, i), whole)
            else:
                with program.keeping(1, 0):
                    out = b.fsub(shifted(at, i), math.log(code, whole))
            T.buffer_store(result.buffer, expression(out), result.place(index(at, i)))
    return program


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """About 40 operations an element for the exponential and the division, one at a time."""
    return op.operands[0].type.elements_per_sample() * 40.0


KERNELS = (
    kernel_of("softmax", Softmax, _write, rows, _cycles),
    kernel_of("log_softmax", LogSoftmax, _write, rows, _cycles),
)
