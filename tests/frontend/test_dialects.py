"""Binarizers: where each dialect fires, where it must not, and that it changes no bit."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, op_names, values
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import NodeProto

from bnnc import ir
from bnnc.frontend import importer, load_model
from bnnc.frontend.dialects import dialects, normalise
from bnnc.ir.ops import Sign

SPECIAL = np.array(
    [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 1e-45, -1e-45, 1.2e-38, -1.2e-38, 1e-30, 0.1, -0.1,
     0.99999994, 1.0000001, -0.99999994, 1.5, -1.5, 3, 1e6, -1e6, 9e18, -9e18],
    np.float32,
)  # fmt: skip
"""Zeros, denormals, neighbours of one, and numbers up to the proof's bound."""

CONSTANTS = {
    "zero": np.float32(0), "one": np.float32(1), "minus": np.float32(-1), "two": np.float32(2),
    "tenth": np.float32(0.1), "half": np.float32(0.5), "three": np.float32(3),
    "per_channel": np.linspace(-1, 1, SPECIAL.size, dtype=np.float32),
    "huge": np.float32(3e7), "int one": np.int64(1), "int minus": np.int64(-1),
    "ones": np.ones(SPECIAL.size, np.float32), "axis": np.array([1]),
    "levels": np.array([[-1.5], [0], [0.5], [2]], np.float32),
}  # fmt: skip

Nodes = Sequence[NodeProto]


def clip(x: str, y: str, low: str = "minus", high: str = "one") -> NodeProto:
    return node("Clip", [x, low, high], [y])


def polynomial(x: str, y: str) -> list[NodeProto]:
    """Bi-Real Net's estimator: -1, x^2 + 2x, 2x - x^2, 1."""
    out = [
        node("Mul", [x, x], ["square"]),
        node("Mul", [x, "two"], ["double"]),
        node("Add", ["square", "double"], ["rising"]),
        node("Neg", ["square"], ["negative"]),
        node("Add", ["negative", "double"], ["falling"]),
    ]
    parts = {"m1": "minus", "m2": "zero", "m3": "one"}
    for mask, bound in parts.items():
        out += [
            node("Less", [x, bound], [f"{mask}b"]),
            node("Cast", [f"{mask}b"], [mask], to=1),
            node("Sub", ["one", mask], [f"{mask}n"]),
        ]
    return [
        *out,
        node("Mul", ["m1", "minus"], ["a1"]),
        node("Mul", ["rising", "m1n"], ["b1"]),
        node("Add", ["a1", "b1"], ["o1"]),
        node("Mul", ["o1", "m2"], ["a2"]),
        node("Mul", ["falling", "m2n"], ["b2"]),
        node("Add", ["a2", "b2"], ["o2"]),
        node("Mul", ["o2", "m3"], ["a3"]),
        node("Mul", ["m3n", "one"], ["b3"]),
        node("Add", ["a3", "b3"], [y]),
    ]


def residue(p: list[NodeProto], first: str = "d", second: str = "p") -> list[NodeProto]:
    """(sign(x) - p) + p."""
    return [
        node("Sign", ["x"], ["s"]),
        *p,
        node("Sub", ["s", "p"], ["d"]),
        node("Add", [first, second], ["y"]),
    ]


def compared(op: str, a: str, b: str, yes: str, no: str) -> list[NodeProto]:
    return [node(op, [a, b], ["m"]), node("Where", ["m", yes, no], ["y"])]


def cast(mask: NodeProto, name: str) -> list[NodeProto]:
    """A mask as float."""
    return [mask, node("Cast", [mask.output[0]], [name], to=1)]


