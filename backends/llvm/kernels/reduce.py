"""Reductions as anchors. Float sums and means accumulate in float64 and round once.

Where the axis that is contiguous in memory is kept (the mean of a channels-last map), lanes are its
elements and every lane reduces its own. Where it is reduced, lanes share one result and are
combined at the end. A task is one position of all result axes but the one of the lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ....ir import Op, TensorType
from ....ir.ops import Fused, ReduceMax, ReduceMean, ReduceMin, ReduceSum
from ...codegen.kernel_builder import I32, Code, Index, memory_type, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...codegen.reductions import Fold, Reduce, reduce_cycles, reduce_divisor, reduce_fold, refusal
from ...interface import KernelDescriptor
from ..epilogue import Epilogue, channel_blocks
from ..views import View, strides_of
from .moving.copy_boxes import known, stored
from .pointwise import block_width

_NARROW = 8
"""Lanes of a block whose results are computed one by one but packed."""


@dataclass(frozen=True)
class Reduction:
    """One reduction in one kernel function."""

    code: Code
    op: Reduce

    @cached_property
    def fold(self) -> Fold:
        """How elements are combined."""
        return reduce_fold(self.op)

    @cached_property
    def axes(self) -> list[tuple[int, int]]:
        """The reduced axes and their sizes."""
        return [(a, known(self.op.x.shape[a])) for a in self.op.axes]

    def finish(self, state: Any) -> Any:
        """The result's lanes."""
        return self.fold.finish(self.code, state, reduce_divisor(self.op))


@dataclass(frozen=True)
class Shape:
    """Which axes are what: ``kept`` are operand axes in the result's order (None: a reduced axis
    kept as 1), ``lane`` the result axis of the lanes, ``across`` the operand axis that lanes share
    when it is reduced."""

    kept: tuple[int | None, ...]
    lane: int
    across: int | None

    @classmethod
    def of(cls, op: Reduce, x: TensorType, result: TensorType, packs: bool) -> Shape:
        """The plan for an operand as it lies in memory."""
        axes = [None if a in op.axes else a for a in range(x.rank)]
        kept = tuple(a for a in axes if op.keepdims or a is not None)
        strides = strides_of(x)
        wide = [a for a in range(x.rank) if strides[a] == 1 and x.shape[a] != 1]
        contiguous = wide[0] if wide else None
        across = contiguous if contiguous in op.axes else None
        lane = result.rank - 1
        if packs:
            lane = 1
        elif contiguous in kept and kept.index(contiguous) > 0:
            lane = kept.index(contiguous)
        return cls(kept, lane, across)


def _body(code: Code, job: Job, op: Reduce, result: TensorType, shape: Shape) -> None:
    epilogue = Epilogue(code, job)
    x = View.of(code, job.outer(op.x), op.x.type.rank, job.is_constant(op.x))
    reduction = Reduction(code, op)
    outer = [a for a in range(result.rank) if a != shape.lane or result.rank == 1]
    sizes = [1, *(known(result.shape[a]) for a in outer[1:])]
    with code.loop(code.begin, code.end) as task:
        at: list[Index] = [0] * result.rank
        for a, index in zip(outer, code.split(task, sizes) if outer else (), strict=True):
            at[a] = index

        def block(start: Index, count: int, width: int) -> None:
            if result.rank > 1:
                at[shape.lane] = start
            value = _reduce(reduction, x, (shape, tuple(at)), width, count)
            epilogue.apply(tuple(at), shape.lane, value, count)

        if result.rank < 2:
            block(0, 1, 1)
            return
        extent = known(result.shape[shape.lane])
        width = block_width(code, extent, vectors=2)
        if shape.across is not None:
            width = _NARROW if epilogue.packs else 1
        channel_blocks(code, extent, width, lambda c, n: block(c, n, width), packs=epilogue.packs)


