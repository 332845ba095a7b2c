"""Binarizers to other values than -1 and +1: each becomes one sign, and no bit changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, op_names, run_reference, values
from hypothesis import given
from hypothesis import strategies as st
from onnx import NodeProto, TensorProto

from bnnc import ir
from bnnc.frontend import importer, load_model
from bnnc.frontend.analysis.step_functions import find_step
from bnnc.ir.ops import Sign

CHANNELS = 6
CONSTANTS = {
    "zero": np.float32(0), "one": np.float32(1), "minus": np.float32(-1), "two": np.float32(2),
    "half": np.float32(0.5), "a": np.float32(0.37), "b": np.float32(-1.3), "tenth": np.float32(0.1),
    "shift": np.linspace(-1, 1, CHANNELS, dtype=np.float32),
    "alpha": np.linspace(0.1, 0.9, CHANNELS, dtype=np.float32),
    "mixed": np.array([-2, 3, -0.1, 0.7, 1, -1], np.float32),
    "many": np.float32(7), "yes": np.array(True), "four": np.float32(4),
    "dead": np.array([0, 1, 1, 1, 1, 0], np.float32),
    "levels": np.array([0.25, 1e30, 0.25, 1, 0.5, 0], np.float32),
    **{f"u{n}": np.uint8(n) for n in (0, 1, 2, 127, 128)},
    **{f"i{n}": np.int8(n) for n in (-1, 0, 1, 2)},
    "zeros": np.array([3, 2, 0, 1, 250, 3], np.uint8),
}  # fmt: skip

Nodes = Sequence[NodeProto]


def compare(op: str, a: str = "x", b: str = "zero") -> NodeProto:
    return node(op, [a, b], ["m"])


def as_float(op: str, a: str = "x", b: str = "zero", to: str = "f") -> list[NodeProto]:
    return [compare(op, a, b), node("Cast", ["m"], [to], to=TensorProto.FLOAT)]


def rounded(scale: str, last: bool = True) -> list[NodeProto]:
    """Clip(Round(x / a), 0, 1) * a."""
    out = [
        node("Div", ["x", scale], ["d"]),
        node("Round", ["d"], ["r"]),
        node("Clip", ["r", "zero", "one"], ["c" if last else "q"]),
    ]
    return [*out, node("Mul", ["c", scale], ["q"])] if last else out


def quantized(scale: str, zero: str, low: str, high: str) -> list[NodeProto]:
    """QuantizeLinear, Clip of the integers, DequantizeLinear."""
    return [
        node("QuantizeLinear", ["x", scale, zero], ["i"]),
        node("Clip", ["i", low, high], ["c"]),
        node("DequantizeLinear", ["c", scale, zero], ["q"]),
    ]


HEAVISIDE = [
    node("Equal", ["x", "zero"], ["e"]),
    node("Less", ["x", "zero"], ["l"]),
    node("Where", ["l", "zero", "one"], ["v"]),
    node("Where", ["e", "half", "v"], ["q"]),
]

FIRES: dict[str, Nodes] = {
    "rounded": rounded("a"),
    "rounded to bits": rounded("a", last=False),
    "rounded per channel": rounded("alpha"),
    "clipped, then rounded": [
        node("Clip", ["x", "zero", "one"], ["c"]),
        node("Round", ["c"], ["q"]),
    ],
    "floor": [
        node("Add", ["x", "half"], ["t"]),
        node("Floor", ["t"], ["f"]),
        node("Clip", ["f", "zero", "one"], ["q"]),
    ],
    "sign of relu": [node("Relu", ["x"], ["r"]), node("Sign", ["r"], ["q"])],
    "sign of relu of scaled": [
        node("Mul", ["x", "mixed"], ["s"]),
        node("Add", ["s", "shift"], ["t"]),
        node("Relu", ["t"], ["r"]),
        node("Sign", ["r"], ["q"]),
    ],
    "where": [compare("Greater"), node("Where", ["m", "a", "b"], ["q"])],
    "where, falling": [compare("Less", b="half"), node("Where", ["m", "a", "b"], ["q"])],
    "where per channel": [
        compare("GreaterOrEqual", b="shift"),
        node("Where", ["m", "alpha", "mixed"], ["q"]),
    ],
    "not": [
        compare("Less"),
        node("Not", ["m"], ["n"]),
        node("Cast", ["n"], ["q"], to=TensorProto.FLOAT),
    ],
    "greater": as_float("Greater", to="q"),
    "greater or equal": as_float("GreaterOrEqual", to="q"),
    "less": as_float("Less", to="q"),
    "less or equal": as_float("LessOrEqual", b="half", to="q"),
    "mask times alpha": [*as_float("Greater"), node("Mul", ["alpha", "f"], ["q"])],
    "one minus mask": [*as_float("Greater"), node("Sub", ["one", "f"], ["q"])],
    "mask through integers": [
        compare("Greater"),
        node("Cast", ["m"], ["i"], to=TensorProto.INT32),
        node("Cast", ["i"], ["q"], to=TensorProto.FLOAT),
    ],
    "two levels of a mask": [
        *as_float("GreaterOrEqual", b="tenth"),
        node("Mul", ["f", "a"], ["t"]),
        node("Add", ["t", "b"], ["q"]),
    ],
    "max and min": [
        node("Round", ["x"], ["r"]),
        node("Max", ["r", "zero"], ["t"]),
        node("Min", ["t", "one"], ["q"]),
    ],
    "rounded sigmoid": [node("Sigmoid", ["x"], ["s"]), node("Round", ["s"], ["q"])],
    "two computed values": [
        node("Relu", ["x"], ["r"]),
        compare("Greater", a="x", b="r"),
        node("Where", ["m", "a", "b"], ["q"]),
    ],
    "mask and a constant mask": [
        compare("Greater"),
        node("And", ["m", "yes"], ["n"]),
        node("Where", ["n", "a", "b"], ["q"]),
    ],
    "mask or its opposite": [
        compare("Greater"),
        node("Not", ["yes"], ["no"]),
        node("Or", ["m", "no"], ["n"]),
        node("Where", ["n", "a", "b"], ["q"]),
    ],
    "step of a root": [
        node("Abs", ["x"], ["t"]),
        node("Sqrt", ["t"], ["r"]),
        compare("LessOrEqual", a="r", b="half"),
        node("Where", ["m", "a", "b"], ["q"]),
    ],
    "step of a root per channel": [
        node("Abs", ["x"], ["t"]),
        node("Sqrt", ["t"], ["r"]),
        compare("LessOrEqual", a="r", b="levels"),
        node("Where", ["m", "two", "one"], ["q"]),
    ],
    "choice of what was rounded": [
        node("Mul", ["x", "two"], ["t"]),
        node("Round", ["t"], ["r"]),
        node("Clip", ["r", "zero", "one"], ["c"]),
        compare("Less", a="c", b="one"),
        node("Where", ["m", "minus", "c"], ["q"]),
    ],
    "integers 0 and 1 of 8 bits": quantized("a", "u0", "u0", "u1"),
    "signed integers 0 and 1": quantized("a", "i0", "i0", "i1"),
    "integers -1 and 0": quantized("a", "i0", "i-1", "i0"),
    "integers around their zero point": quantized("a", "u128", "u127", "u128"),
    "zero point beside the integers": quantized("a", "u2", "u0", "u1"),
    "quantized per channel": quantized("alpha", "zeros", "u1", "u2"),
    "clipped before it is quantized": [
        node("Clip", ["x", "zero", "a"], ["t"]),
        node("QuantizeLinear", ["t", "a", "u0"], ["i"]),
        node("DequantizeLinear", ["i", "a", "u0"], ["q"]),
    ],
    "heaviside of one": [*HEAVISIDE[:3], node("Where", ["e", "one", "v"], ["q"])],
    "heaviside of zero": [*HEAVISIDE[:3], node("Where", ["e", "zero", "v"], ["q"])],
}

RESIDUES: dict[str, tuple[Nodes, bool]] = {
    # What is subtracted and added again; whether that is exact only up to 2^24.
    "clip": ([node("Clip", ["x", "zero", "one"], ["p"])], False),
    "hardtanh": ([node("Clip", ["x", "minus", "one"], ["p"])], False),
    "relu6": ([node("Clip", ["x", "minus", "many"], ["p"])], False),
    "sigmoid": ([node("Sigmoid", ["x"], ["p"])], False),
    "itself": ([node("Identity", ["x"], ["p"])], True),
}

STAYS: dict[str, Nodes] = {
    "three values": [
        node("Round", ["x"], ["r"]),
        node("Clip", ["r", "minus", "one"], ["q"]),
    ],
    "heaviside of a half": HEAVISIDE,
    "equal": as_float("Equal", to="q"),
    "eight values": [node("Round", ["x"], ["r"]), node("Clip", ["r", "zero", "many"], ["q"])],
    "integers 0, 1 and 2": quantized("a", "u0", "u0", "u2"),
    "continuous": [node("Clip", ["x", "zero", "one"], ["q"])],
}


def product(nodes: Nodes, **inputs: Any) -> Any:
    """The binarizer's values, through a product with the identity."""
    constants = {**CONSTANTS, "w": np.eye(CHANNELS, dtype=np.float32)}
    given = inputs or {"x": ["N", CHANNELS]}
    return model([*nodes, node("MatMul", ["q", "w"], ["y"])], given, constants=constants)


