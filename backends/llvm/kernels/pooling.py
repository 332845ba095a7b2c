"""Pooling windows as anchors: lanes are channels, a task is one row of the result.

Small kernels are unrolled; a tap in the padding is moved to the nearest one inside (a maximum does
not mind) or counts as 0 (an average). Large kernels, and windows that may hold no tap at all,
loop over the taps that are inside. Packed elements pool as whole words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from llvmlite import ir

from ....ir import Bits, Op, Scalar, Ternary, Value
from ....ir.ops import AveragePool, Fused, MaxPool
from ....ir.ops.window_axis import WindowAxis, window_axes
from ....ir.storage import planes_of
from ....ir.types import sample_bytes
from ... import cache_traffic
from ...codegen.elementwise_emitters import Lanes, Packed
from ...codegen.kernel_builder import FLOAT, I1, Code, Index, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...codegen.reductions import Fold, Pool, pool_fold, refusal
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..epilogue import Epilogue, channel_blocks
from ..views import View
from .moving.copy_boxes import known
from .pointwise import block_width

_UNROLLED = 16
"""Taps up to which a window is straight-line code."""
_WORD = 64


class Taps(Protocol):
    """How taps combine: state as plain values, so that loops can carry it."""

    def start(self, lanes: int) -> list[Any]:
        """The state before the first tap."""
        ...

    def add(self, state: Sequence[Any], tap: Any) -> list[Any]:
        """The state with one more tap."""
        ...

    def finish(self, state: Sequence[Any], divisor: Any | None) -> Lanes:
        """The window's result, an average's divided by a scalar."""
        ...


@dataclass(frozen=True)
class Scalars:
    """Elements of a lane each."""

    code: Code
    fold: Fold

    def start(self, lanes: int) -> list[Any]:
        return [self.fold.initial(lanes)]

    def add(self, state: Sequence[Any], tap: Any) -> list[Any]:
        return [self.fold.absorb(self.code, state[0], tap)]

    def finish(self, state: Sequence[Any], divisor: Any | None) -> Lanes:
        lanes = state[0].type.count
        spread = None if divisor is None else self.code.splat(divisor, lanes)
        return self.fold.finish(self.code, state[0], spread)


@dataclass(frozen=True)
class LargestPacked:
    """The largest code (ternary: value) of packed elements, planes as integers of a bit a lane."""

    code: Code
    fold: Fold
    element: Bits | Ternary

    def start(self, lanes: int) -> list[Any]:
        type_ = ir.IntType(lanes)
        planes = planes_of(np.array(self.fold.start, self.element.dtype), self.element)
        return [type_((1 << lanes) - 1 if plane else 0) for plane in planes]

    def add(self, state: Sequence[Any], tap: Any) -> list[Any]:
        assert isinstance(tap, Packed)
        b: Any = self.code.b
        type_ = state[0].type
        new = [b.bitcast(plane, type_) for plane in tap.planes]
        if isinstance(self.element, Ternary):
            sign = b.or_(state[0], new[0])
            return [sign, b.or_(sign, b.and_(state[1], new[1]))]
        if len(new) == 1:
            return [b.or_(state[0], new[0])]
        return self._larger(state, new)

    def _larger(self, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        """Compares codes plane by plane from the highest."""
        b: Any = self.code.b
        type_ = old[0].type
        above, equal = type_(0), type_((1 << type_.width) - 1)
        for was, now in reversed(list(zip(old, new, strict=True))):
            above = b.or_(above, b.and_(equal, b.and_(now, b.not_(was))))
            equal = b.and_(equal, b.not_(b.xor(now, was)))
        below = b.not_(above)
        return [
            b.or_(b.and_(above, now), b.and_(below, was)) for was, now in zip(old, new, strict=True)
        ]

    def finish(self, state: Sequence[Any], divisor: Any | None) -> Lanes:
        b: Any = self.code.b
        type_ = vector(I1, state[0].type.width)
        return Packed(tuple(b.bitcast(plane, type_) for plane in state))


@dataclass(frozen=True)
class Span:
    """The taps of a window along one axis: input position ``origin`` + t * dilation, of which those
    with ``low`` <= t < ``high`` are inside (known when all always are)."""

    origin: Index
    dilation: int
    taps: int
    low: Index
    high: Index

    def inside(self) -> bool:
        """True when no tap is ever in the padding."""
        return (self.low, self.high) == (0, self.taps)

    def position(self, code: Code, tap: Index) -> Index:
        """The input position of a tap."""
        return code.add(self.origin, code.mul(tap, self.dilation))

    def nearest(self, code: Code, tap: int) -> Index:
        """The input position of a tap, or of the nearest one inside."""
        if self.inside():
            return self.position(code, tap)
        return self.position(code, code.max(self.low, code.min(tap, code.sub(self.high, 1))))


def span(code: Code, axis: WindowAxis, at: Index) -> Span:
    """The taps at output position ``at``."""
    dilation, taps = axis.dilation, axis.taps
    origin = code.sub(code.mul(at, axis.stride), axis.pad)
    if not axis.bordered:
        return Span(origin, dilation, taps, 0, taps)
    before = code.max(0, code.sub(dilation - 1, origin))
    low, _ = code.divide(before, dilation)
    room = code.max(0, code.sub(axis.size + dilation - 1, origin))
    high, _ = code.divide(room, dilation)
    return Span(origin, dilation, taps, low, code.min(taps, high))


@dataclass(frozen=True)
class Windows:
    """The windows of one pooling anchor in one kernel function."""

    code: Code
    op: Pool
    source: View
    taps: Taps

    @property
    def unrolled(self) -> bool:
        """Whether windows are straight-line code."""
        axes = window_axes(self.op.window, self.op.x.shape[2:])
        empty = any(axis.may_be_empty for axis in axes)
        return math.prod(self.op.kernel) <= _UNROLLED and not empty

    def state(
        self, sample: Index, spans: Sequence[Span], channel: Index, lanes: int, count: int
    ) -> list[Any]:
        """The state after the taps of one window, for a block of channels."""
        if not self.unrolled:
            return self._looped(sample, spans, channel, (lanes, count), ())
        state = self.taps.start(lanes)
        for tap in np.ndindex(*self.op.kernel):
            at = [s.nearest(self.code, t) for s, t in zip(spans, tap, strict=True)]
            value = self.source.load((sample, channel, *at), 1, lanes, count)
            if isinstance(self.op, AveragePool):
                value = self._or_zero(value, spans, tap)
            state = self.taps.add(state, value)
        return state

    def _looped(
        self,
        sample: Index,
        spans: Sequence[Span],
        channel: Index,
        width: tuple[int, int],
        at: tuple[Index, ...],
        state: list[Any] | None = None,
    ) -> list[Any]:
        """Loops over the taps inside, one axis after another; ``at`` are the positions so far."""
        state = self.taps.start(width[0]) if state is None else state
        if len(at) == len(spans):
            return self.taps.add(state, self.source.load((sample, channel, *at), 1, *width))
        here = spans[len(at)]

        def body(tap: Index, states: list[Any]) -> list[Any]:
            position = here.position(self.code, tap)
            return self._looped(sample, spans, channel, width, (*at, position), states)

        return self.code.repeat(here.low, here.high, 1, state, body)

    def _or_zero(self, value: Any, spans: Sequence[Span], tap: tuple[int, ...]) -> Any:
        """The tap's value, 0 where it is in the padding."""
        b: Any = self.code.b
        inside: ir.Value | None = None
        for s, t in zip(spans, tap, strict=True):
            if s.inside():
                continue
            at = self.code.index(t)
            low, high = self.code.index(s.low), self.code.index(s.high)
            here = b.and_(b.icmp_signed("<=", low, at), b.icmp_signed("<", at, high))
            inside = here if inside is None else b.and_(inside, here)
        if inside is None:
            return value
        type_ = vector(ir.IntType(32), value.type.count)
        mask = self.code.splat(b.sext(inside, ir.IntType(32)), value.type.count)
        return b.bitcast(b.and_(b.bitcast(value, type_), mask), value.type)