def _reduce(
    reduction: Reduction,
    x: View,
    where: tuple[Shape, tuple[Index, ...]],
    width: int,
    count: int,
) -> Any:
    """``count`` results along the lane axis from the result position ``where``."""
    shape, at = where
    code, fold = reduction.code, reduction.fold
    if shape.across is None:
        return reduction.finish(_each_lane(reduction, x, where, width, count))
    if count == 1:
        one = reduction.finish(_one_result(reduction, x, where))
        return code.widen(one, width)
    type_ = vector(memory_type(fold.element), width)

    def lane(i: Index, state: list[Any]) -> list[Any]:
        here = list(at)
        here[shape.lane] = code.add(here[shape.lane], i)
        one = reduction.finish(_one_result(reduction, x, (shape, tuple(here))))
        scalar = code.b.extract_element(one, I32(0))
        place = I32(i) if isinstance(i, int) else code.b.trunc(i, I32)
        return [code.b.insert_element(state[0], scalar, place)]

    return code.repeat(0, count, 1, [type_(None)], lane)[0]


def _each_lane(
    reduction: Reduction,
    x: View,
    where: tuple[Shape, tuple[Index, ...]],
    width: int,
    count: int,
) -> Any:
    """Every lane reduces its own elements."""
    shape, at = where
    code, fold = reduction.code, reduction.fold
    axis = shape.kept[shape.lane] if shape.kept else None

    def add(index: Sequence[Index], state: Any) -> Any:
        lane = 0 if axis is None else axis
        return fold.absorb(code, state, x.load(index, lane, width, count))

    return _over(code, reduction.axes, _operand_index(shape, at, x), add, fold.initial(width))


def _one_result(reduction: Reduction, x: View, where: tuple[Shape, tuple[Index, ...]]) -> Any:
    """All lanes reduce elements of one result: whole vectors, then what is left of the axis."""
    shape, at = where
    code, fold = reduction.code, reduction.fold
    shared = shape.across
    assert shared is not None
    extent = known(reduction.op.x.shape[shared])
    width = code.lanes
    axes = [(a, size) for a, size in reduction.axes if a != shared]

    def run(first: int, last: int, lanes: int) -> Any:
        def add(index: list[Index], state: Any) -> Any:
            def vectors(i: Index, states: list[Any]) -> list[Any]:
                index[shared] = i
                return [fold.absorb(code, states[0], x.load(index, shared, lanes, lanes))]

            return code.repeat(first, last, lanes, [state], vectors)[0]

        state = fold.initial(lanes)
        return across(code, fold, _over(code, axes, _operand_index(shape, at, x), add, state))

    total = fold.initial(1)
    start = 0
    while start < extent:
        lanes = min(width, 1 << ((extent - start).bit_length() - 1))
        last = start + (extent - start) // lanes * lanes
        total = fold.combine(code, total, run(start, last, lanes))
        start = last
    return total


def _operand_index(shape: Shape, at: Sequence[Index], x: View) -> list[Index]:
    """Coordinates of the operand at a result position, 0 along reduced axes."""
    index: list[Index] = [0] * len(x.strides)
    for axis, coordinate in zip(shape.kept, at, strict=True):
        if axis is not None:
            index[axis] = coordinate
    return index


def _over(
    code: Code,
    axes: Sequence[tuple[int, int]],
    index: list[Index],
    add: Callable[[list[Index], Any], Any],
    state: Any,
) -> Any:
    """``add`` at every position of some axes, in row-major order."""
    if not axes:
        return add(index, state)
    (axis, extent), *rest = axes

    def body(i: Index, states: list[Any]) -> list[Any]:
        here = list(index)
        here[axis] = i
        return [_over(code, rest, here, add, states[0])]

    return code.repeat(0, extent, 1, [state], body)[0]


def _lower(job: Job) -> None:
    op = job.anchor
    assert isinstance(job.op, Fused)
    assert isinstance(op, Reduce)
    assert job.op.anchor is not None
    result = job.op.anchor.result.type
    shape = Shape.of(op, stored(job, op.x), result, job.packs)
    outer = [d for a, d in enumerate(result.shape) if a != shape.lane or result.rank == 1]
    tasks = Extent.of(outer[0], math.prod(known(d) for d in outer[1:])) if outer else Extent(0, 1)
    job.step(tasks, lambda code: _body(code, job, op, result, shape))


def across(code: Code, fold: Fold, state: Any) -> Any:
    """All lanes of a state combined, as one lane."""
    while state.type.count > 1:
        half = state.type.count // 2
        low, high = (code.lanes_of(state, first, half) for first in (0, half))
        state = fold.combine(code, low, high)
    return state


def _kernel(operator: type[Op]) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, refusal, reduce_cycles), _lower)


KERNELS = tuple(_kernel(op) for op in (ReduceMean, ReduceSum, ReduceMax, ReduceMin))
