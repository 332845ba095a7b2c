"""Softmax and its logarithm along one axis: maximum, powers, their sum in float64, result.

A task keeps the powers of its row, or computes them twice where they would be too many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ....ir import Op
from ....ir.ops import LogSoftmax, Softmax
from ...codegen import math_float32 as functions
from ...codegen.kernel_builder import FLOAT
from ...codegen.kernel_interface import Job
from ...codegen.reductions import HIGHEST, POWERS, Fold, softmax_result, softmax_total
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, dtype_of, expression
from ..program import Buffer, Coordinate, Program
from ..schedules import in_registers, own_loops, rows
from ..tensor_kernel import Knobs, Schedule, kernel_of
from ..tir import T

Read = Callable[[Sequence[Coordinate], Coordinate], Any]
_LANES = ".lanes"
"""Names of the blocks that fold each lane by itself."""
_MOST_KEPT = 1 << 14
"""Powers of a row that a task keeps, on its stack."""


@dataclass(frozen=True)
class _Rows:
    """What is computed along the axis, for each position ``at`` of the others; elements along it
    in lanes."""

    program: Program
    op: Softmax | LogSoftmax

    @cached_property
    def outer(self) -> list[int]:
        """Sizes of the other axes."""
        shape = self.op.x.type.concrete(1)
        return [size for axis, size in enumerate(shape) if axis != self.op.axis]

    @cached_property
    def length(self) -> int:
        """Elements along the axis."""
        return self.op.x.type.concrete(1)[self.op.axis]

    @cached_property
    def lanes(self) -> int:
        """Elements of a block."""
        return lanes_of(self.op, self.program.job.target)

    @property
    def steps(self) -> int:
        """Blocks along the axis."""
        return self.length // self.lanes

    def index(self, at: Sequence[Coordinate], i: Coordinate) -> list[Coordinate]:
        """Coordinates of an element."""
        return [*at[: self.op.axis], i, *at[self.op.axis :]]

    @contextmanager
    def elements(self, name: str) -> Generator[tuple[list[Any], Any]]:
        """A block over all elements; gives the place of one."""
        with self.program.block(name, (*self.outer, self.steps)) as ((*at, step), _):
            vectors = T.vectorized(self.lanes) if self.lanes > 1 else nullcontext(0)
            with vectors as lane, self.program.keeping(self.lanes, lane):
                yield at, step * self.lanes + lane
            self.program.release()

    def folded(self, name: str, fold: Fold, read: Read) -> Buffer:
        """The state of all elements along the axis: each lane its own, then those of the lanes."""
        code, dtype, start = self.program.code, dtype_of(fold.type), expression(fold.initial(1))
        partly = self.program.scratch((*self.outer, self.lanes), dtype)
        space = (*self.outer, self.lanes)
        with self.program.block(f"{name}{_LANES}", space, (self.steps,)) as (place, (step,)):
            with T.init():
                T.buffer_store(partly, start, place)
            x = read(place[:-1], step * self.lanes + place[-1])
            state = fold.absorb(code, Term.of(fold.type, partly[tuple(place)]), x)
            T.buffer_store(partly, expression(state), place)
        total = self.program.scratch((*self.outer, 1), dtype)
        with self.program.block(name, self.outer, (self.lanes,)) as (at, (lane,)):
            with T.init():
                T.buffer_store(total, start, [*at, 0])
            both = [Term.of(fold.type, x) for x in (total[(*at, 0)], partly[(*at, lane)])]
            T.buffer_store(total, expression(fold.combine(code, *both)), [*at, 0])
        return total


def lanes_of(op: Softmax | LogSoftmax, target: Target) -> int:
    """Neighbours along the axis that are computed together."""
    return math.gcd(op.x.type.concrete(1)[op.axis], target.lanes)


def _write(job: Job) -> Program:
    op = job.op
    assert isinstance(op, Softmax | LogSoftmax)
    program = Program(job)
    row, code, b = _Rows(program, op), program.code, program.code.b
    x, result = program.view(op.x), program.view(job.result)

    def read(at: Sequence[Coordinate], i: Coordinate) -> Any:
        return x.load(row.index(at, i))

    with program.body():
        highest = row.folded("highest", HIGHEST, read)

        def shifted(at: Sequence[Coordinate], i: Coordinate) -> Any:
            return b.fsub(read(at, i), Term.of(FLOAT, highest[(*at, 0)]))

        def computed(at: Sequence[Coordinate], i: Coordinate) -> Any:
            return functions.scaled_exp(code, shifted(at, i))

        power = computed
        if row.length <= _MOST_KEPT:
            powers = program.scratch((*row.outer, row.length), "float32")
            with row.elements("powers") as (at, i):
                T.buffer_store(powers, expression(computed(at, i)), [*at, i])

            def kept(at: Sequence[Coordinate], i: Coordinate) -> Any:
                return Term.of(FLOAT, powers[(*at, i)])

            power = kept

        sums = row.folded("total", POWERS, power)
        with row.elements("out") as (at, i):
            total = softmax_total(code, op, Term.of(POWERS.type, sums[(*at, 0)]))
            x = power(at, i) if isinstance(op, Softmax) else shifted(at, i)
            out = softmax_result(code, op, x, total)
            T.buffer_store(result.buffer, expression(out), result.place(row.index(at, i)))
    return program


def _plan(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    rows(schedule, knobs, program)
    for name in (f"highest{_LANES}", f"total{_LANES}"):
        block = schedule.get_sblock(name)
        spatial, reduced = own_loops(schedule, block)
        in_registers(schedule, spatial, reduced)
        schedule.decompose_reduction(block, reduced[0])


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """About 25 operations an element, most of them for the exponential."""
    assert isinstance(op, Softmax | LogSoftmax)
    return op.x.type.elements_per_sample() * 25.0 / lanes_of(op, target)


KERNELS = (
    kernel_of("softmax", Softmax, _write, _plan, _cycles),
    kernel_of("log_softmax", LogSoftmax, _write, _plan, _cycles),
)