def samples() -> Any:
    special = np.array(
        [0, -0.0, 1e-45, -1e-45, 0.5, 0.1, 0.185, 0.37, 1, -1, 1.5, 2, 1e30, -1e30], np.float32
    )
    near = [np.nextafter(special, np.float32(way)) for way in (-np.inf, np.inf)]
    thresholds = np.concatenate([CONSTANTS[k] * f for k in ("alpha", "shift") for f in (0.5, 1)])
    rows = np.concatenate([special, *near, thresholds.astype(np.float32), values(60)])
    return np.repeat(rows[:, None], CHANNELS, axis=1)


@pytest.mark.parametrize("name", FIRES)
def test_fires(name: str) -> None:
    proto = product(FIRES[name])
    graph = load_model(proto).graph
    names = op_names(graph)
    assert names.count("sign") == 1
    assert set(names) <= {
        "sign",
        "sub",
        "neg",
        "mul",
        "add",
        "gemm",
        "less_equal",
        "where",
        "relu",
        "sigmoid",
        "abs",
        "sqrt",
        "round",
        "clip",
    }
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] != [0]
    _same(proto, graph, samples())


@pytest.mark.parametrize("name", STAYS)
def test_stays(name: str) -> None:
    proto = product(STAYS[name])
    graph = load_model(proto).graph
    assert "sign" not in op_names(graph)
    _same(proto, graph, samples())


