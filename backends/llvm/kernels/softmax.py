"""Softmax and its logarithm along one axis, three passes: maximum, sum, result.

Lanes run along the softmax axis when that is contiguous in the result, else along the axis that is,
each lane with a softmax of its own. The sum is taken in float64, of what the lanes of a few vectors
add up to in float32. A task is one position of the other axes.
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

    def folded(
        self, fold: Fold, value: Callable[[Index, int], Any], most: int | None = None
    ) -> Any:
        """All of ``value(position, lanes)`` along the axis as one, a lane per softmax. Where lanes
        share one, a value has ``most`` lanes, or as many as there are."""
        total = fold.initial(1 if self.shared else self.width)
        for first, last, lanes in self.runs():
            count = min(lanes, most or lanes) if self.shared else self.width

            def body(i: Index, state: list[Any], lanes: int = lanes) -> list[Any]:
                return [fold.absorb(self.code, state[0], value(i, lanes))]

            part = self.code.repeat(first, last, lanes, [fold.initial(count)], body)[0]
            if self.shared:
                part = across(self.code, fold, part)
            total = fold.combine(self.code, total, part)
        return total

    def added(self, x: Any, lanes: int) -> Any:
        """``x`` with its halves added until no more than ``lanes`` are left."""
        while x.type.count > lanes:
            half = x.type.count // 2
            x = self.code.b.fadd(*(self.code.lanes_of(x, first, half) for first in (0, half)))
        return x

    def each(self, body: Callable[[Index, int], None]) -> None:
        """``body(position, lanes)`` along the axis."""
        for first, last, lanes in self.runs():
            with self.code.loop(first, last, lanes) as i:
                body(i, lanes)

    def emit(self) -> None:
        """The three passes."""
        code, b, op = self.code, self.code.b, self.op
        highest = self.folded(HIGHEST, lambda i, lanes: self.load(0, i, lanes))

        def shifted(i: Index, lanes: int) -> Any:
            x = self.load(0, i, lanes)
            return b.fsub(x, self.spread(highest, x))

        def power(i: Index, lanes: int) -> Any:
            e: Any = vector_math.scaled_exp(code, shifted(i, lanes))
            if isinstance(op, Softmax):
                self.store(e, i)
            return self.added(e, code.lanes // 2) if self.shared else e

        total = softmax_total(code, op, self.folded(POWERS, power, code.lanes // 2))

        def finish(i: Index, lanes: int) -> None:
            x = self.load(1, i, lanes) if isinstance(op, Softmax) else shifted(i, lanes)
            self.store(softmax_result(code, op, x, self.spread(total, x)), i)

        self.each(finish)


def _lane_axis(op: Softmax | LogSoftmax, strides: Sequence[int]) -> int:
    """The axis that is contiguous in the result, the softmax axis when there is none."""
    shape = op.x.shape
    wide = [a for a in range(len(shape)) if strides[a] == 1 and shape[a] != 1]
    return wide[0] if wide and wide[0] > 0 else op.axis


Emit = Callable[[Code, tuple[View, View], tuple[Index, ...], int, int], None]
"""Emits one block of rows: the code, operand and result, where it starts, the lanes of its vectors
and how many of them count."""


def for_rows(job: Job, x: Value, axis: int, lane: int, emit: Emit) -> None:
    """Rows of ``x`` along ``axis``, one by one where that is the ``lane`` axis, else as many as a
    vector has lanes; tasks divide the first axis that is left."""
    result = job.result.type
    rank = result.rank
    outer = [a for a in range(rank) if a not in (axis, lane)]
    sizes = [1, *(known(result.shape[a]) for a in outer[1:])]

    def body(code: Code) -> None:
        constant = job.is_constant(x)
        views = (View.of(code, x, rank, constant), View.of(code, job.result, rank))
        with code.loop(code.begin, code.end) as task:
            at: list[Index] = [0] * rank
            for a, index in zip(outer, code.split(task, sizes) if outer else (), strict=True):
                at[a] = index
            if lane == axis:
                emit(code, views, tuple(at), 1, 1)
                return
            extent = known(result.shape[lane])
            width = block_width(code, extent)

            def block(start: Index, count: int) -> None:
                at[lane] = start
                emit(code, views, tuple(at), width, count)

            channel_blocks(code, extent, width, block)

    if not outer:
        job.step(Extent(0, 1), body)
        return
    job.step(Extent.of(result.shape[outer[0]], math.prod(sizes)), body)


def _lower(job: Job) -> None:
    op = job.op
    assert isinstance(op, Softmax | LogSoftmax)
    lane = _lane_axis(op, strides_of(job.result.type))

    def emit(
        code: Code, views: tuple[View, View], at: tuple[Index, ...], width: int, count: int
    ) -> None:
        if lane == op.axis:
            width = count = _VECTORS * code.lanes
        Row(code, op, views, at, lane, width, count).emit()

    for_rows(job, op.x, op.axis, lane, emit)


def _refuses(op: Op, target: Target) -> str | None:
    return None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """About 25 operations an element, most of them for the exponential."""
    return op.operands[0].type.elements_per_sample() * 25 / target.lanes


def _kernel(operator: type[Op]) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, _refuses, _cycles), _lower)


KERNELS = (_kernel(Softmax), _kernel(LogSoftmax))
