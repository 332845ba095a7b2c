"""Which few values operators give, from those of their operands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnc.ir import Batch, Op, TensorType, Value
from bnnc.ir.ops import Add, Concat, Div, MaxPool, Mul, Pad, Sub, Tanh, Transpose
from bnnc.passes.support.few_values import few, given

X, Y = (Value(name, TensorType((Batch(), 2, 4))) for name in "xy")
SIGNS, SIGNS0, SCALED = [[-1], [1]], [[-1], [0], [1]], [[-1, -2], [1, 2]]


@pytest.mark.parametrize(
    ("op", "args", "values"),
    [
        (Mul(X, Y), [SIGNS, SIGNS], SIGNS),
        (Mul(X, Y), [SIGNS, SIGNS0], SIGNS0),
        (Mul(X, Y), [SIGNS, SCALED], SCALED),
        (Add(X, Y), [SIGNS, SIGNS], [[-2], [0], [2]]),
        (Add(X, Y), [SIGNS, SIGNS0], None),
        (Sub(X, Y), [SIGNS, [[1, 3]]], [[-2, -4], [0, -2]]),
        (Mul(X, Y), [SIGNS, [[0, 1]]], [[0, -1], [0, 1]]),
        (Sub(X, X), [[[1, 3]], [[1, 2]]], None),
        (Div(X, Y), [SIGNS, SIGNS0], None),
        (Tanh(X), [SIGNS], [[np.tanh(np.float32(-1))], [np.tanh(np.float32(1))]]),
        (Concat((X, Y), 2), [SIGNS, [[0]]], SIGNS0),
        (Concat((X, Y), 2), [SIGNS, [[2], [3]]], None),
        (Concat((X, Y), 2), [SIGNS, SCALED], None),
        (Pad(X, (0, 0, 1), (0, 0, 0), 0.5), [SIGNS], [[-1], [0.5], [1]]),
        (Transpose(X, (0, 2, 1)), [SIGNS], SIGNS),
        (MaxPool(X, (2,), (1,), (0, 0), (1,)), [SIGNS], SIGNS),
        (MaxPool(X, (1,), (1,), (1, 0), (1,)), [SIGNS], None),
    ],
)
def test_values(op: Op, args: Any, values: Any) -> None:
    got = given(op, [np.float32(a) for a in args])
    if values is None:
        assert got is None
    else:
        assert got is not None
        np.testing.assert_array_equal(got, np.float32(values))


def test_constants() -> None:
    column = few(np.float32([[1, -1], [1, 0]]))
    assert column is not None
    assert column.tolist() == [[-1], [0], [1]]
    assert few(np.arange(4)) is None
    assert few(np.repeat([0, 1, 2, 3], 100)) is None
