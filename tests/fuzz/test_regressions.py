"""What the fuzzer found, as small models; each compiled and compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from frontend_support import model, node, run_reference, values

import bnnc
from bnnc import driver
from bnnc.options import Options


def compiled(
    proto: onnx.ModelProto, feeds: Mapping[str, Any], backend: str, rtol: float = 0.0
) -> None:
    """Assert that the library computes what ONNX Runtime computes."""
    compilation = driver.build(proto, "native", Options(backend), "regression")
    with bnnc.load(compilation.data) as library:
        got = library.run(dict(feeds))
    for name, want in run_reference(proto, feeds).items():
        scale = float(np.abs(want).max(initial=0.0))
        np.testing.assert_allclose(got[name], want, rtol=0, atol=rtol * scale, err_msg=name)


def test_parts_of_a_symbolic_batch(backend: str) -> None:
    """A part's size along the batch is not known: it was taken for 0, and the part refused."""
    proto = model(
        [
            node("Split", ["x", "sizes"], ["a", "b"], axis=1),
            node("Slice", ["b", "one", "two", "axis"], ["c"]),
        ],
        {"x": ["N", 5, 4]},
        ("a", "c"),
        {"sizes": [2, 3], "one": [1], "two": [2], "axis": [1]},
    )
    compiled(proto, {"x": values(3, 5, 4)}, backend)


def test_zeros_times_weights_with_an_offset(backend: str) -> None:
    """Activations {0, a} that are all 0 gave what rounding left of terms that cancel."""
    generator = np.random.default_rng(0)
    weights = generator.choice(np.float32([-0.37, 0.85]), (450, 6)) * generator.normal(1, 0.2, 6)
    proto = model(
        [
            node("Sign", ["x"], ["s"]),
            node("Relu", ["s"], ["r"]),
            node("Mul", ["r", "a"], ["v"]),
            node("MatMul", ["v", "w"], ["y"]),
        ],
        {"x": ["N", 450]},
        ("y",),
        {"a": np.float32(0.3), "w": weights.astype(np.float32)},
    )
    compiled(proto, {"x": -np.ones((2, 450), np.float32)}, backend)
