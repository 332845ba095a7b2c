"""Trigonometry and powers: the float64 value rounded once, special values included."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import WIDTHS, Cases

from bnnc.ir import interpret

UNARY = "sin cos tan asin acos atan sinh cosh asinh acosh atanh".split()
X = "f32[N,1003]"


def region(name: str, operands: str) -> str:
    """One function of inputs."""
    params = ", ".join(f"{v}: {X}" for v in operands.split(", "))
    inputs = "\n".join(f"input {v}: {X}" for v in operands.split(", "))
    return f"""
        {inputs}
        %y = fused([{operands}]) kernel="" {{
          ({params})
          %r = {name}({operands}) : {X}
          yield %r
        }} : {X}
        output %y as "y"
    """


CASES = {name: region(name, "%x") for name in UNARY} | {"pow": region("pow", "%x, %z")}
SPECIAL = np.float32(
    [0, -0.0, 1, -1, 0.5, 2, -2, 3, np.inf, -np.inf, np.nan, 1e-30, -1e-20, 1e30, 88.8, 89.5, 1e5,
     0.00999, 0.01001, -0.01, 0.99999994, 1.0000001, 0.41421357, 2.4142137, 16777217, 1e-42, 2.5]
)  # fmt: skip
TRIGONOMETRY = ("sin", "cos", "tan")


class WideCases(Cases):
    """Numbers of all magnitudes, and the special ones in every combination."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for value in self.graph.inputs:
            rng = np.random.default_rng(len(out))
            shape = value.type.concrete(batch)
            x = rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 3, shape)
            x = x.astype(np.float32)
            count = SPECIAL.size
            grid = np.tile(SPECIAL, count) if value.name.endswith("z") else SPECIAL.repeat(count)
            x.reshape(-1)[: grid.size] = grid
            if value.name.split(".")[0] in TRIGONOMETRY:
                x[np.abs(x) > 1e6] = 7
            out[value.name] = x
        return out


@pytest.fixture(scope="module", params=WIDTHS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return WideCases(CASES, *request.param)


@pytest.mark.parametrize("name", CASES)
def test_rounded_once(cases: Cases, name: str) -> None:
    for expected, got in cases.pairs(name, 2, 3):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))
        finite = np.isfinite(expected)
        np.testing.assert_array_max_ulp(got[finite], expected[finite], 1)
        assert np.mean(got[finite] != expected[finite]) < 0.001


def test_powers_of_two_are_exact(cases: Cases) -> None:
    inputs = cases.inputs(1)
    inputs["pow.x"][:] = 2
    inputs["pow.z"][0] = np.arange(1003) % 250 - 125
    got = cases.library.run(inputs, 1)["pow.y"]
    np.testing.assert_array_equal(got, interpret(cases.graph, inputs)["pow.y"])
