"""Convolutions and pools of every geometry against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, op_names, values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnnc.errors import ModelError
from bnnc.frontend import load_model

SIZES = st.integers(3, 9)


@st.composite
def geometry(draw: Any, spatial: int) -> dict[str, Any]:
    """Attributes of a window."""

    def axes(values: Any) -> Any:
        return draw(st.lists(values, min_size=spatial, max_size=spatial))

    kernel = axes(st.integers(1, 3))
    out: dict[str, Any] = {"kernel_shape": kernel, "strides": axes(st.integers(1, 3))}
    mode = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if mode != "NOTSET":
        out["auto_pad"] = mode
        # ONNX Runtime computes negative padding where a stride exceeds its kernel.
        out["strides"] = [min(s, k) for s, k in zip(out["strides"], kernel, strict=True)]
    else:
        out["pads"] = [draw(st.integers(0, k - 1)) for k in [*kernel, *kernel]]
    return out


@settings(max_examples=60)
@given(st.data())
def test_conv(data: Any) -> None:
    spatial = data.draw(st.integers(1, 3))
    size = [data.draw(SIZES) for _ in range(spatial)]
    attributes = data.draw(geometry(spatial))
    groups, per_group = data.draw(st.sampled_from([(1, 3), (2, 1), (2, 2), (3, 1)]))
    if data.draw(st.booleans()) and "auto_pad" not in attributes:
        attributes["dilations"] = [data.draw(st.integers(1, 2)) for _ in range(spatial)]
    outs = groups * data.draw(st.integers(1, 2))
    w = values(outs, per_group, *attributes["kernel_shape"], seed=1)
    constants = {"w": w}
    if data.draw(st.booleans()):
        constants["b"] = values(outs, seed=2)
    if data.draw(st.booleans()):
        del attributes["kernel_shape"]
    x = values(2, groups * per_group, *size)
    op = node("Conv", ["x", *constants], ["y"], group=groups, **attributes)
    proto = model([op], {"x": ["N", *x.shape[1:]]}, constants=constants, opset=11)
    extents = [
        (k - 1) * d + 1
        for k, d in zip(w.shape[2:], attributes.get("dilations", [1] * spatial), strict=True)
    ]
    pads = attributes.get("pads", [0] * 2 * spatial)
    assume(all(n + p + q >= e for n, p, q, e in
               zip(size, pads, pads[spatial:], extents, strict=False)))  # fmt: skip
    check(proto, {"x": x}, 1e-5)
    del constants["w"]
    proto = model([op], {"x": x.shape, "w": w.shape}, constants=constants, opset=11)
    check(proto, {"x": x, "w": w}, 1e-5)


@settings(max_examples=60)
@given(st.data())
def test_pools(data: Any) -> None:
    spatial = data.draw(st.integers(1, 3))
    size = [data.draw(SIZES) for _ in range(spatial)]
    attributes = data.draw(geometry(spatial))
    op = data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = data.draw(st.integers(0, 1))
    if op == "AveragePool":
        attributes["count_include_pad"] = data.draw(st.integers(0, 1))
    x = values(2, 3, *size)
    proto = model([node(op, ["x"], ["y"], **attributes)], {"x": x.shape}, opset=17)
    check(proto, {"x": x})


def test_global_pools() -> None:
    x = values(2, 3, 5, 4)
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        check(model([node(op, ["x"], ["y"])], {"x": x.shape}), {"x": x})


def test_run_time_bias() -> None:
    x, b = values(1, 3, 5, 5), values(4)
    proto = model(
        [node("Conv", ["x", "w", "b"], ["y"])],
        {"x": x.shape, "b": b.shape},
        constants={"w": values(4, 3, 3, 3)},
    )
    check(proto, {"x": x, "b": b}, 1e-5)


@pytest.mark.parametrize(
    ("attributes", "weights", "message"),
    [
        ({"group": 2}, (4, 3, 3, 3), "2 groups do not fit"),
        ({"kernel_shape": [5, 5]}, (4, 3, 3, 3), "contradicts weights"),
        ({"strides": [0, 1]}, (4, 3, 3, 3), r"strides \[0, 1\] do not fit"),
        ({"pads": [1, 1]}, (4, 3, 3, 3), r"pads \[1, 1\] do not fit"),
        ({"auto_pad": "SAME"}, (4, 3, 3, 3), "unknown auto_pad 'SAME'"),
        ({}, (4, 3, 3), "do not fit"),
        ({}, (4, 3, 9, 9), "exceeds input"),
    ],
)
def test_malformed_convolutions(
    attributes: dict[str, Any], weights: tuple[int, ...], message: str
) -> None:
    proto = model(
        [node("Conv", ["x", "w"], ["y"], **attributes)],
        {"x": [1, 3, 5, 5]},
        constants={"w": values(*weights)},
    )
    with pytest.raises(ModelError, match=message):
        load_model(proto)


def test_third_axis_is_unfolded_into_channels() -> None:
    """One convolution over two axes, which the backends have kernels for."""
    x, w = values(2, 3, 4, 5, 6), values(4, 3, 2, 3, 3)
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": ["N", 3, 4, 5, 6]}, constants={"w": w})
    assert op_names(check(proto, {"x": x}, 1e-5)).count("conv") == 1


def test_indices_of_max_pool_are_refused() -> None:
    op = node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])
    proto = model([op], {"x": [1, 3, 5, 5]}, ["y", "i"])
    with pytest.raises(ModelError, match="output 'Indices' is not supported"):
        load_model(proto)


def test_padding_value_of_a_max_pool_never_wins() -> None:
    x = -np.ones((1, 1, 3, 3), np.float32)
    op = node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    check(model([op], {"x": x.shape}), {"x": x})
