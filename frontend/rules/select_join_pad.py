"""Operators that select, join, repeat and pad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import Limit
from ...ir import BOOL, Array, Batch, Dim, Shape, Value, ops
from ..importing.call import Call
from ..importing.deferred_transpose import DeferredTranspose
from ..prepare.masked_fill import DOMAIN
from ..registry import rule


@rule("Concat")
def concat(call: Call) -> Value | DeferredTranspose:
    """Operands one after another."""
    inputs = [call.input(index) for index in range(len(call))]
    deferred = [tensor for tensor in inputs if isinstance(tensor, DeferredTranspose)]
    if len(deferred) == len(inputs) and len({tensor.perm for tensor in deferred}) == 1:
        perm = deferred[0].perm
        place = perm[call.axis(call.int("axis", 1), len(perm))]
        if place:
            joined = _joined(call, [tensor.x for tensor in deferred], place)
            return DeferredTranspose(joined, perm)
    values = call.values()
    return _joined(call, values, call.axis(call.int("axis", 1), values[0].type.rank))


MOST_JOINED = 128
"""Operands of one Concat in the IR: code for all of them at once would grow faster than they do."""


def _joined(call: Call, parts: Sequence[Value], axis: int) -> Value:
    """Operands one after another; very many in runs, which are joined in turn."""
    while len(parts) > 1:
        runs = [parts[i : i + MOST_JOINED] for i in range(0, len(parts), MOST_JOINED)]
        parts = [r[0] if len(r) == 1 else call.add(ops.Concat(tuple(r), axis)) for r in runs]
    return parts[0]


@rule(
    "Slice",
    limits={
        Limit.SHAPE: "starts, ends, axes and steps",
        Limit.BATCH: "kept whole",
        Limit.EMPTY: "result",
    },
)
def slice_(call: Call) -> Value | DeferredTranspose:
    """Bounds from attributes (opset 9) or inputs, clamped to the operand as ONNX says."""
    operand = call.input(0)
    x = operand.x if isinstance(operand, DeferredTranspose) else call.x(0)
    if call.version is not None and call.version < 10:
        starts, ends = call.ints("starts") or (), call.ints("ends") or ()
        axes, steps = call.ints("axes"), None
    else:
        starts = call.integers(1, "starts")
        ends = call.dims(2, "ends")
        axes = call.integers(3, "axes") if call.has(3) else None
        steps = call.integers(4, "steps") if call.has(4) else None
    axes = call.axes(range(len(starts)) if axes is None else axes, x.type.rank)
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        call.refuse("starts, ends, axes and steps do not fit each other")
    if isinstance(operand, DeferredTranspose):
        axes = tuple(operand.perm[a] for a in axes)
    chosen = {a: (s, e, p) for a, s, e, p in zip(axes, starts, ends, steps, strict=True)}
    cut = sliced(call, x, chosen)
    return DeferredTranspose(cut, operand.perm) if isinstance(operand, DeferredTranspose) else cut


def whole_number(call: Call, index: int, what: str) -> int:
    """An input that holds one constant integer, of any type."""
    number = float(call.scalar(index, what))
    if not abs(number) < 1 << 53 or number != int(number):
        call.refuse(f"{what} must be an integer, got {number:g}")
    return int(number)


def sliced(call: Call, x: Value, chosen: dict[int, tuple[int, Dim, int]]) -> Value:
    """``x`` cut to (start, end, step) on the chosen axes; nothing when that is all of it."""
    kept = [_kept(call, x, dim, *chosen.get(axis, (0, dim, 1))) for axis, dim in enumerate(x.shape)]
    uncut = all(isinstance(d, Batch) or k == range(d) for d, k in zip(x.shape, kept, strict=True))
    if uncut:
        return x
    starts, steps, sizes = zip(*((k.start if k else 0, k.step, len(k)) for k in kept), strict=True)
    if any(k == 0 for k, d in zip(sizes, x.shape, strict=True) if not isinstance(d, Batch)):
        call.refuse(f"the result has no elements: sizes {list(sizes)}", Limit.EMPTY)
    return call.add(ops.Slice(x, starts, steps, sizes))


def _kept(call: Call, x: Value, dim: Dim, start: int, end: Dim, step: int) -> range:
    """The positions kept of one axis, clamped as in Python; all of the symbolic batch is kept."""
    if isinstance(dim, Batch):
        if start or step != 1 or not (end == dim or (isinstance(end, int) and end >= 1 << 31)):
            call.refuse(f"the symbolic batch of {x!r} cannot be sliced", Limit.BATCH)
        return range(0)
    if isinstance(end, Batch):
        text = "an end that depends on the batch size is only supported on the batch"
        call.refuse(text, Limit.BATCH)
    return range(dim)[start:end:step]


@rule("Split", limits={Limit.SHAPE: "sizes", Limit.BATCH: "not split", Limit.EMPTY: "parts"})
def split(call: Call) -> tuple[Value | DeferredTranspose, ...]:
    """Parts along an axis, of given sizes or as equal as ONNX makes them."""
    operand = call.input(0)
    x = operand.x if isinstance(operand, DeferredTranspose) else call.x(0)
    axis = call.axis(call.int("axis", 0), x.type.rank)
    axis = operand.perm[axis] if isinstance(operand, DeferredTranspose) else axis
    size = x.shape[axis]
    if isinstance(size, Batch):
        call.refuse("the symbolic batch cannot be split", Limit.BATCH)
    parts = call.axes_argument(1, 13) if call.has(1) else call.ints("split")
    if parts is None:
        count = len(call.node.output)
        chunk = -(-size // max(1, count))
        parts = tuple(min(chunk, size - i * chunk) for i in range(count))
    if 0 in parts:
        call.refuse(f"parts {list(parts)} of axis {axis} have no elements", Limit.EMPTY)
    if sum(parts) != size or min(parts) < 1 or len(parts) != len(call.node.output):
        call.refuse(f"parts {list(parts)} do not make up axis {axis} of {x!r}")
    out: list[Value | DeferredTranspose] = []
    start = 0
    for part in parts:
        y = sliced(call, x, {axis: (start, start + part, 1)})
        deferred = isinstance(operand, DeferredTranspose)
        out.append(DeferredTranspose(y, operand.perm) if deferred else y)
        start += part
    return tuple(out)


@rule("Gather", limits={Limit.BATCH: "not gathered from"})
def gather(call: Call) -> Value | DeferredTranspose:
    """Constant indices that step evenly are a Slice; others stay a Gather."""
    indices, operand = call.constant(1), call.input(0)
    if isinstance(operand, DeferredTranspose) and indices is not None and indices.ndim == 0:
        place = call.axis(call.int("axis", 0), len(operand.perm))
        if not isinstance(operand.x.shape[operand.perm[place]], Batch):
            taken = gathered(call, operand.x, indices, operand.perm[place])
            return call.transposed(taken, operand.without([place]))
    x = call.x(0)
    axis = call.axis(call.int("axis", 0), x.type.rank)
    size = x.shape[axis]
    if isinstance(size, Batch):
        call.refuse("the symbolic batch cannot be gathered from", Limit.BATCH)
    if indices is None:
        return call.add(ops.Gather(x, call.x(1), axis))
    return gathered(call, x, indices, axis)


def gathered(call: Call, x: Value, indices: Array, axis: int) -> Value:
    """Elements at constant positions: a Slice where they step evenly."""
    size = x.shape[axis]
    assert isinstance(size, int)
    flat = indices.reshape(-1).astype(np.int64)
    if flat.size == 0 or flat.min() < -size or flat.max() >= size:
        call.refuse(f"indices are outside of axis {axis} of {x!r}")
    flat = np.where(flat < 0, flat + size, flat)
    steps = np.unique(np.diff(flat)) if flat.size > 1 else np.ones(1, np.int64)
    if steps.size == 1 and steps[0] != 0 and axis + indices.ndim <= x.type.rank:
        first, step = int(flat[0]), int(steps[0])
        last = first + step * flat.size
        cut = sliced(call, x, {axis: (first, last if last >= 0 else -size - 1, step)})
        return call.reshape(cut, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    positions = call.const(flat.reshape(indices.shape))
    return call.add(ops.Gather(x, positions, axis))


@rule("Expand", limits={Limit.SHAPE: "shape"})
def expand(call: Call) -> Value:
    """Broadcast to a shape, which is joined with the operand's own."""
    x = call.x(0)
    return expanded(call, x, call.dims(1, "the shape"))