def _taps(code: Code, op: Pool) -> Taps:
    fold, element = pool_fold(op), op.x.element
    if isinstance(element, Scalar):
        return Scalars(code, fold)
    return LargestPacked(code, fold, element)


def _body(code: Code, job: Job, op: Pool, result: Value) -> None:
    epilogue = Epilogue(code, job)
    rank = op.x.type.rank
    source = View.of(code, job.outer(op.x), rank, job.is_constant(op.x))
    taps = _taps(code, op)
    windows = Windows(code, op, source, taps)
    axes = window_axes(op.window, op.x.shape[2:])
    outer = [known(d) for d in result.shape[2:-1]]
    channels = known(result.shape[1])
    in_words = op.x.type.is_binary and len(epilogue.nodes) == 0
    width = _WORD
    if not in_words:
        width = block_width(code, channels, vectors=2, whole_words=epilogue.packs_several)
    division = Division.of(code, op, [known(d) for d in result.shape[2:]])
    with code.loop(code.begin, code.end) as task:
        sample, *rows = code.split(task, [1, *outer])
        above = [span(code, axis, row) for axis, row in zip(axes[:-1], rows, strict=True)]
        with code.loop(0, known(result.shape[-1])) as column:
            spans = [*above, span(code, axes[-1], column)]
            at = (*rows, column)
            divisor = division.at(at)

            def block(
                channel: Index,
                count: int,
                sample: Index = sample,
                spans: Sequence[Span] = spans,
                at: tuple[Index, ...] = at,
                divisor: ir.Value | None = divisor,
            ) -> None:
                state = windows.state(sample, spans, channel, width, count)
                value = taps.finish(state, divisor)
                epilogue.apply((sample, channel, *at), 1, value, count)

            channel_blocks(code, channels, width, block, packs=epilogue.packs)