SIGN = node("Sign", ["x"], ["s"])
FIRES: dict[str, tuple[Nodes, int, list[str]]] = {
    # Name: nodes, sign at zero, operators that stay.
    "ge": (compared("GreaterOrEqual", "x", "zero", "one", "minus"), 1, ["sign"]),
    "gt": (compared("Greater", "x", "zero", "one", "minus"), -1, ["sign"]),
    "lt": (compared("Less", "x", "zero", "minus", "one"), 1, ["sign"]),
    "le": (compared("LessOrEqual", "x", "zero", "minus", "one"), -1, ["sign"]),
    "flipped ge": (compared("GreaterOrEqual", "x", "zero", "minus", "one"), -1, ["sub", "sign"]),
    "zero first": (compared("LessOrEqual", "zero", "x", "one", "minus"), 1, ["sign"]),
    "threshold": (compared("GreaterOrEqual", "x", "half", "one", "minus"), 1, ["sub", "sign"]),
    "thresholds": (compared("Greater", "x", "per_channel", "one", "minus"), -1, ["sub", "sign"]),
    "thermometer": (
        [
            node("Unsqueeze", ["x", "axis"], ["u"]),
            *compared("Greater", "u", "levels", "one", "minus"),
        ],
        -1,
        ["reshape", "sub", "sign"],
    ),
    "tensors": (compared("GreaterOrEqual", "x", "zero", "ones", "minus"), 1, ["sign"]),
    "not": (
        [
            node("Less", ["x", "zero"], ["l"]),
            node("Not", ["l"], ["m"]),
            node("Where", ["m", "one", "minus"], ["y"]),
        ],
        1,
        ["sign"],
    ),
    "doubled mask": (
        [
            node("GreaterOrEqual", ["x", "zero"], ["m"]),
            node("Cast", ["m"], ["f"], to=1),
            node("Mul", ["f", "two"], ["d"]),
            node("Sub", ["d", "one"], ["y"]),
        ],
        1,
        ["sign"],
    ),
    "repaired": (
        [
            SIGN,
            node("Equal", ["s", "zero"], ["m"]),
            node("Where", ["m", "one", "s"], ["y"]),
        ],
        1,
        ["sign"],
    ),
    "repaired by the operand": (
        [
            SIGN,
            node("Equal", ["x", "zero"], ["m"]),
            node("Where", ["m", "minus", "s"], ["y"]),
        ],
        -1,
        ["sign"],
    ),
    "larq": ([SIGN, node("Add", ["s", "tenth"], ["t"]), node("Sign", ["t"], ["y"])], 1, ["sign"]),
    "larq down": (
        [SIGN, node("Sub", ["tenth", "one"], ["c"]), node("Add", ["c", "s"], ["t"]),
         node("Sign", ["t"], ["y"])], -1, ["sign"],
    ),
    "sign of sign": ([SIGN, node("Sign", ["s"], ["y"])], 0, ["sign"]),
    "hardtanh residue": (residue([clip("x", "p")]), 0, ["sign"]),
    "residue, other order": (residue([clip("x", "p")], "p", "d"), 0, ["sign"]),
    "polynomial residue": (residue(polynomial("x", "p")), 0, ["sign"]),
    "tanh residue": (residue([node("Tanh", ["x"], ["p"])]), 0, ["sign"]),
    "wide clip residue": (
        residue([node("Mul", ["x", "half"], ["h"]), clip("h", "p")]), 0, ["sign"],
    ),
    "positive zero residue": (
        [
            node("GreaterOrEqual", ["x", "zero"], ["m"]),
            node("Where", ["m", "one", "minus"], ["s"]),
            clip("x", "p"),
            node("Sub", ["s", "p"], ["d"]),
            node("Add", ["d", "p"], ["y"]),
        ],
        1,
        ["sign"],
    ),
}  # fmt: skip

FIRES |= {
    f"assigned twice, {first} {second}": (
        [
            node(second, ["x", "zero"], ["n"]),
            node("Where", ["n", values_[1], "per_channel"], ["inner"]),
            node(first, ["x", "zero"], ["m"]),
            node("Where", ["m", values_[0], "inner"], ["y"]),
        ],
        zero,
        ["sign"],
    )
    for first, second, values_, zero in (
        ("Less", "GreaterOrEqual", ("minus", "one"), 1),
        ("GreaterOrEqual", "Less", ("one", "minus"), 1),
        ("LessOrEqual", "Greater", ("minus", "one"), -1),
        ("LessOrEqual", "GreaterOrEqual", ("minus", "one"), -1),
        ("GreaterOrEqual", "LessOrEqual", ("one", "minus"), 1),
    )
}

