"""Positions of extremes, and elements at positions."""

from __future__ import annotations

from ...errors import Limit
from ...ir import Batch, Value
from ...ir.ops import GatherElements, TopK
from ..importing.call import Call
from ..registry import NUMBERS, rule
from .select_join_pad import whole_number


@rule("ArgMax", "ArgMin", types=NUMBERS, limits={Limit.BATCH: "not ordered"})
def arg_extreme(call: Call) -> Value:
    """Position (int64) of the largest or smallest element, the first one among equals."""
    x = call.x(0)
    axis = _ordered_axis(call, x, 0)
    last = bool(call.int("select_last_index", 0))
    position = call.add(TopK(x, axis, 1, call.op == "ArgMax", last))
    if call.int("keepdims", 1):
        return position
    return call.reshape(position, (*x.shape[:axis], *x.shape[axis + 1 :]))


@rule("TopK", types=NUMBERS, limits={Limit.CONSTANT: "k", Limit.BATCH: "not ordered"})
def top_k(call: Call) -> tuple[Value, ...]:
    """The k best elements, best first (also where any order is asked for), and their positions."""
    x = call.x(0)
    axis = _ordered_axis(call, x, -1)
    if call.version is not None and call.version < 10:
        k = call.int("k", 0)
    else:
        k = whole_number(call, 1, "k")
    position = call.add(TopK(x, axis, k, bool(call.int("largest", 1))))
    return call.add(GatherElements(x, position, axis)), position


def _ordered_axis(call: Call, x: Value, default: int) -> int:
    axis = call.axis(call.int("axis", default), x.type.rank)
    if isinstance(x.shape[axis], Batch):
        call.refuse("the symbolic batch cannot be ordered", Limit.BATCH)
    return axis


@rule("GatherElements")
def gather_elements(call: Call) -> Value:
    """One element for each position of the indices."""
    x, indices = call.x(0), call.x(1)
    return call.add(GatherElements(x, indices, call.axis(call.int("axis", 0), x.type.rank)))
