"""Reading and writing at positions: GatherND, ScatterND, ScatterElements, OneHot, Trilu.

A write at constant positions is a Gather: the updates are appended to the operand, and each
position of the result takes the operand's element or an update. Where positions repeat under a
reduction, there is one round for each repetition.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...errors import Limit
from ...ir import I64, Array, Batch, Op, Value, ops
from ..importing.call import Call
from ..prepare.tensor_data import dtype_of
from ..registry import NUMBERS, rule
from .select_join_pad import gathered, whole_number

MAX_DEPTH = 1 << 20
"""Values that OneHot may tell apart."""

MAX_ROUNDS = 64
"""Updates of one position that a reduction may have."""

_Reduction = tuple[Callable[[Value, Value], Op], Callable[[np.dtype[np.generic]], float]]
_REDUCTIONS: dict[str, _Reduction] = {
    "add": (ops.Add, lambda dtype: 0),
    "mul": (ops.Mul, lambda dtype: 1),
    "max": (ops.Max, lambda dtype: -math.inf if dtype.kind == "f" else np.iinfo(dtype.str).min),
    "min": (ops.Min, lambda dtype: math.inf if dtype.kind == "f" else np.iinfo(dtype.str).max),
}
_LIMITS = {
    Limit.CONSTANT: "indices (ScatterElements: unless there is one entry along the axis)",
    Limit.BATCH: "data",
}


@rule("GatherND", limits={Limit.BATCH: "data and indices", Limit.FORM: "no batch_dims"})
def gather_nd(call: Call) -> Value:
    """Rows at positions of several axes: a Gather from the axes joined to one."""
    x, indices = call.x(0), call.x(1)
    if call.int("batch_dims", 0):
        call.refuse("batch_dims is not supported", Limit.FORM)
    depth = indices.shape[-1] if indices.shape else 0
    if x.type.symbolic or not isinstance(depth, int):
        call.refuse("the symbolic batch cannot be gathered from", Limit.BATCH)
    if not 1 <= depth <= x.type.rank:
        call.refuse(f"indices {indices!r} do not fit {x!r}")
    sizes = [d for d in x.shape[:depth] if isinstance(d, int)]
    rows = call.reshape(x, (math.prod(sizes), *x.shape[depth:]))
    steps = np.array([math.prod(sizes[i + 1 :]) for i in range(depth)], np.int64)
    constant = call.constant(1)
    if constant is not None:
        return gathered(call, rows, _inside(call, constant, sizes) @ steps, 0)
    wide = indices if indices.element == I64 else call.add(ops.Cast(indices, I64))
    below = call.add(ops.Less(wide, call.const(np.int64(0))))
    wide = call.add(ops.Where(below, call.add(ops.Add(wide, call.const(np.array(sizes)))), wide))
    weighted = call.add(ops.Mul(wide, call.const(steps)))
    flat = call.add(ops.ReduceSum(weighted, (indices.type.rank - 1,), False))
    return call.add(ops.Gather(rows, flat, 0))


def _inside(call: Call, indices: Array, sizes: list[int]) -> Array:
    """Positions counted from the front, each inside its axis."""
    positions = indices.astype(np.int64)
    limits = np.array(sizes)
    if (positions < -limits).any() or (positions >= limits).any():
        call.refuse(f"indices are outside of axes of sizes {sizes}")
    return np.where(positions < 0, positions + limits, positions)


@rule("ScatterND", limits=_LIMITS)
def scatter_nd(call: Call) -> Value:
    """Rows written at constant positions of the first axes."""
    x, updates = call.x(0), call.x(2)
    indices = call.constant(1)
    if indices is None:
        call.refuse(
            f"indices ('{call.node.input[1]}') must be constant, except in assignments of one "
            "number by a mask (x[mask] = 1)",
            Limit.CONSTANT,
        )
    depth = indices.shape[-1] if indices.ndim else 0
    if x.type.symbolic or updates.type.symbolic:
        call.refuse("cannot write into the symbolic batch", Limit.BATCH)
    if not 1 <= depth <= x.type.rank:
        call.refuse(f"indices {call.x(1)!r} do not fit {x!r}")
    sizes = [d for d in x.shape[:depth] if isinstance(d, int)]
    steps = np.array([math.prod(sizes[i + 1 :]) for i in range(depth)], np.int64)
    places = (_inside(call, indices, sizes) @ steps).reshape(-1)
    rest = x.shape[depth:]
    rows = call.reshape(x, (math.prod(sizes), *rest))
    written = _written(call, rows, call.reshape(updates, (places.size, *rest)), places)
    return call.reshape(written, x.shape)


@rule("ScatterElements", "Scatter", limits=_LIMITS)
def scatter_elements(call: Call) -> Value:
    """Elements written along one axis: at constant positions, or one for each row."""
    x, indices, updates = call.x(0), call.x(1), call.x(2)
    axis = call.axis(call.int("axis", 0), x.type.rank)
    constant = call.constant(1)
    if constant is None:
        return _one_each(call, x, indices, updates, axis)
    if x.type.symbolic:
        call.refuse("cannot write into the symbolic batch", Limit.BATCH)
    shape = _known(x)
    fits = constant.ndim == len(shape) and updates.shape == constant.shape
    if not fits or any(
        n > d for a, (n, d) in enumerate(zip(constant.shape, shape, strict=True)) if a != axis
    ):
        call.refuse(f"indices {call.x(1)!r} and updates {updates!r} do not fit {x!r}")
    grid: Array = np.indices(constant.shape)
    at = [grid[i] for i in range(constant.ndim)]
    at[axis] = _inside(call, constant, [shape[axis]])
    places = np.ravel_multi_index(tuple(at), shape).reshape(-1)
    rows = call.reshape(x, (math.prod(shape),))
    written = _written(call, rows, call.reshape(updates, (places.size,)), places)
    return call.reshape(written, x.shape)


def _one_each(call: Call, x: Value, indices: Value, updates: Value, axis: int) -> Value:
    """In every row the element that its index names becomes the update."""
    size = x.shape[axis]
    rows = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    if indices.shape != rows or not isinstance(size, int):
        text = f"indices ('{call.node.input[1]}') must be constant, or have one entry a row"
        call.refuse(text, Limit.CONSTANT)
    reduction = call.string("reduction", "none")
    if reduction != "none":
        call.refuse("a reduction needs constant indices", Limit.CONSTANT)
    return call.add(ops.Where(_hot(call, indices, size, axis), updates, x))


def _hot(call: Call, indices: Value, size: int, axis: int) -> Value:
    """Where a position of ``axis`` (1 in ``indices``) is the index, counted from either end."""
    at = np.arange(size).reshape(-1, *[1] * (indices.type.rank - axis - 1))
    front = call.add(ops.Equal(indices, call.const(at, indices)))
    back = call.add(ops.Equal(indices, call.const(at - size, indices)))
    return call.add(ops.Or(front, back))


def _written(call: Call, rows: Value, updates: Value, places: Array) -> Value:
    """``rows`` [R, ..] with ``updates`` [U, ..] at ``places`` [U]."""
    kind = call.string("reduction", "none")
    count = rows.shape[0]
    assert isinstance(count, int)
    if kind == "none":
        chosen = np.arange(count)
        chosen[places] = count + np.arange(places.size)
        joined = call.add(ops.Concat((rows, updates), 0))
        return gathered(call, joined, chosen, 0)
    if kind not in _REDUCTIONS:
        call.refuse(f"unknown reduction '{kind}'")
    function, neutral = _REDUCTIONS[kind]
    level = call.const(np.full((1, *_known(rows)[1:]), neutral(rows.element.dtype)), rows)
    joined = call.add(ops.Concat((level, updates), 0))
    for positions in _rounds(call, places):
        chosen = np.zeros(count, np.int64)
        chosen[places[positions]] = 1 + positions
        rows = call.add(function(rows, gathered(call, joined, chosen, 0)))
    return rows


def _known(x: Value) -> tuple[int, ...]:
    return tuple(d for d in x.shape if isinstance(d, int))


def _rounds(call: Call, places: Array) -> list[Array]:
    """The updates in groups that write each place once, in order."""
    seen: dict[int, int] = {}
    turns = np.zeros(places.size, np.int64)
    for i, place in enumerate(places.tolist()):
        turns[i] = seen[place] = seen.get(place, -1) + 1
    count = int(turns.max(initial=-1)) + 1
    if count > MAX_ROUNDS:
        call.refuse(f"{count} updates of one position; at most {MAX_ROUNDS} are supported")
    return [np.flatnonzero(turns == turn) for turn in range(count)]


@rule("OneHot", limits={Limit.CONSTANT: "depth", Limit.BATCH: "stays first"})
def one_hot(call: Call) -> Value:
    """The second value where a new axis has the index, the first elsewhere."""
    indices, values = call.x(0), call.x(2)
    depth = whole_number(call, 1, "depth")
    if not 1 <= depth <= MAX_DEPTH:
        call.refuse(f"depth {depth} is not in 1 .. {MAX_DEPTH}")
    if values.shape != (2,):
        call.refuse(f"values {values!r} must be two")
    axis = call.axis(call.int("axis", -1), indices.type.rank + 1)
    if axis == 0 and indices.type.symbolic:
        call.refuse("a new axis before the symbolic batch", Limit.BATCH)
    spread = call.reshape(indices, (*indices.shape[:axis], 1, *indices.shape[axis:]))
    off, on = (call.reshape(gathered(call, values, np.array([i]), 0), ()) for i in (0, 1))
    return call.add(ops.Where(_hot(call, spread, depth, axis), on, off))


@rule("Hardmax", since=13, types=NUMBERS, limits={Limit.BATCH: "not ordered"})
def hardmax(call: Call) -> Value:
    """1 at the first greatest element along the axis, 0 elsewhere."""
    x = call.x(0)
    axis = call.axis(call.int("axis", -1), x.type.rank)
    size = x.shape[axis]
    if isinstance(size, Batch):
        call.refuse("the symbolic batch cannot be ordered", Limit.BATCH)
    hot = _hot(call, call.add(ops.TopK(x, axis)), size, axis)
    return call.add(ops.Where(hot, call.const(1, x), call.const(0, x)))


@rule("Trilu", limits={Limit.CONSTANT: "k", Limit.BATCH: "no matrix axis"})
def trilu(call: Call) -> Value:
    """The upper or lower triangle of the last two axes, 0 elsewhere."""
    x = call.x(0)
    k = whole_number(call, 1, "k") if call.has(1) else 0
    if x.type.rank < 2 or any(isinstance(d, Batch) for d in x.shape[-2:]):
        call.refuse(f"{x!r} is no matrix of known size", Limit.BATCH)
    ones = np.ones([d for d in x.shape[-2:] if isinstance(d, int)], np.bool_)
    # Beyond the corners nothing changes, and NumPy takes only small numbers.
    k = int(np.clip(k, -ones.shape[0], ones.shape[1]))
    kept = np.triu(ones, k) if call.int("upper", 1) else np.tril(ones, k)
    return call.add(ops.Where(call.const(kept), x, call.const(0, x)))


@rule("EyeLike", limits={Limit.BATCH: "no matrix axis"})
def eye_like(call: Call) -> Value:
    """Ones on a diagonal of a matrix of the operand's shape."""
    x = call.x(0)
    if x.type.rank != 2 or x.type.symbolic:
        call.refuse(f"{x!r} is no matrix of known size", Limit.BATCH)
    dtype = dtype_of(call.int("dtype", 0)) if call.int("dtype", 0) else x.element.dtype
    rows, columns = _known(x)
    k = int(np.clip(call.int("k", 0), -rows, columns))
    return call.const(np.eye(rows, columns, k).astype(dtype))


@rule("Compress", limits={Limit.CONSTANT: "condition", Limit.BATCH: "the axis"})
def compress(call: Call) -> Value:
    """The entries that a constant condition names, of one axis or of all elements in a row."""
    x = call.x(0)
    kept = np.flatnonzero(call.array(1, "condition"))
    flat = not call.given("axis")
    axis = 0 if flat else call.axis(call.int("axis", 0), x.type.rank)
    if x.type.symbolic and (flat or axis == 0):
        call.refuse("the symbolic batch cannot be compressed", Limit.BATCH)
    if flat:
        x = call.reshape(x, (math.prod(_known(x)),))
    if not kept.size:
        call.refuse("the condition leaves nothing", Limit.EMPTY)
    return gathered(call, x, kept, axis)
