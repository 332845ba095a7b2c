"""Pooling windows as anchors: every element folds the taps of its window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir import Bits, Layout, Op, Scalar
from ....ir.ops import AveragePool, Fused, MaxPool
from ....ir.types import WORD_BITS
from ... import cache_traffic
from ...codegen.elementwise_emitters import Lanes
from ...codegen.fused_region import anchor_of
from ...codegen.kernel_builder import FLOAT
from ...codegen.kernel_interface import Job
from ...codegen.reductions import Pool, pool_fold, refusal
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, dtype_of, expression
from ..program import Program, View, planes_of
from ..region_blocks import Region
from ..results import code_of
from ..schedules import folds
from ..tensor_kernel import kernel_of
from ..tir import T, tirx
from ..window_operand import Source


def _source(program: Program, op: Pool, x: View) -> Source:
    """The operand: packed elements as their codes."""
    element, fold = op.x.element, pool_fold(op)

    def read(at: Sequence[Any]) -> Any:
        sample, *positions, channel = at
        one = x.load([sample, channel, *positions])
        if isinstance(element, Scalar):
            return expression(one)
        return code_of(one, element)

    channels = op.x.type.concrete(1)[1]
    # Padding never wins; in an average it counts as 0.
    fill = fold.start if isinstance(op, MaxPool) else 0.0
    return Source(program, op.window, op.x.type, channels, dtype_of(fold.type), fill, read)


def _write(job: Job) -> Program:
    if _ors(job.op):
        return _write_words(job)
    op = anchor_of(job.op, MaxPool, AveragePool)
    element, fold = op.x.element, pool_fold(op)
    program = Program(job)
    source, region = _source(program, op, program.view(job.outer(op.x))), Region(program)
    divisors = program.data(op.divisors()) if isinstance(op, AveragePool) else None
    space, kernel = region.space, op.window.kernel
    extents = (*space.extents, space.lanes)

    def finished(at: Sequence[Any], value: Any) -> Lanes:
        if not isinstance(element, Scalar):
            return planes_of(value, element)
        divisor = None
        if divisors is not None:
            divisor = Term.of(FLOAT, divisors[tuple(space.index(at)[2:])])
        return fold.finish(program.code, Term.of(fold.type, value), divisor)

    with program.body():
        read = source.prepare()
        state = program.scratch(extents, source.dtype)
        with program.block("fold", extents, kernel) as (at, taps):
            with T.init():
                T.buffer_store(state, expression(fold.initial(1)), at)
            sample, channel, *positions = space.index(at)
            tap = read([sample, *source.positions(positions, taps), channel])
            both = [Term.of(fold.type, x) for x in (state[tuple(at)], tap)]
            T.buffer_store(state, expression(fold.absorb(program.code, *both)), at)
        with program.block("out", space.extents) as (at, _):
            region.store(at, lambda lane: finished((*at, lane), state[(*at, lane)]))
    return program


def _ors(op: Op) -> bool:
    """Whether words are pooled by `or`: one plane comes in, only the maximum goes out."""
    assert isinstance(op, Fused)
    pool = anchor_of(op, MaxPool, AveragePool)
    element = pool.x.element
    single = isinstance(element, Bits) and element.planes == 1
    return single and len(op.body.nodes) == 1 and pool.x.type.layout is Layout.WORDS


def _write_words(job: Job) -> Program:
    op = anchor_of(job.op, MaxPool)
    program = Program(job)
    x = program.units(job.outer(op.x), WORD_BITS)
    result = program.units(job.result, WORD_BITS)
    words = int(result.shape[-1])

    def read(at: Sequence[Any]) -> Any:
        return x[tuple(at)]

    source = Source(program, op.window, op.x.type, words, "uint64", 0, read)
    samples, _, *spatial = job.result.type.concrete(1)
    extents = (samples, *spatial, words)
    with program.body():
        seen = source.prepare()
        state = program.scratch((*extents, 1), "uint64")
        with program.block("fold", (*extents, 1), op.window.kernel) as (at, taps):
            with T.init():
                T.buffer_store(state, tirx.const(0, "uint64"), at)
            sample, *positions, word, _ = at
            tap = seen([sample, *source.positions(positions, taps), word])
            T.buffer_store(state, tirx.bitwise_or(state[tuple(at)], tap), at)
        with program.block("out", extents) as (at, _):
            T.buffer_store(result, state[(*at, 0)], at)
    return program


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """A load and an operation for each tap; packed elements are taken apart."""
    assert isinstance(op, Fused)
    pool = anchor_of(op, MaxPool, AveragePool)
    taps = np.prod(pool.kernel) * pool.infer()[0].elements_per_sample()
    if _ors(op):
        return float(taps) / WORD_BITS + cache_traffic.traffic([v.type for v in op.xs], target)
    each = 2.0 if isinstance(pool.x.element, Scalar) else 8.0
    return float(taps) * each / target.lanes + cache_traffic.traffic(
        [v.type for v in op.xs], target
    )


KERNELS = (
    kernel_of("max_pool", MaxPool, _write, folds, _cycles, refusal),
    kernel_of("average_pool", AveragePool, _write, folds, _cycles, refusal),
)
