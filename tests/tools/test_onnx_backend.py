"""bnnc as an ONNX backend: what users of `onnx.backend` and its test runner rely on."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test import BackendTest

import bnnc.tools.onnx_backend as backend
from bnnc.errors import InputError, Limit, ModelError


def affine(**kinds: Any) -> onnx.ModelProto:
    """y = x @ w + b on [2, 3]; z = x."""
    w = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
        helper.make_node("Identity", ["x"], ["z"]),
    ]
    values = [
        helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)
        for name, shape in {"x": [2, 3], "b": [4], "y": [2, 4], "z": [2, 3]}.items()
    ]
    graph = helper.make_graph(nodes, "affine", values[:2], values[2:], [w])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


X = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
B = np.array([1, 0, 0, 2], np.float32)
Y = X @ np.arange(12, dtype=np.float32).reshape(3, 4) + B


def test_is_a_backend() -> None:
    assert issubclass(backend.BnncBackend, Backend)
    assert issubclass(backend.BnncRep, BackendRep)
    assert backend.supports_device("CPU")
    assert backend.supports_device("CPU:0")
    assert not backend.supports_device("CUDA")
    assert not backend.supports_device("abacus")


def test_prepare_and_run_by_position_and_by_name() -> None:
    model = backend.prepare(affine())
    for inputs in ([X, B], (X, B), {"b": B, "x": X}):
        y, z = model.run(inputs)
        np.testing.assert_array_equal(y, Y)
        np.testing.assert_array_equal(z, X)
    with pytest.raises(InputError, match="expected 2 inputs, got 1"):
        model.run(X)


def test_run_model_passes_options_on() -> None:
    y, _ = backend.run_model(affine(), [X, B], exact_float=True)
    np.testing.assert_array_equal(y, Y)


def test_run_node_knows_all_operands_but_the_first() -> None:
    shape = np.array([3, -1], np.int64)
    (y,) = backend.run_node(helper.make_node("Reshape", ["x", "s"], ["y"]), [X, shape])
    np.testing.assert_array_equal(y, X.reshape(3, 2))
    old = helper.make_node("ReduceMax", ["x"], ["y"], axes=[1], keepdims=0)
    (y,) = backend.run_node(old, [X], opset_version=11)
    np.testing.assert_array_equal(y, [3, 6])


def test_beyond_a_limit_is_skipped_and_a_wrong_model_is_an_error() -> None:
    with pytest.raises(backend.Refused, match="float64") as caught:
        backend.prepare(affine(x=TensorProto.DOUBLE))
    assert isinstance(caught.value, unittest.SkipTest)
    assert caught.value.limits[0] is Limit.TYPE
    wrong = affine()
    wrong.graph.node[1].input[1] = "nowhere"
    with pytest.raises(ModelError, match="nothing defines") as error:
        backend.prepare(wrong)
    assert not isinstance(error.value, backend.Refused)
    assert backend.is_compatible(affine())
    assert not backend.is_compatible(wrong)
    with pytest.raises(InputError, match="expected CPU"):
        backend.prepare(affine(), "CUDA")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_runs_under_the_test_runner_of_onnx() -> None:
    module: Any = backend
    runner = BackendTest(module, __name__)
    names = "|".join(
        ["test_add_cpu", "test_max_float64_cpu", "test_relu_cpu", "test_relu_cuda",
         "test_acos_cpu", "test_identity_sequence_cpu", "test_single_relu_model_cpu"]
    )  # fmt: skip
    suite = runner.include(f"^({names})$").test_suite
    chosen = unittest.TestSuite(
        test
        for group in suite
        for test in ([group] if isinstance(group, unittest.TestCase) else group)
        if isinstance(test, unittest.TestCase) and test.id().rsplit(".", 1)[1] in names.split("|")
    )
    result = unittest.TestResult()
    chosen.run(result)
    assert result.testsRun == 7
    assert not result.errors
    assert not result.failures
    reasons = {test.id().rsplit(".", 1)[1]: why for test, why in result.skipped}
    assert sorted(reasons) == [
        "test_identity_sequence_cpu",
        "test_max_float64_cpu",
        "test_relu_cuda",
    ]
    assert "float64" in reasons["test_max_float64_cpu"]
