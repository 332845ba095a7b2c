"""The values that an operator can give, when each of its operands takes few.

    {-1, 1} * {-1, 1} = {-1, 1},   max({-1, 1}, {-1, 1}) = {-1, 1},   pad({-1, 1}, 0) = {-1, 0, 1}

An operator that moves or selects elements gives what its operands hold, and a border's value. One
that computes at each position gives its own reference at all combinations. That operands may depend
on each other is not seen: a value is perhaps never taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from ...errors import VerifyError
from ...ir import Array, Op
from ...ir.ops import MaxPool, Pad
from ...ir.traits import PASSES_ON

MOST = 3
"""Values that a sign, with its 0, can tell apart."""
MOST_COMBINATIONS = 81


def given(op: Op, args: Sequence[Array]) -> Array | None:
    """The values that ``op`` gives, [k, C] in ascending order, k = 2 or 3, of operands that take
    ``args``: [k, C] in any order, with one column where all channels agree. A channel that takes
    one value has it twice. None where they are more, not finite, or not known, and where no channel
    takes two: such a value is constant, whatever it is."""
    if op.pointwise:
        return _ordered(_computed(op, args))
    if not op.traits & PASSES_ON or any(a.shape[1] > 1 for a in args):
        return None
    if isinstance(op, MaxPool) and op.may_be_empty():
        return None
    border = [np.full((1, 1), op.value, args[0].dtype)] if isinstance(op, Pad) else []
    return _ordered(np.concatenate([*args, *border]))


def few(array: Array) -> Array | None:
    """The distinct values of a constant as a column, None when they are many."""
    flat = array.reshape(-1)
    if len(np.unique(flat[:64])) > MOST:
        return None
    distinct = np.unique(flat)
    return distinct[:, None] if len(distinct) <= MOST else None


def _computed(op: Op, args: Sequence[Array]) -> Array | None:
    """[k, C]: the reference at every combination of the operands' values."""
    if not args or math.prod(len(a) for a in args) > MOST_COMBINATIONS:
        return None
    rows = np.array(list(product(*(range(len(a)) for a in args))))
    combined: list[Any] = [a[rows[:, i]] for i, a in enumerate(args)]
    try:
        with np.errstate(all="ignore"):
            out = np.asarray(op.reference(combined, 1))
    except VerifyError:
        return None
    return out


def _ordered(values: Array | None) -> Array | None:
    """The distinct values of [k, C], as `given` says."""
    if values is None or not np.isfinite(values).all():
        return None
    ordered = np.sort(values, axis=0)
    if np.all(ordered[0] == ordered[-1]):
        return None
    if np.all(np.count_nonzero(np.diff(ordered, axis=0), axis=0) < 2):
        return ordered[[0, -1]]
    distinct = np.unique(values)
    return distinct[:, None] if len(distinct) <= MOST else None
