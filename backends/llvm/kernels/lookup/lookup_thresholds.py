"""Thresholds on the 16-bit sums of `binary_lookup`, without widening them.

With K products and c mismatches, K - 2 c >= t is c <= floor((K - t) / 2), the limit of a channel.
The sign of limit - c is its bit; those of even and of odd bytes meet in one vector, whose bytes are
put in the order of channels and whose signs are then stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from .....ir import Array, Layout
from .....ir.ops import Fused, Threshold
from .....runtime.weight_layouts import byte_order
from ....codegen.constant_contents import joined
from ....codegen.kernel_builder import I8, I32, Code, Index, IRValue, vector
from ....codegen.kernel_interface import Job


def threshold_of(job: Job) -> Threshold | None:
    """The threshold that is all that follows the anchor, its parameters being constants."""
    assert isinstance(job.op, Fused)
    if len(job.op.body.nodes) != 2 or len(job.node.results) != 1:
        return None
    op, result = job.op.body.nodes[1].op, job.node.results[0]
    if not isinstance(op, Threshold) or result.type.layout is not Layout.WORDS:
        return None
    known = [job.is_constant(value) for value in (op.thresholds, op.flip)]
    return op if all(known) and op.x is job.op.body.nodes[0].results[0] else None


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of a layer in blocks as the kernel's vectors need them: limits of even bytes,
    of odd bytes (i16), and what to xor to the bytes' signs."""

    code: Code
    base: IRValue

    @classmethod
    def of(
        cls, code: Code, job: Job, op: Threshold, products: int, widths: Sequence[int]
    ) -> Thresholds:
        """For blocks of so many lanes, one after another."""
        blocks = joined(
            lambda thresholds, flip: _blocks(thresholds, flip, products, widths),
            job.contents(op.thresholds),
            job.contents(op.flip),
        )
        return cls(code, code.data(blocks))

    def bits(self, channel: Index, sums: Sequence[IRValue]) -> IRValue:
        """The block's bits (i1 lanes) of one pixel from its sums of even and odd bytes."""
        code, b = self.code, self.code.b
        halves, lanes = sums[0].type, 2 * sums[0].type.count
        bytes_ = vector(I8, lanes)
        at = code.offset(self.base, code.mul(channel, 3))
        limits = [code.load_fixed(code.offset(at, n * lanes), halves) for n in (0, 1)]
        kept = code.load_fixed(code.offset(at, 2 * lanes), bytes_)
        even, odd = (b.sub(limit, total) for limit, total in zip(limits, sums, strict=True))
        eight, upper = (ir.Constant(halves, [n] * halves.count) for n in (8, 0xFF00))
        signs = b.or_(b.lshr(even, eight), b.and_(odd, upper))
        signs = b.xor(b.bitcast(signs, bytes_), kept)
        return b.icmp_signed("<", self._ordered(signs), bytes_(None))

    def _ordered(self, signs: IRValue) -> IRValue:
        """Bytes in the order of channels: within 16 bytes by a shuffle, then in fours."""
        code, b, lanes = self.code, self.code.b, signs.type.count
        within = [16 * (i // 16) + 4 * (i % 4) + i % 16 // 4 for i in range(lanes)]
        mixed = code.shuffle(signs, signs, within)
        if lanes == 16:
            return mixed
        parts = lanes // 16
        fours = b.bitcast(mixed, vector(I32, lanes // 4))
        order = [4 * (i % parts) + i // parts for i in range(lanes // 4)]
        return b.bitcast(code.shuffle(fours, fours, order), signs.type)


def _blocks(thresholds: Array, flip: Array, products: int, widths: Sequence[int]) -> Array:
    """Limits and signs of all channels, u8, in blocks of so many lanes."""
    limits = np.clip((products - thresholds.astype(np.int64)) // 2, -1, products)
    parts: list[Array] = []
    start = 0
    for lanes in widths:
        block = np.zeros((2, lanes), np.int16)
        part = slice(start, start + lanes)
        real = len(limits[part])
        block[:, :real] = limits[part], ~flip[part].astype(bool)
        limit, kept = block[:, byte_order(lanes)]
        signs = np.where(kept, 0x80, 0).astype(np.uint8)
        parts += [*(np.frombuffer(limit[n::2].tobytes(), np.uint8) for n in (0, 1)), signs]
        start += lanes
    return np.concatenate(parts)