def test_an_overflow_times_zero_is_no_step() -> None:
    """At the ends of the range the product is not-a-number in channels that are dead: it tells
    nothing of what lies between."""
    nodes = [
        node("Mul", ["x", "four"], ["s"]),
        node("Mul", ["s", "dead"], ["t"]),
        compare("Less", a="minus", b="t"),
        node("Where", ["m", "two", "one"], ["q"]),
    ]
    proto = product(nodes)
    _same(proto, load_model(proto).graph, np.clip(samples(), -1e3, 1e3))


def test_integers_that_may_wrap_are_no_step() -> None:
    nodes = [
        node("Round", ["x"], ["r"]),
        node("Cast", ["r"], ["i"], to=TensorProto.INT8),
        node("Clip", ["i", "i0", "i1"], ["c"]),
        node("Cast", ["c"], ["q"], to=TensorProto.FLOAT),
    ]
    assert "sign" not in op_names(load_model(product(nodes)).graph)


def _same(proto: Any, graph: ir.Graph, x: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "normalise", lambda graph, notes: graph)
        before = load_model(proto).graph
    old, new = (ir.interpret(g, {"x": x})["y"] for g in (before, graph))
    assert np.array_equal(old, new)
    assert np.array_equal(new, run_reference(proto, {"x": x})["y"])


@pytest.mark.parametrize("name", RESIDUES)
@pytest.mark.parametrize("order", [("d", "p"), ("p", "d")])
@pytest.mark.parametrize("mask", ["Greater", "GreaterOrEqual"])
def test_residue_of_a_mask(name: str, order: tuple[str, str], mask: str) -> None:
    nodes, noted = RESIDUES[name]
    tail = [node("Sub", ["f", "p"], ["d"]), node("Add", order, ["q"])]
    proto = product([*as_float(mask), *nodes, *tail])
    imported = load_model(proto)
    assert op_names(imported.graph) == ["sign", "mul", "add", "gemm"]
    assert len(imported.notes) == noted
    _same(proto, imported.graph, np.clip(samples(), -(2.0**24), 2.0**24))


