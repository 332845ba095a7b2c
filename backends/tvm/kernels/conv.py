"""Float convolution and product: inputs broadcast over lanes of output channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir import Array, Op, decode
from ....ir.ops import Conv, Fused, Gemm
from ... import cache_traffic
from ...codegen.fused_region import anchor_of, floats_for_codes
from ...codegen.kernel_builder import FLOAT
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, expression, multiply_add
from ..product_blocks import KNOBS, Layer, products, refusal
from ..program import Program
from ..tensor_kernel import kernel_of
from ..tir import T, tirx


def _write(job: Job) -> Program:
    layer = Layer(job, job.target.lanes)
    op, program, region = layer.op, layer.program, layer.region
    assert isinstance(op, Conv | Gemm)
    x = program.view(job.outer(op.x))

    def floats(weights: Array) -> Array:
        return layer.blocked(np.moveaxis(decode(weights, op.w.element), 1, -1))

    w = program.data(layer.weights.map(floats))
    bias = None if op.bias is None else program.view(job.outer(op.bias))

    def read(at: Any) -> Any:
        sample, *positions, channel = at
        return expression(x.load([sample, channel, *positions]))

    def finished(at: Any, value: Any) -> Any:
        total = Term.of(FLOAT, value)
        if bias is None:
            return total
        return program.code.b.fadd(total, bias.load([layer.space.index(at)[1]]))

    source = layer.source(op.x.type.concrete(1)[1], "float32", read)
    extents, inputs = layer.extents, layer.group_channels
    with program.body():
        operand = layer.reader(source, source.prepare())
        sums = program.scratch(extents, "float32")
        with program.block("sums", extents, (*layer.window.kernel, inputs)) as (at, (*taps, i)):
            with T.init():
                T.buffer_store(sums, tirx.const(0.0, "float32"), at)
            weight = w[(at[-2], *taps, i, at[-1])]
            value = operand(at, taps, inputs, i)
            T.buffer_store(sums, multiply_add(job.target, value, weight, sums[tuple(at)]), at)
        with program.block("out", layer.space.extents) as (at, _):
            region.store(at, lambda lane: finished((*at, lane), sums[(*at, lane)]))
    return program


_ONE_TAP, _MORE_TAPS, _GEMM = 0.93, 1.1, 0.85
"""Cycles against those of the LLVM backend's kernels, as measured on Bi-Real-18 with AVX-512: its
convolutions of one tap, its first one, its last layer."""


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Two vector multiply-adds a cycle (one without FMA), or what the weights take to come; and the
    epilogue."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, Conv, Gemm)
    (result,) = anchor.infer()
    rate = (2.0 if target.has.fma else 1.0) * min(target.lanes, result.concrete(1)[1])
    outputs = result.elements_per_sample()
    macs = outputs * np.prod(anchor.w.type.concrete(1)[1:])
    nbytes = 4 * anchor.w.type.elements_per_sample()
    work = max(float(macs) / rate, cache_traffic.weights(nbytes))
    if isinstance(anchor, Gemm):
        work *= _GEMM
    else:
        work *= _ONE_TAP if set(anchor.window.kernel) == {1} else _MORE_TAPS
    return work + outputs / target.lanes * len(op.body.nodes)


KERNELS = (
    kernel_of("conv", Conv, _write, products, _cycles, refusal, KNOBS, floats_for_codes),
    kernel_of("gemm", Gemm, _write, products, _cycles, refusal, KNOBS, floats_for_codes),
)
