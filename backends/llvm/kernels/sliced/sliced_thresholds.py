"""A threshold after a pixel-sliced convolution: counts become bits without leaving planes."""

from __future__ import annotations

import numpy as np

from .....ir import Array
from .....ir.ops import Fused, Threshold
from ....codegen.constant_contents import joined
from ....codegen.kernel_builder import I8, I32, I64, Index, IRValue
from ...bit_planes import majority
from .sliced_layer import Finish, SlicedLayer, Span


class Thresholds:
    """A threshold after the counts, on planes: one comparison per border class in a tile.

    bit = (inside - mismatches >= t) ^ flip; with mismatches in padding known, that is a limit for
    all mismatches, twice over: 2 m <= products + 2 padded - t. Constants are words of ones or
    zeros, one per bit, that an instruction broadcasts as it reads them.
    """

    def __init__(self, layer: SlicedLayer) -> None:
        job, plan = layer.job, layer.plan
        assert isinstance(job.op, Fused)
        node = job.op.body.nodes[1]
        assert isinstance(node.op, Threshold)
        parameters = (job.contents(value) for value in (node.op.thresholds, node.op.flip))
        self.layer, self.code, self.plan = layer, layer.code, plan
        self.bits = (2 * plan.inputs).bit_length()
        records = joined(self._records, layer.weights, *parameters)
        self.record = 4 * (self.bits + 1)
        self.constants = layer.code.data(records)
        numbers = np.arange(len(plan.classes[0]))
        self.masks = layer.code.data(plan.cyclic(np.equal.outer(numbers, plan.classes[1])))
        self.present = layer.code.data(plan.present)
        self.result = layer.code.pointer(job.result)

    def _records(self, weights: Array, thresholds: Array, flip: Array) -> Array:
        """[O, classes, bits + 1]: the negated bits of a limit, then whether 'above' means 1."""
        plan = self.plan
        limits = plan.products() + 2 * plan.padded(weights) - thresholds.astype(np.int64)[:, None]
        never, most = limits < 0, (1 << self.bits) - 1
        limits = np.where(never, most, np.minimum(limits, most))
        ones = [(limits >> bit) & 1 == 0 for bit in range(self.bits)]
        # above <=> mismatches over the limit <=> the threshold's comparison is false.
        above = flip[:, None] ^ never
        truth = np.stack([*ones, ~above], axis=-1)
        return np.where(truth, np.uint32(0xFFFFFFFF), np.uint32(0))

    def span(self, span: Span, finish: Finish) -> None:
        """Counts to bits for all channels of a span."""
        code, plan, layer = self.code, self.plan, self.layer
        after = code.add(span.word, plan.lanes)
        complete = code.b.icmp_signed("<=", code.index(after), code.index(layer.total))
        with code.loop(span.start, span.stop) as channel:
            planes = finish.counts(channel)
            bits = code.b.bitcast(self._compare(channel, planes, span, finish), layer.words)
            word = code.add(code.mul(channel, layer.total), span.word)
            at = code.offset(self.result, code.mul(word, 8))
            code.either(
                complete,
                lambda: code.store(bits, at),
                lambda: layer.masked_store(bits, at, layer.tail(span)),
            )

    def _compare(
        self, channel: Index, planes: list[IRValue], span: Span, finish: Finish
    ) -> IRValue:
        """The result's plane: each border class by its own limit."""
        code, plan = self.code, self.plan
        classes = len(plan.classes[0])
        row = code.offset(self.present, code.mul(span.phase, 1 + classes))
        count = code.b.zext(code.load(row, I8), I64) if classes > 1 else 1

        def one(number: Index, state: list[IRValue]) -> list[IRValue]:
            kind: Index = 0
            if classes > 1:
                kind = code.b.zext(code.load(code.offset(row, code.add(number, 1)), I8), I64)
            here = code.add(code.mul(channel, classes), kind)
            record = code.offset(self.constants, code.mul(here, self.record))
            bits = self._one_class(record, planes, finish)
            mask = self.layer.cyclic_load(self.masks, kind, span)
            chosen = code.b.and_(bits, code.b.bitcast(mask, self.layer.type))
            return [code.b.or_(state[0], chosen)]

        return code.repeat(0, count, 1, [self.layer.type(None)], one)[0]

    def _one_class(self, record: IRValue, planes: list[IRValue], finish: Finish) -> IRValue:
        """Whether each pixel's count is over the limit, turned as the class wants it."""
        code = self.code

        def constant(bit: int) -> IRValue:
            word = code.load(code.offset(record, 4 * bit), I32)
            return code.splat(word, self.layer.type.count)

        # Twice the count is the count without doubling, one bit up.
        low = 0 if finish.doubled else 1
        over: IRValue = None
        for bit, plane in enumerate(planes, low):
            if bit < self.bits:
                limit = constant(bit)
                first = over is None
                over = code.b.and_(plane, limit) if first else majority(code, over, plane, limit)
        return code.b.xor(over, constant(self.bits))


def only_thresholds(op: Fused) -> bool:
    """Whether a region is a convolution and a threshold."""
    following = [node.op for node in op.body.nodes[1:]]
    return len(following) == 1 and isinstance(following[0], Threshold)
