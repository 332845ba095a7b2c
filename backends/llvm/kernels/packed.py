"""Float convolution and product of weights that stay packed, as codes of 1 to 4 bits in the library
and in memory (`packed_weights`).

For one or two samples of a product weights are unpacked in registers, once for each word: memory
has to deliver a thirty-second of the floats at best. Where more samples or pixels use a weight, all
those of a panel, or of a block of output channels, are unpacked into scratch first, and the loops
of floats run on that.
"""

from __future__ import annotations

import math
from functools import cached_property

from ....ir import Bits, Op
from ....ir.ops import Conv, Fused, Gemm
from ...codegen.fused_region import anchor_of
from ...codegen.kernel_builder import Index, IRValue
from ...codegen.kernel_interface import Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from .. import packed_weights
from ..batched_gemm import FEW, PackedPanels, strips
from ..geometry import Geometry
from ..packed_weights import PackedWeights
from ..tiles import CHUNK_PIXELS, for_tiles, refusal, tasks
from .conv import FloatLayer, cycles, lanewise

_IN_REGISTERS = 1.2
"""Cycles of a vector of weights that is unpacked and multiplied."""
_IN_SCRATCH = 2.0
"""Cycles of a vector that is unpacked into scratch."""


class _Layer(FloatLayer):
    """One product for one target."""

    @cached_property
    def packed(self) -> PackedWeights:
        """The form of the weights."""
        assert isinstance(self.op.w.element, Bits)
        return PackedWeights(self.op.w.element, self.plan.lanes)

    def emit_sums(self) -> None:
        code, geometry, plan, packed = self.code, self.geometry, self.plan, self.packed
        blocks = self.constant.map(self.blocked)
        if _is_product(geometry):
            w = code.data(blocks.map(lambda w: packed.packed(strips(w[:, 0], plan))))
            steps = self.strides[:2]
            PackedPanels(
                code, geometry, plan, self.x, w, steps, self.sample_done, packed=packed
            ).emit()
            return
        rows = blocks.map(lambda w: w.reshape(len(w), -1, plan.width))
        self.w = code.data(rows.map(packed.packed))
        self.floats = code.scratch(self.words * packed.each * 4 * plan.width)
        for_tiles(code, geometry, plan, self.tile, before_block=self._unpack)

    @property
    def words(self) -> int:
        """Words of an output channel."""
        return self.packed.words(self.geometry.taps * self.geometry.group_channels)

    def block_weights(self, block: Index) -> IRValue:
        return self.floats

    def _unpack(self, block: Index) -> None:
        """Write the floats of a block of output channels."""
        width = self.plan.width
        words = self.code.offset(self.w, self.code.mul(block, self.words * 4 * width))
        vectors = self.plan.vectors
        self.packed.unpack(self.code, words, self.words, self.floats, width, vectors)


def _is_product(geometry: Geometry) -> bool:
    """Whether a layer multiplies by each of its weights once for each sample."""
    return geometry.size == geometry.kernel == (1, 1) and geometry.groups == 1


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    anchor = anchor_of(op, Conv, Gemm)
    reason = refusal(op, target) or packed_weights.refusal(anchor)
    if reason is not None:
        return reason
    packs = any(value.type.is_binary for value in op.body.results)
    if lanewise(Geometry.of(anchor), target.lanes, packs):
        return "lanes that read inputs of several groups keep floats"
    return None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Those of floats, and what it takes to unpack them: at each use in registers, or once for each
    chunk of pixels."""
    anchor = anchor_of(op, Conv, Gemm)
    geometry = Geometry.of(anchor)
    vectors = anchor.w.type.elements_per_sample() / target.lanes
    multiplied = cycles(op, target, _stored(anchor))
    if _is_product(geometry) and geometry.samples <= FEW:
        return max(multiplied, vectors * _IN_REGISTERS)
    rows = 1 if geometry.by_sample else geometry.out[0]
    chunk = CHUNK_PIXELS if geometry.by_sample else max(1, CHUNK_PIXELS // geometry.out[1])
    chunks = -(-geometry.samples * rows // chunk)
    return multiplied + chunks * vectors * _IN_SCRATCH


def _stored(anchor: Conv | Gemm) -> int:
    """Bytes of packed weights."""
    assert isinstance(anchor.w.element, Bits)
    outputs, *rest = anchor.w.type.concrete(1)
    return 4 * outputs * PackedWeights(anchor.w.element, 1).words(math.prod(rest))


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """What fills codes and words up."""
    anchor = anchor_of(op, Conv, Gemm)
    assert isinstance(anchor.w.element, Bits)
    return _stored(anchor) - anchor.w.type.elements_per_sample() * anchor.w.element.planes // 8


def _lower(job: Job) -> None:
    op = anchor_of(job.op, Conv, Gemm)
    job.step(tasks(Geometry.of(op)), lambda code: _Layer(job, code, op).body())


KERNELS = tuple(
    Kernel(KernelDescriptor(name, kind, _refuses, _cycles, extra_bytes=_extra_bytes), _lower)
    for name, kind in (("packed_conv", Conv), ("packed_gemm", Gemm))
)
