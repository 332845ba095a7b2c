"""The entry point of graphs with very many steps and tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frontend_support import model, node

import bnnc
from bnnc.backends.codegen import c_abi
from bnnc.driver import build
from bnnc.options import Options


@pytest.mark.parametrize("longest", [1, 7, 1024])
def test_the_entry_in_parts_runs_every_step(
    longest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c_abi, "LONGEST", longest)
    nodes = [node("Softmax", ["x0"], ["t0"])]
    nodes += [node("Softmax", [f"t{i}"], [f"t{i + 1}"]) for i in range(20)]
    nodes += [node("Sum", ["t20", *(f"x{i}" for i in range(1, 40))], ["y"])]
    inputs = {f"x{i}": ["N", 5] for i in range(40)}
    path = bnnc.compile(model(nodes, inputs), output=tmp_path / "many.so")
    arrays = np.random.default_rng(0).standard_normal((40, 3, 5)).astype(np.float32)
    expected = arrays[0]
    for _ in range(21):
        powers = np.exp(expected - expected.max(1, keepdims=True))
        expected = powers / powers.sum(1, keepdims=True)
    with bnnc.load(path) as compiled:
        got = compiled(*arrays)
    np.testing.assert_allclose(got, expected + arrays[1:].sum(0), rtol=1e-5, atol=1e-5)


def test_no_function_grows_with_the_number_of_inputs() -> None:
    """LLVM's time grows faster than a function does: 120 s for a sum of 5000."""
    inputs = {f"x{i}": [1, 4] for i in range(2500)}
    proto = model([node("Sum", list(inputs), ["y"])], inputs)
    text = build(proto, "x86-64-v3", Options(emit="llvm"), "sum").data.decode()
    assert max(body.count("\n") for body in text.split("\ndefine ")) < 5 * c_abi.LONGEST
