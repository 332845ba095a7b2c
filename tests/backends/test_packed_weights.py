"""Float convolutions and products of packed weights: what floats in memory give, in every bit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnx
import pytest
from float_cases import Conv, gemm
from kernel_cases import Cases, asked_for, by_target, per_case
from onnx import TensorProto, helper, numpy_helper

from bnnc.driver import Compilation, build
from bnnc.options import Optimize, Options

BINARY = "bits<1;-1,1>"
TWO = "bits<1;-0.1,0.7>"
TERNARY = "bits<2;-0.3,0,0.3,0.3>"
SEVEN = "bits<3;-3,-2,-1,0,1,2,3,3>"
SIXTEEN = f"bits<4;{','.join(f'{(k - 5) * 0.3:g}' for k in range(16))}>"

CONVS = {
    "stem": Conv(3, 40, (15, 17), (7, 7), (2, 2), (3, 3, 3, 3), layout="row", weights=SIXTEEN),
    "c33": Conv(33, 65, weights=BINARY),
    "c64": Conv(64, 64, (3, 20), result="row", weights=TERNARY),
    "strided": Conv(16, 100, strides=(2, 2), pads=(0, 1, 1, 2), weights=TWO),
    "pointwise": Conv(40, 24, kernel=(1, 1), pads=(0, 0, 0, 0), weights=SEVEN),
    "dilated": Conv(16, 32, (9, 7), dilations=(2, 3), pads=(2, 3, 2, 3), weights=BINARY),
    "line": Conv(12, 20, (30,), (5,), (2,), (2, 2), (1,), weights=TERNARY),
    "pixel": Conv(64, 32, (3, 3), pads=(0, 0, 0, 0), weights=BINARY),
    "one_pixel": Conv(70, 32, (1, 1), (1, 1), pads=(0, 0, 0, 0), weights=TERNARY),
    "halves": Conv(32, 128, groups=2, weights=TWO),
    "wide": Conv(300, 24, (5, 5), weights=TERNARY),
}
GEMMS = {
    "gemm": (100, 33, BINARY),
    "gemm_small": (5, 3, TWO),
    "gemm_large": (1024, 70, TERNARY),
    "gemm_three": (301, 40, SEVEN),
    "gemm_sixteen": (130, 24, SIXTEEN),
    "gemm_stripes": (513, 640, BINARY),
}


def cases_of(packed: bool) -> dict[str, str]:
    """Every case, on packed weights or on floats."""
    conv, product = ("packed_conv", "packed_gemm") if packed else ("conv", "gemm")
    made = {name: replace(case, kernel_name=conv).text() for name, case in CONVS.items()}
    for name, sizes in GEMMS.items():
        made[name] = gemm(*sizes, product)
        made[f"{name}_one"] = gemm(*sizes, product, batch="1")
    return made


CASES = cases_of(packed=True)
TERMS = {name: conv.terms for name, conv in CONVS.items()}
TERMS |= {name + end: sizes[0] + 1 for name, sizes in GEMMS.items() for end in ("", "_one")}


@pytest.fixture(scope="module", params=by_target("v2", "v3", "v4", "arm64"))
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (7, 3)])
def test_products_of_packed_weights(cases: Cases, name: str, batch: int, pieces: int) -> None:
    """Within 2 sqrt(K) ulp of a float64 sum, the ulp of the largest sum."""
    (expected, got), *signs = cases.pairs(name, batch, pieces)
    bound = 2 * math.sqrt(TERMS[name]) * np.spacing(np.abs(expected).max())
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)
    for _, sign in signs:
        np.testing.assert_array_equal(sign, np.where(got >= 0, np.float32(1), np.float32(-1)))


@pytest.fixture(scope="module")
def both() -> tuple[Cases, Cases]:
    """This machine's cases on packed weights, and on floats."""
    return Cases(CASES, "v3"), Cases(cases_of(packed=False), "v3")


