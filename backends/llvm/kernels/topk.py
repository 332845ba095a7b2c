"""TopK by repeated selection, and elements at run-time positions.

The j-th best is the best of what comes after the one before it in the order, so that no memory is
needed: k passes along the axis. Elements are compared as integers in the same order. Lanes run
along the axis that is contiguous in the result, each with a selection of its own; there is one
lane when that is the axis itself. A task is one position of the other axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ....ir import Op, Scalar
from ....ir.ops import GatherElements, TopK
from ...codegen.kernel_builder import I32, I64, Code, Index, memory_type, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...codegen.topk_keys import NO_ENTRY, follows, improves, key_type, order_key, refusal
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..views import View, strides_of
from .moving.copy_boxes import Memory, known, load_index, stored
from .softmax import Rows, for_rows


@dataclass(frozen=True)
class Selection:
    """The passes along the axis at one position of the others, ``width`` lanes wide."""

    code: Code
    op: TopK
    views: tuple[View, View]
    at: tuple[Index, ...]
    lane: int
    width: int
    count: int

    def emit(self) -> None:
        """k passes, each storing one position."""
        first = self._pick(None)
        self._store(first, 0)

        def next_one(j: Index, before: list[Any]) -> list[Any]:
            entry = self._pick(before)
            self._store(entry, j)
            return entry

        if self.op.k > 1:
            self.code.repeat(1, self.op.k, 1, first, next_one)

    def _pick(self, before: list[Any] | None) -> list[Any]:
        """Key and position of the best element, of those after ``before`` in the order."""
        b: Any = self.code.b
        type_ = key_type(self.op)

        def step(i: Index, best: list[Any]) -> list[Any]:
            entry = [self._key(i), self._spread(i, type_)]
            better = improves(self.code, self.op, entry, best)
            if before is not None:
                better = b.and_(better, follows(self.code, self.op, entry, before))
            return [b.select(better, new, old) for new, old in zip(entry, best, strict=True)]

        start = [self._all(type_, number) for number in NO_ENTRY]
        return self.code.repeat(0, known(self.op.x.shape[self.op.axis]), 1, start, step)

    def _key(self, i: Index) -> Any:
        x = self.views[0].load(self._index(i), self.lane, self.width, self.count)
        return order_key(self.code, self.op, x)

    def _store(self, entry: list[Any], j: Index) -> None:
        position = entry[1]
        if position.type.element != I64:
            position = self.code.b.sext(position, vector(I64, self.width))
        self.views[1].store(position, self._index(j), self.lane, self.count)

    def _index(self, i: Index) -> tuple[Index, ...]:
        at = list(self.at)
        at[self.op.axis] = i
        return tuple(at)

    def _all(self, type_: ir.Type, value: int) -> Any:
        return ir.Constant(vector(type_, self.width), [value] * self.width)

    def _spread(self, i: Index, type_: ir.IntType) -> Any:
        if isinstance(i, int):
            return self._all(type_, i)
        return self.code.splat(self.code.b.trunc(i, I32) if type_ == I32 else i, self.width)


def _lane_axis(op: TopK, strides: Sequence[int]) -> int:
    """The axis that is contiguous in the result, the ordered one when there is no other."""
    shape = op.x.shape
    wide = [a for a in range(1, len(shape)) if strides[a] == 1 and shape[a] != 1]
    return next((a for a in wide if a != op.axis), op.axis)


def _lower_top_k(job: Job) -> None:
    op = job.op
    assert isinstance(op, TopK)
    rows = Rows(job, op.x, op.axis, _lane_axis(op, strides_of(job.result.type)))

    def emit(
        code: Code, views: tuple[View, View], at: tuple[Index, ...], width: int, count: int
    ) -> None:
        Selection(code, op, views, at, rows.lane, width, count).emit()

    for_rows(rows, emit)


def _lower_gather_elements(job: Job) -> None:
    op, result = job.op, job.result.type
    assert isinstance(op, GatherElements)
    source, target = Memory.of(stored(job, op.x)), Memory.of(result)
    element = result.element
    assert isinstance(element, Scalar)
    sizes = [1, *(known(d) for d in result.shape[1:])]

    def body(code: Code) -> None:
        with (
            code.loop(code.begin, code.end) as task,
            code.loop(0, math.prod(sizes)) as flat,
        ):
            at = [task, *code.split(flat, sizes)[1:]] if result.rank else []
            to: Index = 0
            frm = code.mul(load_index(code, job, op, at), source.strides[op.axis])
            for a, coordinate in enumerate(at):
                to = code.add(to, code.mul(coordinate, target.strides[a]))
                if a != op.axis:
                    frm = code.add(frm, code.mul(coordinate, source.strides[a]))
            value = code.load(code.offset(code.pointer(op.x), frm), memory_type(element))
            code.store(value, code.offset(code.pointer(job.result), to))

    job.step(Extent.of(result.shape[0]), body)


def _refuses(op: Op, target: Target) -> str | None:
    return refusal(op, target) if isinstance(op, TopK) else None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Two operations an element and pass, in one lane at worst."""
    passes = op.k if isinstance(op, TopK) else 1
    return op.operands[0].type.elements_per_sample() * 2.0 * passes


KERNELS = (
    Kernel(KernelDescriptor("top_k", TopK, _refuses, _cycles), _lower_top_k),
    Kernel(
        KernelDescriptor("gather_elements", GatherElements, _refuses, _cycles),
        _lower_gather_elements,
    ),
)