FIRES |= {
    "integers": (
        [
            node("GreaterOrEqual", ["x", "zero"], ["m"]),
            node("Where", ["m", "int one", "int minus"], ["i"]),
            node("Cast", ["i"], ["y"], to=1),
        ],
        1,
        ["sign"],
    ),
    "nested": (
        [
            node("Greater", ["x", "zero"], ["m"]),
            node("Less", ["x", "zero"], ["n"]),
            node("Where", ["n", "minus", "zero"], ["i"]),
            node("Where", ["m", "one", "i"], ["y"]),
        ],
        0,
        ["sign"],
    ),
    "doubled mask plus": (
        [
            node("Greater", ["x", "half"], ["m"]),
            node("Cast", ["m"], ["f"], to=1),
            node("Mul", ["two", "f"], ["d"]),
            node("Add", ["minus", "d"], ["y"]),
        ],
        -1,
        ["sub", "sign"],
    ),
    "sign plus mask": (
        [SIGN, *cast(node("Equal", ["x", "zero"], ["m"]), "f"), node("Add", ["s", "f"], ["y"])],
        1,
        ["sign"],
    ),
    "sign minus mask": (
        [SIGN, *cast(node("Equal", ["s", "zero"], ["m"]), "f"), node("Sub", ["s", "f"], ["y"])],
        -1,
        ["sign"],
    ),
    "rounded fraction": (
        [
            node("Add", ["x", "one"], ["a"]),
            node("Div", ["a", "two"], ["h"]),
            clip("h", "c", "zero"),
            node("Round", ["c"], ["r"]),
            node("Mul", ["r", "two"], ["d"]),
            node("Sub", ["d", "one"], ["y"]),
        ],
        -1,
        ["add", "div", "clip", "sub", "sign"],
    ),
    "rounded sigmoid": (
        [
            node("Sigmoid", ["x"], ["c"]),
            node("Round", ["c"], ["r"]),
            node("Mul", ["two", "r"], ["d"]),
            node("Add", ["d", "minus"], ["y"]),
        ],
        -1,
        ["sigmoid", "sub", "sign"],
    ),
    "clip to three residue": (residue([clip("x", "p", "minus", "three")]), 0, ["sign"]),
}
for _name, _plus, _minus, _zero in (
    ("both strict", "Greater", "Less", 0),
    ("or equal above", "GreaterOrEqual", "Less", 1),
    ("or equal below", "Greater", "LessOrEqual", -1),
):
    FIRES[f"difference of masks, {_name}"] = (
        [
            *cast(node(_plus, ["x", "zero"], ["m"]), "f"),
            *cast(node(_minus, ["x", "zero"], ["n"]), "g"),
            node("Sub", ["f", "g"], ["y"]),
        ],
        _zero,
        ["sign"],
    )

