"""Reductions over axes."""

from __future__ import annotations

from ...errors import Limit
from ...ir import Value
from ...ir.ops import (
    Abs,
    Add,
    Exp,
    Log,
    Mul,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceSum,
    Reshape,
    Sqrt,
    Sub,
)
from ..importing.call import Call
from ..importing.deferred_transpose import DeferredTranspose
from ..registry import FLOAT, NUMBERS, rule

PLAIN = {
    "ReduceMax": ReduceMax,
    "ReduceMean": ReduceMean,
    "ReduceMin": ReduceMin,
    "ReduceSum": ReduceSum,
}
_AXES = {Limit.SHAPE: "axes", Limit.BATCH: "not reduced"}


@rule("ReduceMax", "ReduceMin", "ReduceSum", types=NUMBERS, limits=_AXES)
@rule("ReduceL1", "ReduceSumSquare", types=NUMBERS, limits=_AXES)
@rule("ReduceMean", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", types=FLOAT, limits=_AXES)
def reduction(call: Call) -> Value | DeferredTranspose:
    """Axes are an attribute up to opset 17 (12 for ReduceSum), an input from then on."""
    operand = call.input(0)
    x = operand.x if isinstance(operand, DeferredTranspose) else call.x(0)
    rank = x.type.rank
    axes = call.axes_argument(1, 13 if call.op == "ReduceSum" else 18)
    if not axes:
        if call.int("noop_with_empty_axes", 0):
            return _pointwise(call, call.x(0))
        axes = range(rank)
    axes = call.axes(axes, rank)
    keep = bool(call.int("keepdims", 1))
    if isinstance(operand, DeferredTranspose):
        y = _reduced(call, x, tuple(sorted(operand.perm[a] for a in axes)), keep)
        if keep:
            return DeferredTranspose(y, operand.perm)
        return call.transposed(y, operand.without(axes))
    return _reduced(call, x, tuple(sorted(axes)), keep)


def _reduced(call: Call, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    if x.type.symbolic and 0 in axes:
        call.refuse(f"{call.op} over the symbolic batch is not supported", Limit.BATCH)
    if call.op in PLAIN:
        return call.add(PLAIN[call.op](x, axes, keep)) if axes else x
    if call.op == "ReduceLogSumExp":
        return _log_sum_exp(call, x, axes, keep)
    out = call.add(ReduceSum(_inner(call, x), axes, keep))
    return _outer(call, out)


def _inner(call: Call, x: Value) -> Value:
    if call.op == "ReduceL1":
        return call.add(Abs(x))
    return call.add(Mul(x, x)) if call.op in ("ReduceL2", "ReduceSumSquare") else x


def _outer(call: Call, x: Value) -> Value:
    if call.op == "ReduceL2":
        return call.add(Sqrt(x))
    return call.add(Log(x)) if call.op == "ReduceLogSum" else x


def _pointwise(call: Call, x: Value) -> Value:
    """The reduction over no axes."""
    if call.op in PLAIN or call.op == "ReduceLogSumExp":
        return x
    return _outer(call, _inner(call, x))


def _log_sum_exp(call: Call, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    """max + log(sum(exp(x - max))), which cannot overflow."""
    top = call.add(ReduceMax(x, axes, True))
    total = call.add(ReduceSum(call.add(Exp(call.add(Sub(x, top)))), axes, True))
    out = call.add(Add(top, call.add(Log(total))))
    if keep:
        return out
    return call.add(Reshape(out, tuple(d for i, d in enumerate(out.shape) if i not in axes)))