def test_a_residue_that_rounds_is_noted() -> None:
    tail = [node("Sub", ["v", "p"], ["d"]), node("Add", ["d", "p"], ["q"])]
    scaled = [*as_float("Greater"), node("Mul", ["f", "a"], ["v"])]
    proto = product([*scaled, *RESIDUES["hardtanh"][0], *tail])
    imported = load_model(proto)
    assert "sign" not in op_names(imported.graph)
    (note,) = imported.notes
    assert note.startswith("node 'Add_q': the straight-through estimator of values 0, 0.37 rounds")


def test_a_residue_of_the_wrong_sign_stays() -> None:
    tail = [node("Sub", ["f", "p"], ["d"]), node("Add", ["d", "p"], ["q"])]
    proto = product([*as_float("Less"), *RESIDUES["hardtanh"][0], *tail])
    assert "clip" in op_names(load_model(proto).graph)


def test_two_operands() -> None:
    nodes = [compare("GreaterOrEqual", "x", "t"), node("Where", ["m", "a", "b"], ["q"])]
    proto = product(nodes, x=["N", CHANNELS], t=["N", CHANNELS])
    graph = load_model(proto).graph
    assert op_names(graph)[:2] == ["sub", "sign"]
    feeds = {"x": samples(), "t": samples()[::-1]}
    assert np.array_equal(ir.interpret(graph, feeds)["y"], run_reference(proto, feeds)["y"])


def test_rounded_softmax() -> None:
    """BiT's attention: {0, a} after a softmax, read by a product of computed matrices."""
    nodes = [
        node("Softmax", ["s"], ["x"], axis=-1),
        *rounded("tenth"),
        node("MatMul", ["q", "v"], ["y"]),
    ]
    proto = model(nodes, {"s": ["N", 4, 5], "v": ["N", 5, 3]}, constants=CONSTANTS)
    graph = load_model(proto).graph
    assert op_names(graph) == ["softmax", "sub", "sign", "mul", "add", "mat_mul"]


def test_products_ask_for_it_behind_a_factor() -> None:
    nodes = [
        *rounded("a"),
        node("ReduceMax", ["x"], ["f"], axes=[1], keepdims=1),
        node("Mul", ["f", "q"], ["p"]),
        node("MatMul", ["p", "w"], ["y"]),
    ]
    constants = {**CONSTANTS, "w": np.eye(CHANNELS, dtype=np.float32)}
    graph = load_model(model(nodes, {"x": ["N", CHANNELS]}, constants=constants)).graph
    assert op_names(graph).count("sign") == 1
    assert "round" not in op_names(graph)


def test_only_products_ask_for_it() -> None:
    nodes = [*as_float("Greater"), node("Mul", ["f", "x"], ["y"])]
    proto = model(nodes, {"x": ["N", CHANNELS]}, constants=CONSTANTS)
    assert "sign" not in op_names(load_model(proto).graph)


numbers = st.floats(-(2.0**99), 2.0**99, width=32)


@given(numbers, numbers, numbers, st.booleans())
def test_steps(threshold: float, low: float, high: float, strict: bool) -> None:
    t, a, b = (np.float32(v) for v in (threshold, low, high))

    def function(x: Any) -> Any:
        return np.where(x > t if strict else x >= t, b, a)

    step = find_step(function, ())
    if a == b:
        assert step is None
        return
    assert step is not None
    near = [np.nextafter(t, np.float32(way)) for way in (-np.inf, np.inf)]
    x = np.array([*near, t, 0, 1, -1, -1e38, 1e38], np.float32)
    builder = ir.Builder()
    value = ir.Value("x", ir.TensorType(x.shape, ir.F32))
    put = lambda op: builder.add(op, "v", [])  # noqa: E731
    result = put(step.over(value, put))
    graph = ir.Graph(
        "g", (value,), tuple(builder.nodes), (ir.Output("y", result),), ir.Stage.IMPORTED
    )
    assert np.array_equal(ir.interpret(graph, {"x": x})["y"], function(x))