STAYS: dict[str, Nodes] = {
    "other values": compared("GreaterOrEqual", "x", "zero", "one", "zero"),
    "unequal values": compared("GreaterOrEqual", "x", "zero", "one", "per_channel"),
    "shift by one": [SIGN, node("Add", ["s", "one"], ["t"]), node("Sign", ["t"], ["y"])],
    "shift by a tensor": [
        SIGN, node("Add", ["s", "per_channel"], ["t"]), node("Sign", ["t"], ["y"]),
    ],
    "sum first": [
        SIGN, clip("x", "p"), node("Add", ["s", "p"], ["d"]), node("Sub", ["d", "p"], ["y"]),
    ],
    "unbounded": residue([node("Mul", ["x", "three"], ["p"])]),
    "too far": residue([node("Mul", ["x", "three"], ["h"]), clip("h", "p", "minus", "huge")]),
    "difference of masks over one": [
        *cast(node("Greater", ["x", "one"], ["m"]), "f"),
        *cast(node("Less", ["x", "zero"], ["n"]), "g"), node("Sub", ["f", "g"], ["y"]),
    ],
    "masks that meet": [
        *cast(node("GreaterOrEqual", ["x", "zero"], ["m"]), "f"),
        *cast(node("LessOrEqual", ["x", "zero"], ["n"]), "g"), node("Sub", ["f", "g"], ["y"]),
    ],
    "rounded beyond one": [
        clip("x", "c", "zero", "two"), node("Round", ["c"], ["r"]),
        node("Mul", ["r", "two"], ["d"]), node("Sub", ["d", "one"], ["y"]),
    ],
    "one mask doubled twice": [
        *cast(node("Greater", ["x", "zero"], ["m"]), "f"), node("Mul", ["f", "three"], ["d"]),
        node("Sub", ["d", "one"], ["y"]),
    ],
    "wrong sign": residue([node("Neg", ["x"], ["n"]), clip("n", "p")]),
    "shifted": residue([node("Add", ["x", "tenth"], ["n"]), clip("n", "p")]),
    "another variable": residue([clip("z", "p")]),
    "unknown function": residue([node("Exp", ["x"], ["p"])]),
    "two residues": [
        SIGN, clip("x", "p"), node("Tanh", ["x"], ["q"]), node("Sub", ["s", "p"], ["d"]),
        node("Add", ["d", "q"], ["y"]),
    ],
    "a gap at zero": [
        node("Less", ["x", "zero"], ["n"]), node("Where", ["n", "minus", "half"], ["inner"]),
        node("Greater", ["x", "zero"], ["m"]), node("Where", ["m", "one", "inner"], ["y"]),
    ],
    "repaired elsewhere": [
        SIGN, node("Equal", ["s", "one"], ["m"]), node("Where", ["m", "one", "s"], ["y"]),
    ],
    "repaired by two": [
        SIGN, node("Equal", ["s", "zero"], ["m"]), node("Where", ["m", "two", "s"], ["y"]),
    ],
}  # fmt: skip


def binarizer(nodes: Nodes) -> Any:
    used = {name for n in nodes for name in n.input}
    constants = {name: array for name, array in CONSTANTS.items() if name in used}
    inputs = {"x": ["N", SPECIAL.size]}
    if "z" in used:
        inputs["z"] = ["N", SPECIAL.size]
    return model(nodes, inputs, constants=constants, opset=16)


