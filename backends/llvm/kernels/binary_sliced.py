"""Binary convolution, pixel-sliced: lanes are pixels, and the weights, being constants, only choose
what is added.

A task is a tile of as many pixels as a vector has bits, images of a batch one after another, and a
stripe of output channels:

    for each chunk:  planes -> table;  for each channel:  state[channel] += what its weights name

There are several ways of adding: `majority_sums` takes any weights, `tree_sums` computes channels
from one another, `codeword_sums` adds what the few words count that kernels are made of. Padding is
a constant 0 bit: what it adds is a constant per border class and channel. Where a threshold follows
and its bits stay planes, counts are compared as planes; anything else turns counts into lanes of
channels for the ordinary epilogue.

A ternary operand is two-valued in most tiles. Where it is not, 0 = (+1 - 1) / 2: all is added
twice, zeros as -1 and as +1, which gives the mismatches of both together.
"""

from __future__ import annotations

from ....ir import Layout, Op
from ....ir.ops import BinaryConv, Fused
from ...codegen import fused_region
from ...codegen.fused_region import anchor_of
from ...codegen.kernel_builder import Code
from ...codegen.kernel_interface import Job, Kernel
from ...interface import Choice, KernelDescriptor, Params
from ...targets import Target
from .sliced.codeword_sums import MOST_TOGETHER, CodebookLayer, CodebookPlan
from .sliced.five_sums import FivesLayer, FivesPlan
from .sliced.lanes_epilogue import SlicedLanes
from .sliced.majority_sums import MajorityLayer, MajorityPlan
from .sliced.sliced_layer import SlicedLayer, tasks
from .sliced.sliced_plan import Prices, SlicedPlan, refusal
from .sliced.sliced_thresholds import Thresholds, only_thresholds
from .sliced.tree_sums import TreeLayer, TreePlan

_THRESHOLD = 60.0
"""Cycles to compare a channel's counts in one tile, as measured."""
# Measured on a Sapphire Rapids core, in its cycles.
_PRICES = {
    ("ternary", 512): Prices(1.75, 15.0, 1.75, 45.0, 1.55, _THRESHOLD),
    ("ternary", 256): Prices(1.05, 12.0, 1.15, 55.0, 1.0, _THRESHOLD),
    ("ternary", 128): Prices(0.95, 11.0, 1.15, 60.0, 0.9, _THRESHOLD),
    ("binary", 256): Prices(1.6, 16.0, 1.8, 60.0, 1.6, _THRESHOLD),
    ("binary", 128): Prices(1.5, 16.0, 1.75, 70.0, 1.55, _THRESHOLD),
}
"""By what one instruction makes of bits, and by vector bits."""
# Cycles that llvm-mca predicts for Neoverse N1 and Cortex-A57, no board has been measured.
_SELECTION = {
    (True, 256): Prices(3.5, 60.0, 4.7, 130.0, 3.6, 100.0),
    (True, 128): Prices(2.1, 19.0, 2.5, 70.0, 2.1, 60.0),
    (False, 256): Prices(4.0, 72.0, 5.2, 150.0, 4.1, 110.0),
    (False, 128): Prices(2.4, 28.0, 2.8, 80.0, 2.4, 65.0),
}
"""The same where that is a selection, in one operation or in two."""
_LANES = 10.0
"""Cycles to turn 16 counts of a pixel into lanes."""


_MOST_WINDOW = 512
"""Vectors that a tile reads of each channel, each by code of its own: far more than maps without
large dilations need."""


