"""Operators that rearrange axes and sizes: everything that Reshape and Transpose can express."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...errors import Limit
from ...ir import Batch, Dim, Shape, Value
from ...ir.ops import Expand
from ..importing.batch_shapes import BatchDependent, dims_of, shape_tensor
from ..importing.call import Call
from ..importing.deferred_transpose import DeferredTranspose
from ..importing.scope import ImportedTensor
from ..prepare.tensor_data import tensor_array
from ..registry import FLOAT, rule
from .matrix_products import leading


@rule("Reshape", limits={Limit.SHAPE: "shape", Limit.BATCH: "stays first"})
def reshape(call: Call) -> Value:
    """0 copies a dimension (unless allowzero), -1 takes the rest."""
    x = call.x(0)
    target = list(call.dims(1, "the shape"))
    if not call.int("allowzero", 0):
        for axis, dim in enumerate(target):
            if dim == 0:
                if axis >= x.type.rank:
                    call.refuse(f"shape {_text(target)} copies axis {axis} of {x!r}")
                target[axis] = x.shape[axis]
    return call.reshape(x, complete(call, x, target))


def complete(call: Call, x: Value, target: Sequence[Dim]) -> Shape:
    """A shape with at most one -1, filled in so that it holds the elements of ``x``."""
    holes = [i for i, d in enumerate(target) if d == -1]
    if len(holes) > 1 or any(isinstance(d, int) and d < -1 for d in target):
        call.refuse(f"shape {_text(target)} is malformed")
    out = list(target)
    if holes:
        rest = leading(tuple(d for i, d in enumerate(target) if i not in holes))
        total = leading(x.shape)
        known = rest.factor if isinstance(rest, Batch) else rest
        have = total.factor if isinstance(total, Batch) else total
        symbolic = any(isinstance(d, Batch) for d in target)
        if known < 1 or have % known:
            call.refuse(f"cannot reshape {x!r} to {_text(target)}")
        left = have // known
        out[holes[0]] = Batch(left) if x.type.symbolic and not symbolic else left
    if x.type.symbolic and not any(isinstance(d, Batch) for d in out):
        call.refuse(
            f"shape {_text(target)} fixes the batch, which is symbolic in {x!r}; give --shape, or "
            "export with -1 in place of the batch",
            Limit.BATCH,
        )
    if any(isinstance(d, Batch) for d in out[1:]):
        text = f"shape {_text(target)} moves the symbolic batch from the first axis of {x!r}"
        call.refuse(f"{text}; --shape fixes it", Limit.BATCH)
    return tuple(out)


def _text(dims: Sequence[Dim]) -> str:
    return f"[{','.join(map(str, dims))}]"


@rule("Flatten", limits={Limit.BATCH: "stays first"})
def flatten(call: Call) -> Value:
    """[d0 * .. * d(axis-1), the rest]."""
    x = call.x(0)
    rank = x.type.rank
    axis = call.int("axis", 1)
    if not -rank <= axis <= rank:
        call.refuse(f"axis {axis} is outside of {rank} axes")
    axis = axis + rank if axis < 0 else axis
    head, tail = x.shape[:axis], x.shape[axis:]
    if any(isinstance(d, Batch) for d in tail):
        call.refuse("the symbolic batch cannot be flattened away", Limit.BATCH)
    return call.reshape(x, (leading(head), math.prod(tail)))


@rule("Squeeze", limits={Limit.SHAPE: "axes"})
def squeeze(call: Call) -> Value | DeferredTranspose:
    """Drop axes of size 1."""
    axes = call.axes_argument(1, 13)
    operand = call.input(0)
    if isinstance(operand, DeferredTranspose) and axes is not None:
        axes = call.axes(axes, len(operand.perm))
        x = _without(call, operand.x, [operand.perm[a] for a in axes])
        return call.transposed(x, operand.without(axes))
    x = call.x(0)
    if axes is None:
        axes = [i for i, d in enumerate(x.shape) if d == 1]
    return _without(call, x, call.axes(axes, x.type.rank))


def _without(call: Call, x: Value, axes: Sequence[int]) -> Value:
    wrong = [a for a in axes if x.shape[a] != 1]
    if wrong:
        call.refuse(f"axis {wrong[0]} of {x!r} is not 1")
    return call.reshape(x, tuple(d for i, d in enumerate(x.shape) if i not in axes))


@rule(
    "Unsqueeze",
    limits={Limit.SHAPE: "axes", Limit.BATCH: "stays first, or is back there before it is read"},
)
def unsqueeze(call: Call) -> Value | DeferredTranspose:
    """Insert axes of size 1, counted in the result. Stacks of layers insert some before the
    symbolic batch, and it is known that the batch belongs before those."""
    x = call.x(0)
    axes = call.axes_argument(1, 13)
    if axes is None:
        call.refuse("axes are missing")
    rank = x.type.rank + len(axes)
    axes = call.axes(axes, rank)
    dims = iter(x.shape)
    shape = tuple(1 if i in axes else next(dims) for i in range(rank))
    if not x.type.symbolic:
        return call.reshape(x, shape)
    batch = next(i for i in range(rank) if i not in axes)
    order = [batch, *(i for i in range(rank) if i != batch)]
    y = call.reshape(x, tuple(shape[i] for i in order))
    return call.transposed(y, tuple(order.index(i) for i in range(rank)))


@rule("Transpose", limits={Limit.BATCH: "stays first, or is back there before it is read"})
def transpose(call: Call) -> Value | DeferredTranspose:
    """Axes in another order."""
    operand = call.input(0)
    x = operand.x if isinstance(operand, DeferredTranspose) else call.x(0)
    perm = call.ints("perm", range(x.type.rank)[::-1]) or ()
    if isinstance(operand, DeferredTranspose):
        perm = tuple(operand.perm[p] for p in perm)
    return call.transposed(x, perm)


@rule("Identity")
@rule(
    "Dropout",
    types=FLOAT,
    limits={
        Limit.TRAINING: "refused",
        Limit.CONSTANT: "training_mode",
    },
)
def identity(call: Call) -> ImportedTensor | tuple[ImportedTensor, ...]:
    """The operand itself; Dropout does nothing at inference, its mask keeps everything."""
    if call.op == "Dropout":
        old = call.version is not None and call.version < 7
        switched = call.has(2) and bool(call.scalar(2, "training_mode"))
        if switched or (old and not call.int("is_test", 0)):
            text = "is in training mode; export the model for inference (model.eval())"
            call.refuse(text, Limit.TRAINING)
        if call.uses(1):
            kept = np.bool_(call.version is None or call.version >= 10)
            mask = kept if kept else np.float32(1)
            return call.input(0), call.add(Expand(call.const(mask), call.x(0).shape))
    return call.input(0)


@rule("Shape")
def shape(call: Call) -> ImportedTensor:
    """Dimensions as data, the batch symbolic; ``start`` and ``end`` select some."""
    x = call.x(0)
    rank = x.type.rank
    start, end = call.int("start", 0), call.int("end", rank)
    dims = shape_tensor(x.shape)
    chosen = slice(*slice(start, end).indices(rank)[:2])
    if isinstance(dims, BatchDependent):
        cut = tuple(a[chosen] for a in dims.arrays)
        return cut[0] if chosen.start > 0 or not cut[0].size else BatchDependent(cut)
    return dims[chosen]


@rule("Size")
def size(call: Call) -> ImportedTensor:
    """The number of elements."""
    count = leading(call.x(0).shape)
    tensor = shape_tensor((count,))
    if isinstance(tensor, BatchDependent):
        return BatchDependent(tuple(a.reshape(()) for a in tensor.arrays))
    return tensor.reshape(())


@rule("ConstantOfShape", limits={Limit.SHAPE: "shape"})
def constant_of_shape(call: Call) -> Value:
    """A constant whose shape depends on the batch; others are folded and never get here."""
    shape = call.input(0)
    if not isinstance(shape, (np.ndarray, BatchDependent)):
        text = f"the shape ('{call.node.input[0]}') must be known at compile time"
        call.refuse(text, Limit.SHAPE)
    given = call.tensor("value")
    fill = np.zeros(1, np.float32) if given is None else tensor_array(given)
    return call.add(Expand(call.const(fill.reshape(())), dims_of(shape)))