@pytest.mark.parametrize("name", FIRES)
def test_fires(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, zero, operators = FIRES[name]
    proto = binarizer(nodes)
    graph = check(proto, {"x": SPECIAL[None]})
    assert op_names(graph) == operators
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [zero]
    assert graph.outputs[0].value.name == "y"
    monkeypatch.setattr(importer, "normalise", lambda graph, notes: graph)
    before = load_model(proto).graph
    for seed in range(20):
        x = np.concatenate([SPECIAL[None], -SPECIAL[None], values(50, SPECIAL.size, seed=seed)])
        old, new = (ir.interpret(g, {"x": x})["y"] for g in (before, graph))
        assert np.array_equal(old, new)


@pytest.mark.parametrize("name", STAYS)
def test_must_not_fire(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proto = binarizer(STAYS[name])
    after = ir.print_graph(load_model(proto).graph)
    monkeypatch.setattr(importer, "normalise", lambda graph, notes: graph)
    assert ir.print_graph(load_model(proto).graph) == after


@pytest.mark.parametrize("order", [("d", "p"), ("p", "d")])
def test_residue_of_the_operand_itself(order: tuple[str, str], monkeypatch: Any) -> None:
    """x + (sign(x) - x): exact up to 2^24, with a note to the user."""
    nodes = [node("Identity", ["x"], ["p"]), *residue([], *order)]
    proto = binarizer(nodes)
    imported = load_model(proto)
    assert op_names(imported.graph) == ["sign"]
    (note,) = imported.notes
    assert note.startswith("node 'Add_y': the straight-through estimator is read as its sign")
    assert "16777216" in note
    monkeypatch.setattr(importer, "normalise", lambda graph, notes: graph)
    before = load_model(proto).graph
    generator = np.random.default_rng(0)
    exponents = generator.uniform(-150, 24, (200, SPECIAL.size))
    x = (np.exp2(exponents) * generator.choice([-1, 1], exponents.shape)).astype(np.float32)
    edge = np.float32(1 << 24)
    x = np.concatenate([x, np.clip(SPECIAL[None], -edge, edge), -np.clip(x, 1.6e7, None)])
    old, new = (ir.interpret(g, {"x": x})["y"] for g in (before, imported.graph))
    assert np.array_equal(old, new)


def test_a_binarizer_that_others_read_stays_for_them() -> None:
    nodes = [*FIRES["larq"][0], node("Mul", ["s", "two"], ["other"])]
    proto = model(nodes, {"x": ["N", 4]}, ["y", "other"], CONSTANTS)
    graph = load_model(proto).graph
    assert op_names(graph) == ["sign", "mul", "sign"] or op_names(graph) == ["sign", "sign", "mul"]
    assert sorted(n.op.zero for n in graph.nodes if isinstance(n.op, Sign)) == [0, 1]


def test_origins_name_the_nodes_of_the_pattern() -> None:
    graph = load_model(binarizer(FIRES["larq"][0])).graph
    assert graph.nodes[-1].origin == ("Sign_s", "Add_t", "Sign_y")


def test_sign_zero_is_the_users_word() -> None:
    proto = model(FIRES["hardtanh residue"][0], {"x": ["N", 4]}, constants=CONSTANTS)
    for word, zero in (("exact", 0), ("+1", 1)):
        graph = load_model(proto, sign_zero=word).graph
        assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [zero]


@pytest.mark.parametrize("dialect", dialects(), ids=lambda d: d.__name__.rsplit(".", 1)[-1])
def test_docstring(dialect: ModuleType) -> None:
    text = inspect.getdoc(dialect) or ""
    before, after = (
        re.search(rf"^{part}:\n((?:    .*\n?)+)", text, re.M) for part in ("Before", "After")
    )
    assert before is not None
    assert after is not None
    graph = normalise(ir.parse(_graph(before[1])))
    assert ir.print_graph(graph) == ir.print_graph(ir.parse(_graph(after[1])))


def _graph(lines: str) -> str:
    body = "\n".join(line[2:] for line in lines.splitlines())
    return f'graph @g imported {{\n  input %x: f32[N,8]\n{body}\n  output %y as "y"\n}}\n'


numbers = st.floats(width=32, allow_nan=False, min_value=-(2.0**24), max_value=2.0**24)


@given(
    hnp.arrays(np.float32, SPECIAL.size, elements=numbers),
    st.floats(-2, 2, width=32),
    st.floats(-2, 2, width=32),
    st.sampled_from(["Clip", "Tanh", "Mul", "Less", "Relu"]),
)
def test_no_residue_changes_a_bit(x: Any, scale: float, offset: float, form: str) -> None:
    """Whatever p is: if the dialect fires, the result is the same."""
    constants = {"scale": np.float32(scale), "offset": np.float32(offset), **CONSTANTS}
    inner = [node("Mul", ["x", "scale"], ["a"]), node("Add", ["a", "offset"], ["b"])]
    last = {
        "Clip": [clip("b", "p")],
        "Tanh": [node("Tanh", ["b"], ["p"])],
        "Mul": [clip("b", "c"), node("Mul", ["c", "scale"], ["p"])],
        "Less": [node("Less", ["b", "x"], ["l"]), node("Cast", ["l"], ["p"], to=1)],
        "Relu": [clip("b", "c"), node("Relu", ["c"], ["p"])],
    }[form]
    proto = model(residue([*inner, *last]), {"x": ["N", SPECIAL.size]}, constants=constants)
    graph = load_model(proto).graph
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "normalise", lambda graph, notes: graph)
        before = load_model(proto).graph
    rows = np.stack([x, np.clip(SPECIAL, -(2.0**24), 2.0**24)]).astype(np.float32)
    old, new = (ir.interpret(g, {"x": rows})["y"] for g in (before, graph))
    assert np.array_equal(old, new)