def expanded(call: Call, x: Value, shape: Shape) -> Value:
    """``x`` broadcast to a shape; nothing when it has that shape already."""
    op = ops.Expand(x, shape)
    return x if op.infer()[0].shape == x.shape else call.add(op)


@rule("Tile", limits={Limit.SHAPE: "repeats", Limit.BATCH: "not repeated"})
def tile(call: Call) -> Value:
    """Repetition of axes: a new axis before each, broadcast, then joined."""
    x = call.x(0)
    repeats = call.integers(1, "repeats")
    if len(repeats) != x.type.rank or min(repeats, default=1) < 1:
        call.refuse(f"repeats {list(repeats)} do not fit {x!r}")
    if all(r == 1 for r in repeats):
        return x
    if x.type.symbolic and repeats[0] != 1:
        call.refuse("the symbolic batch cannot be repeated", Limit.BATCH)
    first = (x.shape[0],) if x.type.symbolic else ()
    rest = list(zip(repeats, x.shape, strict=True))[len(first) :]
    spread = call.reshape(x, (*first, *(d for _, dim in rest for d in (1, dim))))
    wide = expanded(call, spread, (*first, *(d for pair in rest for d in pair)))
    return call.reshape(wide, (*first, *(r * dim for r, dim in rest)))


@rule("DepthToSpace", "SpaceToDepth")
def depth_space(call: Call) -> Value:
    """Blocks of channels to blocks of pixels and back, by Reshape and Transpose."""
    x = call.x(0)
    block = call.int("blocksize", 0)
    if x.type.rank != 4 or block < 1:
        call.refuse(f"blocks of {block} do not fit {x!r}")
    n, c, h, w = x.shape
    depth_first = call.string("mode", "DCR") == "DCR"
    if call.op == "SpaceToDepth":
        if h % block or w % block:
            call.refuse(f"blocks of {block} do not fit {x!r}")
        split = call.reshape(x, (n, c, h // block, block, w // block, block))
        order = (0, 3, 5, 1, 2, 4) if depth_first else (0, 1, 3, 5, 2, 4)
        moved = call.add(ops.Transpose(split, order))
        return call.reshape(moved, (n, c * block * block, h // block, w // block))
    if c % (block * block):
        call.refuse(f"blocks of {block} do not fit {x!r}")
    deep = c // (block * block)
    if depth_first:
        split = call.reshape(x, (n, block, block, deep, h, w))
        moved = call.add(ops.Transpose(split, (0, 3, 4, 1, 5, 2)))
    else:
        split = call.reshape(x, (n, deep, block, block, h, w))
        moved = call.add(ops.Transpose(split, (0, 1, 4, 2, 5, 3)))
    return call.reshape(moved, (n, deep, h * block, w * block))


@rule("MaskedFill", domains=(DOMAIN,))
def masked_fill(call: Call) -> Value:
    """``x[mask] = number`` for a mask of the shape of x."""
    x, mask, number = call.x(0), call.x(1), call.array(2, "the assigned value")
    if mask.shape != x.shape or number.size != 1:
        call.refuse(f"only one number can be assigned by a mask, and {mask!r} must cover {x!r}")
    if mask.element != BOOL:
        mask = call.add(ops.Not(call.add(ops.Equal(mask, call.const(0, mask)))))
    return call.add(ops.Where(mask, call.const(number.reshape(()), x), x))


@rule("NonZero", limits={Limit.CONSTANT: "the operand"})
def positions(call: Call) -> Value:
    """Positions that depend on the data have no shape; a NonZero that is left is refused."""
    call.refuse(
        f"its operand ('{call.node.input[0]}') must be constant, except in assignments of one "
        "number by a mask (x[mask] = 1)",
        Limit.CONSTANT,
    )
