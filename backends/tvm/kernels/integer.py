"""Binary weights times bits of odd groups; weights of 1 to 8 bits times bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir import SIGN, U8, Array, Op, Scalar, Ternary, decode
from ....ir.ops import BinaryConv, BinaryGemm, Fused
from ...codegen.elementwise_emitters import Packed
from ...codegen.fused_region import anchor_of, bytes_for_bits
from ...codegen.kernel_builder import I32
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, expression
from ..product_blocks import KNOBS, Layer, products, refusal
from ..program import Program
from ..tensor_kernel import kernel_of
from ..tir import T, tirx


def _write(job: Job) -> Program:
    layer = Layer(job, job.target.lanes)
    op, program, region = layer.op, layer.program, layer.region
    x = program.view(job.outer(op.x))

    def integers(weights: Array) -> Array:
        decoded = decode(weights, op.w.element).astype(np.int8)
        return layer.blocked(np.moveaxis(decoded, 1, -1))

    blocked = layer.weights.map(integers)
    binary = op.w.element == SIGN
    w = program.binary_weights(layer.weights, blocked) if binary else program.data(blocked)

    def read(at: Any) -> Any:
        sample, *positions, channel = at
        element = x.load([sample, channel, *positions])
        if not isinstance(element, Packed):
            return tirx.Cast(
                "int16", tirx.Cast("uint8", element.value) if op.x.element == U8 else element.value
            )
        one = tirx.Select(expression(element.planes[0]), _number(1), _number(-1))
        if isinstance(op.x.element, Ternary):
            return tirx.Select(expression(element.planes[1]), one, _number(0))
        return one

    source = layer.source(op.x.type.concrete(1)[1], "int16", read)
    extents, inputs = layer.extents, layer.group_channels
    with program.body():
        operand = layer.reader(source, source.prepare())
        sums = program.scratch(extents, "int32")
        with program.block("sums", extents, (*layer.window.kernel, inputs)) as (at, (*taps, i)):
            with T.init():
                T.buffer_store(sums, tirx.const(0, "int32"), at)
            weight = tirx.Cast("int32", w[(at[-2], *taps, i, at[-1])])
            value = tirx.Cast("int32", operand(at, taps, inputs, i))
            T.buffer_store(sums, sums[tuple(at)] + value * weight, at)
        with program.block("out", layer.space.extents) as (at, _):
            region.store(at, lambda lane: Term.of(I32, sums[(*at, lane)]))
    return program


def _number(value: int) -> Any:
    return tirx.const(value, "int16")


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """A product and an addition of a vector of 32-bit lanes a cycle; bits are taken out first."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv, BinaryGemm)
    macs = anchor.infer()[0].elements_per_sample() * np.prod(anchor.w.type.concrete(1)[1:])
    bits = 1.0 if isinstance(anchor.x.element, Scalar) else 4.0
    return float(macs) / target.lanes * bits


KERNELS = tuple(
    kernel_of(name, kind, _write, products, _cycles, refusal, KNOBS, bytes_for_bits)
    for name, kind in (("integer_conv", BinaryConv), ("integer_gemm", BinaryGemm))
)
