"""Transposed convolutions of every geometry against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, op_names, refused, values
from hypothesis import assume, given, settings
from hypothesis import strategies as st


def transposed(
    x: Any, w: Any, bias: Any = None, symbolic: bool = False, **attributes: Any
) -> tuple[Any, dict[str, Any]]:
    """A model of one ConvTranspose and its feeds."""
    constants = {"w": w} if bias is None else {"w": w, "b": bias}
    op = node("ConvTranspose", ["x", *constants], ["y"], **attributes)
    shape = ["N", *x.shape[1:]] if symbolic else list(x.shape)
    return model([op], {"x": shape}, constants=constants, opset=11), {"x": x}


@st.composite
def cases(draw: Any) -> tuple[Any, dict[str, Any]]:
    """One to three spatial axes, all attributes."""
    spatial = draw(st.integers(1, 3))

    def axes(values: Any) -> list[int]:
        return draw(st.lists(values, min_size=spatial, max_size=spatial))

    sizes, kernel, strides = (
        axes(st.integers(1, 5)),
        axes(st.integers(1, 4)),
        axes(st.integers(1, 3)),
    )
    attributes: dict[str, Any] = {"strides": strides, "dilations": axes(st.integers(1, 3))}
    attributes["output_padding"] = [draw(st.integers(0, s - 1)) for s in strides]
    full = [
        s * (n - 1) + o + (k - 1) * d + 1
        for s, n, o, k, d in zip(
            strides, sizes, attributes["output_padding"], kernel, attributes["dilations"],
            strict=True,
        )
    ]  # fmt: skip
    mode = draw(st.sampled_from(["pads", "pads", "VALID", "SAME_UPPER", "SAME_LOWER", "shape"]))
    if mode == "pads":
        pads = [draw(st.integers(0, min(3, f - 1))) for f in full * 2]
        assume(all(f > a + b for f, a, b in zip(full, pads, pads[spatial:], strict=False)))
        attributes["pads"] = pads
    elif mode == "shape":
        attributes["output_shape"] = [draw(st.integers(max(1, f - 3), f)) for f in full]
    else:
        attributes["auto_pad"] = mode
        if mode != "VALID":
            # ONNX wants size * stride; ONNX Runtime computes less where the taps do not reach it.
            assume(all(f >= n * s for f, n, s in zip(full, sizes, strides, strict=True)))
    groups, inner, outs = draw(st.sampled_from([(1, 2, 3), (1, 1, 1), (2, 2, 1), (3, 1, 2)]))
    x, w = values(2, groups * inner, *sizes), values(groups * inner, outs, *kernel, seed=1)
    bias = values(groups * outs, seed=2) if draw(st.booleans()) else None
    return transposed(x, w, bias, draw(st.booleans()), group=groups, **attributes)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_any_geometry(case: tuple[Any, dict[str, Any]]) -> None:
    check(*case, 1e-5)


def test_equal_phases_are_one_convolution() -> None:
    proto, feeds = transposed(values(2, 4, 5, 6), values(4, 3, 2, 2), strides=[2, 2])
    assert op_names(check(proto, feeds, 1e-5)) == ["conv", "reshape", "transpose", "reshape"]


def test_grouped_phases_are_one_convolution() -> None:
    bias = values(6)
    proto, feeds = transposed(values(2, 4, 5), values(4, 3, 2), bias, strides=[2], group=2)
    assert op_names(check(proto, feeds, 1e-5)) == ["conv", "reshape", "transpose", "reshape"]


def test_output_beyond_the_operand_is_bias() -> None:
    proto, feeds = transposed(
        values(1, 2, 2), values(2, 3, 1), values(3), strides=[3], output_padding=[2]
    )
    check(proto, feeds, 1e-5)


def test_run_time_bias() -> None:
    x, b = values(1, 2, 3, 3), values(3)
    op = node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 1])
    proto = model([op], {"x": x.shape, "b": b.shape}, constants={"w": values(2, 3, 3, 2)})
    check(proto, {"x": x, "b": b}, 1e-5)


@pytest.mark.parametrize(
    ("attributes", "weights", "message"),
    [
        ({"group": 2}, (3, 2, 3, 3), "in 2 groups do not fit"),
        ({}, (4, 2, 3, 3), "in 1 groups do not fit"),
        ({"kernel_shape": [2, 2]}, (3, 2, 3, 3), "kernel_shape contradicts"),
        ({"pads": [9, 9, 9, 9]}, (3, 2, 3, 3), "would have sizes"),
        ({"auto_pad": "SAME"}, (3, 2, 3, 3), "unknown auto_pad"),
        ({"output_padding": [1]}, (3, 2, 3, 3), "do not fit"),
    ],
)
def test_malformed(attributes: dict[str, Any], weights: tuple[int, ...], message: str) -> None:
    proto, _ = transposed(values(1, 3, 5, 5), values(*weights), **attributes)
    assert message in str(refused(proto))


def test_run_time_weights_are_refused() -> None:
    op = node("ConvTranspose", ["x", "w"], ["y"])
    proto = model([op], {"x": [1, 2, 3, 3], "w": [2, 2, 2, 2]})
    assert "weights ('w') must be constant" in str(refused(proto))


def test_odd_dilation_and_stride_share_a_factor() -> None:
    x = np.ones((1, 1, 6), np.float32)
    proto, feeds = transposed(x, values(1, 1, 4), strides=[4], dilations=[6])
    check(proto, feeds, 1e-5)
