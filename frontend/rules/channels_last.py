"""Operators of QONNX on channels-last maps: the standard operator between transposes.

The weights of convolutions are channels-last too: [O, kh, kw, I].
"""

from __future__ import annotations

from onnx import NodeProto

from ...ir import Value
from ...ir.ops import Transpose
from ..importing.call import Call
from ..prepare.signatures import check_signature
from ..registry import FLOAT, ONNX, QONNX, rule
from .conv import conv
from .normalization import batch_norm
from .pooling import pool

CHANNELS_LAST = ("qonnx.custom_op.channels_last",)
SIGNATURES = 17
"""The opset whose signatures the operators have: the domain counts its versions differently."""


@rule("Conv", domains=CHANNELS_LAST, types=FLOAT)
def channels_last_conv(call: Call) -> Value:
    """Conv with operand and weights transposed."""
    _check(call, "Conv")
    inputs = {i: _first(call, call.x(i)) for i in (0, 1)}
    return _last(call, conv(call.on(inputs)))


@rule("MaxPool", domains=CHANNELS_LAST, types=FLOAT)
@rule("MaxPoolNHWC", domains=QONNX, types=FLOAT)
def channels_last_pool(call: Call) -> Value:
    """MaxPool with the operand transposed."""
    _check(call, "MaxPool")
    return _last(call, pool(call.on({0: _first(call, call.x(0))}, "MaxPool")))


@rule("BatchNormalization", domains=CHANNELS_LAST, types=FLOAT)
def channels_last_batch_norm(call: Call) -> Value:
    """BatchNormalization with the operand transposed."""
    _check(call, "BatchNormalization")
    return _last(call, batch_norm(call.on({0: _first(call, call.x(0))})))


def _check(call: Call, op: str) -> None:
    """Raise ModelError unless the node is called as the standard operator is."""
    plain = NodeProto()
    plain.CopyFrom(call.node)
    plain.op_type, plain.domain = op, ONNX
    check_signature(plain, SIGNATURES)


def _first(call: Call, x: Value) -> Value:
    """[N, .., C] to [N, C, ..]."""
    rank = x.type.rank
    if rank < 3:
        call.refuse(f"{x!r} has no spatial axes")
    return call.add(Transpose(x, (0, rank - 1, *range(1, rank - 1))))


def _last(call: Call, x: Value) -> Value:
    """[N, C, ..] to [N, .., C]."""
    return call.add(Transpose(x, (0, *range(2, x.type.rank), 1)))