@dataclass(frozen=True)
class Division:
    """What an average divides by at each position: one number, or a table."""

    code: Code
    counts: Any
    sizes: Sequence[int]

    @classmethod
    def of(cls, code: Code, op: Op, sizes: Sequence[int]) -> Division:
        """The divisors of a pool; none for a maximum."""
        counts = op.divisors() if isinstance(op, AveragePool) else None
        return cls(code, counts, sizes)

    def at(self, position: Sequence[Index]) -> ir.Value | None:
        """The divisor at an output position, None when there is nothing to divide by."""
        if self.counts is None:
            return None
        first = float(self.counts.flat[0])
        if (self.counts == first).all():
            return FLOAT(first)
        flat: Index = 0
        for i, size in zip(position, self.sizes, strict=True):
            flat = self.code.add(self.code.mul(flat, size), i)
        table = self.code.data(self.counts)
        return self.code.load(self.code.offset(table, self.code.mul(flat, 4)), FLOAT)


def _lower(job: Job) -> None:
    op = job.anchor
    assert isinstance(job.op, Fused)
    assert isinstance(op, MaxPool | AveragePool)
    assert job.op.anchor is not None
    result = job.op.anchor.result
    tasks = Extent.of(result.shape[0], math.prod(known(d) for d in result.shape[2:-1]))
    job.step(tasks, lambda code: _body(code, job, op, result))


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """A load and an operation for each tap and vector (bits: word), and the memory's share."""
    assert isinstance(op, Fused)
    assert op.anchor is not None
    pool = op.anchor.op
    assert isinstance(pool, MaxPool | AveragePool)
    result = op.anchor.result.type
    memory = cache_traffic.traffic([v.type for v in (*op.xs, *op.body.results)], target)
    if result.is_binary:
        return 0.75 * sample_bytes(result) / 8 * math.prod(pool.kernel) + memory
    vectors = result.elements_per_sample() / target.lanes
    return vectors * (math.prod(pool.kernel) + len(op.body.nodes)) + memory


def _kernel(operator: type[Op]) -> Kernel:
    name = operator.mnemonic()
    return Kernel(KernelDescriptor(name, operator, refusal, _cycles), _lower)


KERNELS = (_kernel(MaxPool), _kernel(AveragePool))