@pytest.mark.parametrize("batch", [1, 5, 70])
def test_weights_are_the_floats_that_codes_stand_for(both: tuple[Cases, Cases], batch: int) -> None:
    """Sums have the same bits, where they are added in the same order; infinities and not-a-number
    among the inputs lead to the same too, next to weights of 0."""
    packed, floats = both
    inputs = packed.inputs(batch)
    rng = np.random.default_rng(3)
    for array in inputs.values():
        odd = rng.choice([np.inf, -np.inf, np.nan], array.shape).astype(np.float32)
        array[...] = np.where(rng.random(array.shape) < 0.5 / array[0].size, odd, array)
    expected = floats.library.run(inputs, batch)
    found = 0
    for name, y in packed.library.run(inputs, batch).items():
        if "_one" in name:
            np.testing.assert_array_equal(np.isnan(y), np.isnan(expected[name]), err_msg=name)
            np.testing.assert_array_equal(np.isinf(y), np.isinf(expected[name]), err_msg=name)
        else:
            np.testing.assert_array_equal(y, expected[name], err_msg=name)
        found += np.isnan(y).sum()
    assert found


def model(levels: list[float], size: int = 0, groups: int = 1) -> onnx.ModelProto:
    """A product of 320 inputs, or a 3x3 convolution of maps of ``size``, whose 64 output channels
    have weights of some levels, times a scale each."""
    random = np.random.default_rng(1)
    shape = (64, 320 // groups, 3, 3) if size else (320, 64)
    scale = random.uniform(0.01, 0.1, (64, 1, 1, 1) if size else (1, 64)).astype(np.float32)
    weights = random.choice(levels, shape).astype(np.float32) * scale
    if size:
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1] * 4, group=groups)
    else:
        node = helper.make_node("MatMul", ["x", "w"], ["y"], "fc")
    given = ["N", 320, size, size] if size else ["N", 320]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, given)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(weights, "w")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def kernel_of(made: Compilation) -> str:
    """What computes the only layer."""
    (kernel,) = [k.kernel for k in made.manifest.kernels if k.op in ("conv", "gemm")]
    return kernel


@pytest.mark.parametrize("size", [0, 7])
@pytest.mark.parametrize(
    ("levels", "bits", "text"),
    [
        ([-1, 1], 1, "2 levels, 1 bit each"),
        ([-1, 0, 1], 2, "3 levels, 2 bits each"),
        ([-7, -1, 3, 7], 2, "4 levels, 2 bits each"),
        (list(range(-7, 8)), 4, "15 levels, 4 bits each"),
    ],
)
def test_a_library_has_the_codes(size: int, levels: list[float], bits: int, text: str) -> None:
    """It is smaller than one of as many floats by what codes save, but for code that unpacks."""
    made = build(model(levels, size), "x86-64-v3", Options(), "m")
    floats = build(model(list(range(-299, 300)), size), "x86-64-v3", Options(), "m")
    weights = 64 * 320 * (9 if size else 1)
    (layer,), (plain,) = made.manifest.layers, floats.manifest.layers
    assert (layer.binarized, layer.activation_bits, layer.weight_bits) == (False, 32, bits)
    assert layer.weight_bytes == weights * bits // 8
    assert layer.reason.endswith(f"its weights have {text}")
    assert kernel_of(made) == ("packed_conv" if size else "packed_gemm")
    assert plain.weight_bits == 32
    assert len(floats.data) - len(made.data) > weights * (32 - bits) // 8 - 16_000


def test_groups_that_fill_no_block_of_channels_keep_floats() -> None:
    assert kernel_of(build(model([-1, 1], 7, 32), "x86-64-v3", Options(), "m")) == "conv"
    assert kernel_of(build(model([-1, 1], 7, 4), "x86-64-v3", Options(), "m")) == "packed_conv"


def test_only_bytes_speak_for_codes_where_maps_are_large() -> None:
    """Weights that meet many pixels are as fast from floats."""
    net = model([-1, 1], 56)
    choices: tuple[Optimize, ...] = ("speed", "balanced", "size")
    kernels = [kernel_of(build(net, "x86-64-v3", Options(optimize=o), "m")) for o in choices]
    assert kernels == ["conv", "packed_conv", "packed_conv"]
