"""Binary convolution, pixel-sliced: lanes are pixels, and the weights, being constants, only choose
what is added.

A task is a tile of as many pixels as a vector has bits, images of a batch one after another, and a
stripe of output channels:

    for each chunk:  planes -> table;  for each channel:  sums[channel] += table[group][its form]

Padding is a constant 0 bit: what it adds is a constant per border class and channel. Where a
threshold follows and its bits stay planes, counts are compared as planes; anything else turns
counts into lanes of channels for the ordinary epilogue.

A ternary operand is two-valued in most tiles. Where it is not, 0 = (+1 - 1) / 2: all is added
twice, zeros as -1 and as +1, which gives the mismatches of both together.
"""

from __future__ import annotations

from ....ir import Layout, Op
from ....ir.ops import BinaryConv, Fused
from ...base import Choice, KernelDescriptor, Params
from ...targets import Target
from .. import epilogue
from ..code import Code
from ..kernel import Job, Kernel
from . import sliced_plan
from .sliced_lanes import SlicedLanes
from .sliced_layer import SlicedLayer, anchor_of, plan_of, tasks
from .sliced_thresholds import Thresholds, thresholds_alone

# Measured on a Sapphire Rapids core, in its cycles.
_ADDITION = {
    (True, 512): (1.75, 15.0),
    (True, 256): (1.05, 12.0),
    (True, 128): (0.95, 11.0),
    (False, 256): (1.6, 16.0),
    (False, 128): (1.5, 16.0),
}
"""Cycles of an addition and of a table's group, by 'any function of three bits' and vector bits."""
_NEON = (2.6, 24.0)
"""The same, from counts of instructions: five vector ones and two loads an addition."""
_THRESHOLD = 60.0
"""Cycles to compare a channel's counts in one tile."""
_LANES = 10.0
"""Cycles to turn 16 counts of a pixel into lanes."""


def _candidates(op: Op, target: Target) -> tuple[Params, ...]:
    """Vectors of the target's width, and narrower ones for maps that do not fill them."""
    return tuple({"bits": bits} for bits in sliced_plan.widths(anchor_of(op), target))


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    anchor = anchor_of(op)
    if anchor.x.type.layout is not Layout.PLANES:
        return f"expected an operand in planes, got {anchor.x!r}"
    if anchor.w not in op.body.params:
        return "weights must be a constant"
    reason = sliced_plan.refusal(anchor, target)
    if reason is not None:
        return reason
    sliced = [v for v in op.body.results if v.type.layout is Layout.PLANES]
    if sliced and not thresholds_alone(op):
        return "planes are written where a threshold alone follows"
    return epilogue.refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Tables, additions, and what is done with each channel's count, for each tile."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op)
    plan = plan_of(anchor, choice, target)
    channels = plan.geometry.out_channels
    samples = plan.geometry.samples
    tiles = -(-samples * plan.words // plan.lanes)
    addition, group = _NEON if target.has("neon") else _ADDITION[target.ternary_logic, plan.bits]
    blocks = -(-channels // plan.held)
    cycles = tiles * (blocks * plan.groups * group + channels * plan.additions() * addition)
    if thresholds_alone(op):
        return cycles + tiles * channels * _THRESHOLD
    vectors = samples * plan.words * 64 * channels / 16
    pieces = 16 / target.lanes
    return cycles + vectors * (_LANES + pieces * len(op.body.nodes))


def _lower(job: Job) -> None:
    def body(code: Code) -> None:
        layer = SlicedLayer(job, code)
        planes = job.result.type.layout is Layout.PLANES
        layer.body(Thresholds(layer).span if planes else SlicedLanes(layer).span)

    job.step(tasks(plan_of(anchor_of(job.op), job.choice, job.target)), body)


KERNELS = (
    Kernel(
        KernelDescriptor("binary_conv_sliced", BinaryConv, _refuses, _cycles, _candidates), _lower
    ),
)
