"""ArgMax, ArgMin, TopK and GatherElements against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import op_names, refused, run, single, values

X = values(2, 3, 5, 4)
TIES = np.array([[1, 3, 3, 0, 0], [2, 2, -0.0, 0, 2]], np.float32)


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("operand", [X, TIES, TIES.astype(np.int32), TIES.astype(np.uint8)])
@pytest.mark.parametrize("attributes", [{}, {"keepdims": 0}, {"axis": -1}, {"axis": 1}])
def test_position_of_the_extreme(op: str, operand: Any, attributes: dict[str, int]) -> None:
    assert op_names(run(op, operand, opset=13, **attributes))[0] == "top_k"
    run(op, operand, opset=12, select_last_index=1, **attributes)


@pytest.mark.parametrize("opset", [9, 22])
def test_arg_max_in_other_opsets(opset: int) -> None:
    run("ArgMax", X, opset=opset, axis=2, keepdims=0)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k(k: int, largest: int) -> None:
    constants = {1: np.array([k])}
    run("TopK", X, opset=11, constants=constants, outputs=2, largest=largest)
    run("TopK", np.tile(TIES, (1, 3)), opset=11, constants=constants, outputs=2, largest=largest)
    run(
        "TopK",
        X.astype(np.int64),
        opset=11,
        constants=constants,
        outputs=2,
        largest=largest,
        axis=-1,
    )


def test_top_k_before_opset_11() -> None:
    run("TopK", X, opset=9, outputs=2, k=2, axis=1)
    run("TopK", X, opset=10, constants={1: np.array([2])}, outputs=2, axis=2)


def test_what_does_not_fit_is_refused() -> None:
    proto, _ = single("TopK", X, opset=13, constants={1: np.array([5])}, outputs=2)
    assert "top_k of 5 along axis 3 does not fit" in str(refused(proto))
    proto, _ = single("TopK", X, np.array([1]), opset=13, outputs=2)
    assert "k ('i1') must be constant" in str(refused(proto))


def test_the_symbolic_batch_has_no_order() -> None:
    proto, _ = single("ArgMax", X, opset=13)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    assert "the symbolic batch cannot be ordered" in str(refused(proto))


@pytest.mark.parametrize("axis", [0, 2, -1])
def test_gather_elements(axis: int) -> None:
    rng = np.random.default_rng(0)
    indices = rng.integers(-X.shape[axis], X.shape[axis], (2, 2, 5, 3))
    run("GatherElements", X, indices, opset=13, axis=axis)
    run("GatherElements", X, opset=13, constants={1: indices.astype(np.int32)}, axis=axis)
