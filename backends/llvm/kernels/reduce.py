"""Reductions as anchors. Float sums and means accumulate in float64 and round once.

Where the axis that is contiguous in memory is kept (the mean of a channels-last map), lanes are its
elements and every lane reduces its own. Where it is reduced, lanes share one result and are
combined at the end. A task is one position of all result axes but the one of the lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from ....ir import BOOL, F16, F32, Op, Scalar, TensorType
from ....ir.ops import Fused, ReduceMax, ReduceMean, ReduceMin, ReduceSum
from ...codegen import fused_region
from ...codegen import math_float32 as vector_math
from ...codegen.kernel_builder import DOUBLE, FLOAT, I32, Code, Index, memory_type, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..epilogue import Epilogue, channel_blocks
from ..views import View, strides_of
from .moving.copy_boxes import known, stored
from .pointwise import block_width

Reduce = ReduceMean | ReduceSum | ReduceMax | ReduceMin
_NARROW = 8
"""Lanes of a block whose results are found one by one but packed."""


@dataclass(frozen=True)
class Combine:
    """The arithmetic of a reduction on vectors of any width."""

    code: Code
    op: Reduce

    @property
    def element(self) -> Scalar:
        """Element of operand and result."""
        assert isinstance(self.op.x.element, Scalar)
        return self.op.x.element

    @property
    def floating(self) -> bool:
        """True for sums in float64."""
        return isinstance(self.op, ReduceMean | ReduceSum) and self.element.dtype.kind == "f"

    def start(self, lanes: int) -> Any:
        """A state that changes no value."""
        kind = self.element.dtype
        type_ = vector(DOUBLE if self.floating else memory_type(self.element), lanes)
        if isinstance(self.op, ReduceMean | ReduceSum):
            return ir.Constant(type_, [-0.0 if self.floating else 0] * lanes)
        highest = isinstance(self.op, ReduceMin)
        if kind.kind == "f":
            neutral: Any = float("inf") if highest else -float("inf")
        else:
            limits = np.iinfo(kind.str)
            neutral = int(limits.max if highest else limits.min)
        return ir.Constant(type_, [neutral] * lanes)

    def add(self, state: Any, loaded: Any) -> Any:
        """The state with one more vector of the operand."""
        if self.floating and self.element == F32:
            loaded = self.code.b.fpext(loaded, vector(DOUBLE, loaded.type.count))
        return self.merge(state, loaded)

    def merge(self, a: Any, b: Any) -> Any:
        """Two states as one."""
        builder: Any = self.code.b
        if isinstance(self.op, ReduceMean | ReduceSum):
            return builder.fadd(a, b) if self.floating else builder.add(a, b)
        largest = isinstance(self.op, ReduceMax)
        kind = self.element.dtype.kind
        if kind == "f":
            extreme = vector_math.maximum if largest else vector_math.minimum
            return extreme(self.code, b, a)
        compare = builder.icmp_unsigned if kind == "u" else builder.icmp_signed
        return builder.select(compare(">" if largest else "<", b, a), b, a)

    def across(self, state: Any) -> Any:
        """All lanes combined, as one lane."""
        while state.type.count > 1:
            half = state.type.count // 2
            state = self.merge(
                self.code.lanes_of(state, 0, half), self.code.lanes_of(state, half, half)
            )
        return state

    def finish(self, state: Any) -> Any:
        """The result's lanes."""
        if isinstance(self.op, ReduceMean):
            shape = self.op.x.shape
            count = float(math.prod(known(shape[a]) for a in self.op.axes))
            state = self.code.b.fdiv(state, ir.Constant(state.type, [count] * state.type.count))
        if self.floating and self.element == F32:
            return self.code.b.fptrunc(state, vector(FLOAT, state.type.count))
        return state


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
    x = View.of(code, job.outer(op.x), op.x.type.rank, job.constant(op.x) is not None)
    combine = Combine(code, op)
    outer = [a for a in range(result.rank) if a != shape.lane or result.rank == 1]
    sizes = [1, *(known(result.shape[a]) for a in outer[1:])]
    with code.loop(code.begin, code.end) as task:
        at: list[Index] = [0] * result.rank
        for a, index in zip(outer, code.split(task, sizes) if outer else (), strict=True):
            at[a] = index

        def block(start: Index, count: int, width: int) -> None:
            if result.rank > 1:
                at[shape.lane] = start
            value = _reduce(code, combine, x, (shape, tuple(at)), width, count)
            epilogue.apply(tuple(at), shape.lane, value, count)

        if result.rank < 2:
            block(0, 1, 1)
            return
        extent = known(result.shape[shape.lane])
        width = block_width(code, extent)
        if shape.across is not None:
            width = _NARROW if epilogue.packs else 1
        channel_blocks(code, extent, width, lambda c, n: block(c, n, width), packs=epilogue.packs)


