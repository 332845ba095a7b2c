"""Resize, Upsample and Pad against ONNX Runtime in every mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, op_names, refused, values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

TRANSFORMS = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def resized(
    x: Any, scales: Any = None, sizes: Any = None, opset: int = 13, **attributes: Any
) -> tuple[Any, dict[str, Any]]:
    """A model of one Resize with scales or sizes, and its feeds."""
    constants: dict[str, Any] = {}
    if scales is not None:
        constants["scales"] = np.array(scales, np.float32)
    if sizes is not None:
        constants["sizes"] = np.array(sizes, np.int64)
    names = ["x", "", "scales" if scales is not None else "", "sizes" if sizes is not None else ""]
    names = names if sizes is not None else names[:3]
    op = node("Resize", names, ["y"], **attributes)
    return model([op], {"x": ["N", *x.shape[1:]]}, constants=constants, opset=opset), {"x": x}


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_resize(data: Any) -> None:
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    size = [data.draw(st.integers(4 if mode == "cubic" else 1, 6)) for _ in range(2)]
    attributes: dict[str, Any] = {"mode": mode}
    attributes["coordinate_transformation_mode"] = data.draw(st.sampled_from(TRANSFORMS))
    if mode == "nearest":
        attributes["nearest_mode"] = data.draw(st.sampled_from(NEAREST))
    if mode == "cubic":
        attributes["cubic_coeff_a"] = data.draw(st.sampled_from([-0.75, -0.5]))
        attributes["exclude_outside"] = data.draw(st.integers(0, 1))
    x = values(2, 3, *size)
    if data.draw(st.booleans()):
        wanted = [data.draw(st.integers(1, 12)) for _ in range(2)]
        proto, feeds = resized(x, sizes=[2, 3, *wanted], **attributes)
        proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    else:
        factors = [data.draw(st.sampled_from([0.5, 1, 1.5, 2, 3, 0.75])) for _ in range(2)]
        exact = [f * n for f, n in zip(factors, size, strict=True)]
        assume(all(n >= 1 for n in exact))
        if attributes["coordinate_transformation_mode"] == "align_corners":
            assume(all(n == int(n) for n in exact))
        proto, feeds = resized(x, scales=[1, 1, *factors], **attributes)
    check(proto, feeds, 1e-5)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_the_oldest_forms(mode: str) -> None:
    x, scales = values(2, 3, 4, 5), np.float32([1, 1, 2, 3])
    constants = {"scales": scales}
    for op, opset in (("Upsample", 9), ("Resize", 10)):
        nodes = [node(op, ["x", "scales"], ["y"], mode=mode)]
        check(model(nodes, {"x": x.shape}, constants=constants, opset=opset), {"x": x}, 1e-5)
    nodes = [node("Resize", ["x", "scales"], ["y"], mode=mode)]
    constants = {"scales": np.float32([1, 1, 0.6, 0.5])}
    check(model(nodes, {"x": x.shape}, constants=constants, opset=10), {"x": x}, 1e-5)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_some_axes_under_a_policy(policy: str) -> None:
    proto, feeds = resized(
        values(2, 3, 4, 5), sizes=[8, 7], opset=18, axes=[2, 3], keep_aspect_ratio_policy=policy
    )
    check(proto, feeds, 1e-5)


def test_three_axes_and_one() -> None:
    check(*resized(values(2, 3, 5), scales=[1, 1, 2], mode="linear"), 1e-5)
    check(*resized(values(1, 2, 3, 4, 2), scales=[1, 1, 2, 1, 3]), 1e-5)


def test_signs_stay_signs() -> None:
    """Nearest only moves elements."""
    proto, feeds = resized(values(2, 3, 4, 5), scales=[1, 1, 2, 2])
    assert op_names(check(proto, feeds)) == ["gather", "gather"]


def test_resize_refusals() -> None:
    proto, _ = resized(values(2, 3, 4, 5), scales=[2, 1, 2, 2])
    assert "the symbolic batch cannot be resized" in str(refused(proto))
    proto, _ = resized(
        values(2, 3, 4, 5), scales=[1, 1, 0.5, 0.5], opset=18, antialias=1, mode="linear"
    )
    assert "antialias is not supported" in str(refused(proto))
    corners = {"coordinate_transformation_mode": "align_corners", "mode": "linear"}
    proto, _ = resized(values(2, 3, 4, 5), scales=[1, 1, 2, 0.5], **corners)
    assert "align_corners with a size of 2.5" in str(refused(proto))


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap", "constant"])
@pytest.mark.parametrize("pads", [(1, 2, 3, 0), (0, 1, 0, 0), (-1, 2, 1, -1), (0, 0, 0, 0)])
def test_pad(mode: str, pads: tuple[int, ...]) -> None:
    x = values(2, 3, 5, 4)
    full = np.array([0, 0, *pads[:2], 0, 0, *pads[2:]])
    op = node("Pad", ["x", "p"], ["y"], mode=mode)
    proto = model([op], {"x": ["N", 3, 5, 4]}, constants={"p": full}, opset=19)
    check(proto, {"x": x})


@pytest.mark.parametrize("mode", ["edge", "wrap"])
def test_pad_beyond_the_operand(mode: str) -> None:
    op = node("Pad", ["x", "p", "", "a"], ["y"], mode=mode)
    constants = {"p": np.array([5, 7]), "a": np.array([-1])}
    check(model([op], {"x": [2, 3]}, constants=constants, opset=19), {"x": values(2, 3)})


def test_pad_refusals() -> None:
    op = node("Pad", ["x", "p"], ["y"], mode="reflect")
    proto = model([op], {"x": [2, 1]}, constants={"p": np.array([0, 1, 0, 0])}, opset=13)
    assert "has nothing to reflect" in str(refused(proto))
    op = node("Pad", ["x", "p"], ["y"], mode="edge")
    proto = model([op], {"x": ["N", 1]}, constants={"p": np.array([1, 1, 0, 0])}, opset=13)
    assert "the symbolic batch cannot be padded" in str(refused(proto))