def _plan(op: BinaryConv, target: Target, params: Params) -> SlicedPlan | None:
    """The plan of a choice's parameters, None where they cannot be."""
    plan: SlicedPlan | None
    bits = params["bits"]
    if "codebook" in params:
        plan = CodebookPlan.of(op, bits, params["codebook"])
    elif params.get("tree"):
        plan = TreePlan.of(op, bits)
    elif target.has.logic == "select":
        plan = FivesPlan.of(op, bits, target.l1 * 3 // 4)
    else:
        plan = MajorityPlan.of(op, bits)
    fits = plan is not None and plan.resident and plan.window <= _MOST_WINDOW
    return plan if fits else None


def _candidates(op: Op, target: Target) -> tuple[Params, ...]:
    """Vectors of the target's width, and narrower ones for maps that do not fill them; along the
    tree and from codewords where somebody has looked for them."""
    anchor = anchor_of(op, BinaryConv)
    widths = [bits for bits in (512, 256, 128) if bits <= target.plane_bits]
    ways: list[Params] = [{}, {"tree": 1}] if anchor.parents else [{}]
    ways += [{"codebook": together} for together in range(1, MOST_TOGETHER + 1)]
    candidates = ({"bits": bits, **way} for way in ways for bits in widths)
    return tuple(params for params in candidates if _plan(anchor, target, params) is not None)


def _plan_of(op: Op, target: Target, choice: Choice) -> SlicedPlan:
    """The plan of a choice; the first candidate's width where it does not say."""
    params = dict(choice.params)
    if "bits" not in params:
        params = dict(_candidates(op, target)[0]) | params
    plan = _plan(anchor_of(op, BinaryConv), target, params)
    assert plan is not None
    return plan


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv)
    if anchor.x.type.layout is not Layout.PLANES:
        return f"expected an operand in planes, got {anchor.x!r}"
    if anchor.w not in op.body.params:
        return "weights must be a constant"
    reason = refusal(anchor)
    if reason is not None:
        return reason
    if not _candidates(op, target):
        return "its kernel or its sums are too large"
    sliced = [v for v in op.body.results if v.type.layout is Layout.PLANES]
    if sliced and not only_thresholds(op):
        return "planes are written only where one threshold follows"
    return fused_region.refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Tables, additions, and what is done with each channel's count, for each tile."""
    assert isinstance(op, Fused)
    plan = _plan_of(op, target, choice)
    has = target.has
    quick = has.logic == "select" and has.quick_selection
    prices = (
        _SELECTION[quick, plan.bits] if has.logic == "select" else _PRICES[has.logic, plan.bits]
    )
    channels = plan.geometry.out_channels
    cycles = plan.tiles * plan.cycles(prices)
    if only_thresholds(op):
        return cycles + plan.tiles * channels * prices.threshold
    vectors = plan.geometry.samples * plan.words * 64 * channels / 16
    pieces = 16 / target.lanes
    return cycles + vectors * (_LANES + pieces * len(op.body.nodes))


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """The program of the plan in place of one bit a weight."""
    plan = _plan_of(op, target, choice)
    scales = target.has.scaled_addresses
    return plan.program_bytes(scales) - plan.geometry.out_channels * plan.inputs // 8


def _annotations(choice: Choice) -> tuple[str, ...]:
    """What the way of adding rests on; any, where the choice leaves that open."""
    tree, codebook = ("parents", "distances"), ("codewords",)
    params = dict(choice.params)
    if "bits" not in params:
        return tree + codebook
    return codebook if "codebook" in params else tree if params.get("tree") else ()


def _layer(job: Job, code: Code) -> SlicedLayer:
    plan = _plan_of(job.op, job.target, job.choice)
    if isinstance(plan, TreePlan):
        return TreeLayer(job, code, plan)
    if isinstance(plan, CodebookPlan):
        return CodebookLayer(job, code, plan)
    if isinstance(plan, FivesPlan):
        return FivesLayer(job, code, plan)
    assert isinstance(plan, MajorityPlan)
    return MajorityLayer(job, code, plan)


def _lower(job: Job) -> None:
    def body(code: Code) -> None:
        layer = _layer(job, code)
        planes = job.result.type.layout is Layout.PLANES
        layer.body(Thresholds(layer).span if planes else SlicedLanes(layer).span)

    job.step(tasks(_plan_of(job.op, job.target, job.choice)), body)


KERNELS = (
    Kernel(
        KernelDescriptor(
            "binary_conv_sliced",
            BinaryConv,
            _refuses,
            _cycles,
            _candidates,
            extra_bytes=_extra_bytes,
            annotations=_annotations,
        ),
        _lower,
    ),
)
