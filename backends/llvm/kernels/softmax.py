"""Softmax and its logarithm along one axis, three passes: maximum, sum, result.

Lanes run along the softmax axis when that is contiguous in the result, else along the axis that is,
each lane with a softmax of its own. The sum is taken in float64, of what the lanes of a few vectors
add up to in float32. A task is one position of the other axes.

Where lanes share a softmax, the pass that sums a row also finds the maximum of the next one: that
fetches the row early, and no pass begins with waiting for the maximum that it subtracts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ....ir import Op, Value
from ....ir.ops import LogSoftmax, Softmax
from ...codegen import math_float32 as vector_math
from ...codegen.kernel_builder import I32, Code, Index, pieces
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...codegen.reductions import HIGHEST, POWERS, Fold, softmax_result, softmax_total
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..epilogue import channel_blocks
from ..views import View, strides_of
from .moving.copy_boxes import known
from .pointwise import block_width
from .reduce import across

_VECTORS = 4
"""Registers of elements at a time: one would wait for the maximum or sum of the one before."""


@dataclass(frozen=True)
class Folding:
    """A fold of ``value(position, lanes)`` along the axis; where lanes share a softmax, the vectors
    come down to ``width`` lanes first."""

    fold: Fold
    value: Callable[[Index, int], Any]
    width: int


@dataclass(frozen=True)
class Row:
    """The softmax axis at one position of the others: how passes walk it.

    ``lane`` is the axis of the lanes. When it is ``axis`` itself, lanes share one softmax; else
    there are ``width`` of them, ``count`` of which are stored.
    """

    code: Code
    op: Softmax | LogSoftmax
    views: tuple[View, View]
    at: tuple[Index, ...]
    lane: int
    width: int
    count: int

    @property
    def shared(self) -> bool:
        """True when all lanes belong to one softmax."""
        return self.lane == self.op.axis

    def runs(self) -> list[tuple[int, int, int]]:
        """(first, last, lanes) of the loops along the axis."""
        extent = known(self.op.x.shape[self.op.axis])
        if not self.shared:
            return [(0, extent, 1)]
        in_vectors = extent // self.width * self.width
        out = [(0, in_vectors, self.width)] if in_vectors else []
        return out + [
            (in_vectors + s, in_vectors + s + w, w) for s, w in pieces(extent - in_vectors)
        ]

    def index(self, position: Index) -> tuple[Index, ...]:
        """Coordinates of the element at a position along the axis."""
        at = list(self.at)
        at[self.op.axis] = position
        return tuple(at)

    def load(self, which: int, position: Index, lanes: int) -> Any:
        """A vector of the operand (0) or of the result (1)."""
        width, count = (lanes, lanes) if self.shared else (self.width, self.count)
        return self.views[which].load(self.index(position), self.lane, width, count)

    def store(self, value: Any, position: Index) -> None:
        """Write a vector of the result."""
        count = value.type.count if self.shared else self.count
        self.views[1].store(value, self.index(position), self.lane, count)

    def spread(self, value: Any, like: Any) -> Any:
        """One lane per softmax as a vector beside ``like``."""
        if not self.shared:
            return value
        return self.code.splat(self.code.b.extract_element(value, I32(0)), like.type.count)

    def folded(self, *foldings: Folding) -> list[Any]:
        """The state of each fold after one pass along the axis, a lane per softmax."""
        totals: list[Any] = [f.fold.initial(1 if self.shared else self.width) for f in foldings]
        for first, last, lanes in self.runs():

            def body(i: Index, states: list[Any], lanes: int = lanes) -> list[Any]:
                return [
                    f.fold.absorb(self.code, state, self._narrow(f, f.value(i, lanes)))
                    for f, state in zip(foldings, states, strict=True)
                ]

            start = [
                f.fold.initial(min(lanes, f.width) if self.shared else self.width) for f in foldings
            ]
            for n, part in enumerate(self.code.repeat(first, last, lanes, start, body)):
                fold = foldings[n].fold
                part = across(self.code, fold, part) if self.shared else part
                totals[n] = fold.combine(self.code, totals[n], part)
        return totals

    def _narrow(self, folding: Folding, x: Any) -> Any:
        """``x`` with its halves combined until no more than the fold's lanes are left."""
        while self.shared and x.type.count > folding.width:
            half = x.type.count // 2
            halves = (self.code.lanes_of(x, first, half) for first in (0, half))
            x = folding.fold.combine(self.code, *halves)
        return x

    def each(self, body: Callable[[Index, int], None]) -> None:
        """``body(position, lanes)`` along the axis."""
        for first, last, lanes in self.runs():
            with self.code.loop(first, last, lanes) as i:
                body(i, lanes)

    def maximum(self) -> Folding:
        """The fold that gives what is subtracted from the elements."""
        return Folding(HIGHEST, lambda i, lanes: self.load(0, i, lanes), self.code.lanes)

    def emit(self, highest: Any, *meanwhile: Folding) -> list[Any]:
        """The two passes after the maximum, the first with other folds, whose states it returns."""
        code, b, op = self.code, self.code.b, self.op
        # Added, not subtracted, so that x86 reads the element in the same instruction.
        lowering = code.freeze(b.fneg(highest))

        def shifted(i: Index, lanes: int) -> Any:
            x = self.load(0, i, lanes)
            return b.fadd(x, self.spread(lowering, x))

        def power(i: Index, lanes: int) -> Any:
            e: Any = vector_math.scaled_exp(code, shifted(i, lanes))
            if isinstance(op, Softmax):
                self.store(e, i)
            return e

        *others, state = self.folded(*meanwhile, Folding(POWERS, power, code.lanes // 2))
        total = softmax_total(code, op, state)

        def finish(i: Index, lanes: int) -> None:
            x = self.load(1, i, lanes) if isinstance(op, Softmax) else shifted(i, lanes)
            self.store(softmax_result(code, op, x, self.spread(total, x)), i)

        self.each(finish)
        return others


def _lane_axis(op: Softmax | LogSoftmax, strides: Sequence[int]) -> int:
    """The axis that is contiguous in the result, the softmax axis when there is none."""
    shape = op.x.shape
    wide = [a for a in range(len(shape)) if strides[a] == 1 and shape[a] != 1]
    return wide[0] if wide and wide[0] > 0 else op.axis


@dataclass(frozen=True)
class Rows:
    """Rows of ``x`` along ``axis``, with lanes along the ``lane`` axis; tasks divide the axes that
    are left."""

    job: Job
    x: Value
    axis: int
    lane: int

    @property
    def outer(self) -> list[int]:
        """The axes that tasks divide."""
        return [a for a in range(self.job.result.type.rank) if a not in (self.axis, self.lane)]

    @property
    def sizes(self) -> list[int]:
        """Their sizes, the first as 1."""
        shape = self.job.result.type.shape
        return [1, *(known(shape[a]) for a in self.outer[1:])]

    def views(self, code: Code) -> tuple[View, View]:
        """Operand and result."""
        rank = self.job.result.type.rank
        constant = self.job.is_constant(self.x)
        return View.of(code, self.x, rank, constant), View.of(code, self.job.result, rank)

    def at(self, code: Code, task: Index) -> list[Index]:
        """Where the rows of a task begin."""
        at: list[Index] = [0] * self.job.result.type.rank
        if self.outer:
            for axis, index in zip(self.outer, code.split(task, self.sizes), strict=True):
                at[axis] = index
        return at

    def step(self, body: Callable[[Code], None]) -> None:
        """The step that ``body`` writes."""
        shape = self.job.result.type.shape
        tasks = Extent.of(shape[self.outer[0]], math.prod(self.sizes)) if self.outer else None
        self.job.step(tasks or Extent(0, 1), body)


Emit = Callable[[Code, tuple[View, View], tuple[Index, ...], int, int], None]
"""Emits one block of rows: the code, operand and result, where it starts, the lanes of its vectors
and how many of them count."""


def for_rows(rows: Rows, emit: Emit) -> None:
    """Rows one by one where the lanes run along them, else as many as a vector has lanes."""

    def body(code: Code) -> None:
        views = rows.views(code)
        with code.loop(code.begin, code.end) as task:
            at = rows.at(code, task)
            if rows.lane == rows.axis:
                emit(code, views, tuple(at), 1, 1)
                return
            extent = known(rows.job.result.type.shape[rows.lane])
            width = block_width(code, extent, vectors=2)

            def block(start: Index, count: int) -> None:
                at[rows.lane] = start
                emit(code, views, tuple(at), width, count)

            channel_blocks(code, extent, width, block)

    rows.step(body)


def _each_after_the_next_maximum(rows: Rows, op: Softmax | LogSoftmax) -> None:
    """Rows whose lanes share a softmax."""

    def body(code: Code) -> None:
        views, width = rows.views(code), _VECTORS * code.lanes

        def row(task: Index) -> Row:
            return Row(code, op, views, tuple(rows.at(code, task)), rows.lane, width, width)

        def step(task: Index, highest: list[Any]) -> list[Any]:
            # The last row is its own next one: what is found there is not used.
            following = code.min(code.add(task, 1), code.sub(code.end, 1))
            return row(task).emit(highest[0], row(following).maximum())

        with code.when(code.b.icmp_signed("<", code.begin, code.end)):
            first = row(code.begin)
            code.repeat(code.begin, code.end, 1, first.folded(first.maximum()), step)

    rows.step(body)


def _lower(job: Job) -> None:
    op = job.op
    assert isinstance(op, Softmax | LogSoftmax)
    rows = Rows(job, op.x, op.axis, _lane_axis(op, strides_of(job.result.type)))
    if rows.lane == op.axis:
        _each_after_the_next_maximum(rows, op)
        return

    def emit(
        code: Code, views: tuple[View, View], at: tuple[Index, ...], width: int, count: int
    ) -> None:
        row = Row(code, op, views, at, rows.lane, width, count)
        row.emit(*row.folded(row.maximum()))

    for_rows(rows, emit)


def _refuses(op: Op, target: Target) -> str | None:
    return None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """About 25 operations an element, most of them for the exponential."""
    return op.operands[0].type.elements_per_sample() * 25 / target.lanes


def _kernel(operator: type[Op]) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, _refuses, _cycles), _lower)


KERNELS = (_kernel(Softmax), _kernel(LogSoftmax))