def _reduce(
    code: Code,
    combine: Combine,
    x: View,
    where: tuple[Shape, tuple[Index, ...]],
    width: int,
    count: int,
) -> Any:
    """``count`` results along the lane axis from the result position ``where``."""
    shape, at = where
    if shape.across is None:
        return combine.finish(_each_lane(code, combine, x, where, width, count))
    if count == 1:
        one = combine.finish(_one_result(code, combine, x, where))
        return code.widen(one, width)
    type_ = vector(memory_type(combine.element), width)

    def lane(i: Index, state: list[Any]) -> list[Any]:
        here = list(at)
        here[shape.lane] = code.add(here[shape.lane], i)
        one = combine.finish(_one_result(code, combine, x, (shape, tuple(here))))
        scalar = code.b.extract_element(one, I32(0))
        place = I32(i) if isinstance(i, int) else code.b.trunc(i, I32)
        return [code.b.insert_element(state[0], scalar, place)]

    return code.repeat(0, count, 1, [type_(None)], lane)[0]


def _each_lane(
    code: Code,
    combine: Combine,
    x: View,
    where: tuple[Shape, tuple[Index, ...]],
    width: int,
    count: int,
) -> Any:
    """Every lane reduces its own elements."""
    shape, at = where
    axis = shape.kept[shape.lane] if shape.kept else None

    def add(index: Sequence[Index], state: Any) -> Any:
        lane = 0 if axis is None else axis
        return combine.add(state, x.load(index, lane, width, count))

    axes = [(a, known(combine.op.x.shape[a])) for a in combine.op.axes]
    return _over(code, axes, _operand_index(shape, at, x), add, combine.start(width))


def _one_result(
    code: Code, combine: Combine, x: View, where: tuple[Shape, tuple[Index, ...]]
) -> Any:
    """All lanes reduce elements of one result: whole vectors, then what is left of the axis."""
    shape, at = where
    across = shape.across
    assert across is not None
    extent = known(combine.op.x.shape[across])
    width = code.lanes
    axes = [(a, known(combine.op.x.shape[a])) for a in combine.op.axes if a != across]

    def run(first: int, last: int, lanes: int) -> Any:
        def add(index: list[Index], state: Any) -> Any:
            def vectors(i: Index, held: list[Any]) -> list[Any]:
                index[across] = i
                return [combine.add(held[0], x.load(index, across, lanes, lanes))]

            return code.repeat(first, last, lanes, [state], vectors)[0]

        state = combine.start(lanes)
        return combine.across(_over(code, axes, _operand_index(shape, at, x), add, state))

    total = combine.start(1)
    start = 0
    while start < extent:
        lanes = min(width, 1 << ((extent - start).bit_length() - 1))
        last = start + (extent - start) // lanes * lanes
        total = combine.merge(total, run(start, last, lanes))
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

    def body(i: Index, held: list[Any]) -> list[Any]:
        here = list(index)
        here[axis] = i
        return [_over(code, rest, here, add, held[0])]

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


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    assert op.anchor is not None
    reduce = op.anchor.op
    assert isinstance(reduce, Reduce)
    element = reduce.x.element
    if element in (F16, BOOL):
        return f"{reduce.mnemonic()} does not compute in {element}"
    if isinstance(reduce, ReduceMean) and element.dtype.kind != "f":
        return f"reduce_mean does not compute in {element}"
    return fused_region.plain_refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """One load and operation for each vector of the operand."""
    assert isinstance(op, Fused)
    return sum(v.type.elements_per_sample() for v in op.xs[:1]) * 2 / target.lanes


def _kernel(operator: type[Op]) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, _refuses, _cycles), _lower)


KERNELS = tuple(_kernel(op) for op in (ReduceMean, ReduceSum, ReduceMax, ReduceMin))
