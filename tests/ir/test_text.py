"""The text form: what is printed reads back to the same graph, and says where it is malformed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from operator_examples import EXAMPLES

from bnnc.errors import ParseError
from bnnc.ir import (
    SIGN,
    TERNARY,
    Batch,
    Bits,
    Graph,
    Layout,
    Node,
    Output,
    Region,
    Scalar,
    Slot,
    Stage,
    TensorType,
    Value,
    load,
    parse,
    print_graph,
    save,
    scalar_of,
)
from bnnc.ir.ops import Clip, Const, Fused, Pad
from bnnc.ir.text import constants

DTYPES = "float16 float32 float64 int8 uint8 int16 int32 int64 bool".split()
STRANGE = [
    "",
    "a:",
    ":",
    "%x",
    "4N",
    "in",
    "none",
    "a b",
    'q"uote',
    "new\nline",
    "naïve",
    "\\",
    "//",
]
NAMES = st.one_of(st.sampled_from(STRANGE), st.text(max_size=6))
ARENAS = st.sampled_from(["batch", "round", "fixed", "input", "output"])


def graph_with(value: Value, op: object) -> Graph:
    """A graph of one node."""
    return Graph("g", (), (Node(op, (value,)),), (Output("y", value),))  # type: ignore[arg-type]


def same(left: object, right: object) -> bool:
    """Equality of operators' attributes, of regions node by node."""
    if isinstance(left, Region) and isinstance(right, Region):
        return all(
            a.op.mnemonic() == b.op.mnemonic() for a, b in zip(left.nodes, right.nodes, strict=True)
        )
    return left == right


def assert_round_trip(graph: Graph) -> None:
    """The text reads back to equal names, types, attributes, slots, origins and constants."""
    text = print_graph(graph)
    back = parse(text, constants(graph))
    assert print_graph(back) == text
    assert (back.name, back.stage) == (graph.name, graph.stage)
    assert [o.name for o in back.outputs] == [o.name for o in graph.outputs]
    for new, old in zip(back.inputs, graph.inputs, strict=True):
        assert (new.name, new.type, new.slot, new.origin) == (
            old.name,
            old.type,
            old.slot,
            old.origin,
        )
    for new_node, old_node in zip(back.nodes, graph.nodes, strict=True):
        assert [(v.name, v.type, v.slot) for v in new_node.results] == [
            (v.name, v.type, v.slot) for v in old_node.results
        ]
        assert new_node.origin == old_node.origin
        assert [v.name for v in new_node.op.operands] == [v.name for v in old_node.op.operands]
        for field in old_node.op.attribute_fields():
            assert same(getattr(new_node.op, field), getattr(old_node.op, field)), field


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Examples of several operators side by side, renamed, with origins and slots."""
    taken: set[str] = set()
    inputs: list[Value] = []
    nodes: list[Node] = []
    outputs: list[Output] = []

    def renamed(value: Value) -> Value:
        name = draw(NAMES.filter(lambda n: n not in taken))
        taken.add(name)
        slot = draw(st.none() | st.builds(Slot, ARENAS, st.integers(0, 2**62)))
        return replace(value, name=name, slot=slot)

    for mnemonic in draw(st.lists(st.sampled_from(sorted(EXAMPLES)), min_size=1, max_size=3)):
        graph = parse(EXAMPLES[mnemonic])
        new = {v: renamed(v) for v in graph.inputs}
        inputs.extend(new.values())
        for node in graph.nodes:
            op = node.op.map_operands(lambda v, new=new: new[v])
            if isinstance(op, Fused):
                op = replace(op, kernel=draw(NAMES))
            origin = tuple(draw(st.lists(NAMES, max_size=2, unique=True)))
            for value in node.results:
                new[value] = replace(renamed(value), origin=origin)
            nodes.append(Node(op, tuple(new[v] for v in node.results)))
        outputs.extend(Output(draw(st.text(max_size=4)), new[o.value]) for o in graph.outputs)
    stage = draw(st.sampled_from(Stage))
    return Graph(draw(NAMES), tuple(inputs), tuple(nodes), tuple(outputs), stage)


@given(graphs())
@settings(max_examples=100)
def test_round_trip(graph: Graph) -> None:
    assert_round_trip(graph)


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    )
)
@settings(max_examples=150)
@example(np.array([2**63 - 1, 0, -(2**63), -1]))
@example(np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32))
@example(np.full((2, 3), np.nan, np.float16))
@example(np.full(4, np.array(0xFFC00001, np.uint32).view(np.float32)))
@example(np.array([5e-324, 1.7976931348623157e308, 1e22, 0.1, 1e7, 9999999.5, 1e-4, 1e-5]))
@example(np.array([1e-45, 3.4028235e38, 16777216, 1e7, 0.1], np.float32))
@example(np.array([6e-08, 65504, 0.1], np.float16))
@example(np.zeros((0, 3), np.int8))
@example(np.array(True))
@example(np.arange(17))
def test_constants_round_trip(array: np.ndarray) -> None:
    op = Const.of(array)
    assert_round_trip(graph_with(Value("c", op.infer()[0]), op))


@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(st.floats(allow_nan=False), min_size=2**k, max_size=2**k)
    )
)
def test_tables_of_bits_round_trip(values: list[float]) -> None:
    op = Const.of(np.array([0, 1], np.uint8), Bits(tuple(values)))
    assert_round_trip(graph_with(Value("c", op.infer()[0]), op))


@given(st.floats(allow_nan=False), st.floats() | st.integers(-5, 5))
def test_float_attributes_round_trip(low: float, value: float) -> None:
    x = Value("x", TensorType((Batch(12), 2)))
    clip, pad = Clip(x, np.float64(low), 3), Pad(x, (0, 1), (0, 0), value)  # type: ignore[arg-type]
    for op in (clip, pad):
        graph = Graph("g", (x,), (Node(op, (Value("y", op.infer()[0]),)),), ())
        text = print_graph(graph)
        assert print_graph(parse(text)) == text


def test_types_round_trip() -> None:
    for element in (SIGN, TERNARY, Bits((0.0, 0.1, 0.2, 0.30000001)), *map(scalar_of, DTYPES)):
        for layout in Layout:
            for shape in ((Batch(10), 3, 4), (1, 2), (Batch(), 0)):
                if layout is Layout.PLANES and (len(shape) < 3 or isinstance(element, Scalar)):
                    continue
                value = Value("x", TensorType(shape, element, layout))
                text = print_graph(Graph("g", (value,), (), ()))
                assert parse(text).inputs[0].type == value.type


def test_large_constants_lie_beside_the_text(tmp_path: Path) -> None:
    graph = parse(
        "graph @g imported { input %x: f32[N,40]\n"
        "%c = const() data=random(7) element=f32 : f32[40]\n"
        '%y = add(%x, %c) : f32[N,40] output %y as "y" }'
    )
    path = tmp_path / "graph.bnn"
    save(graph, path)
    assert re.search(r"data=#[0-9a-f]{16} ", path.read_text())
    assert print_graph(load(path)) == print_graph(graph)
    assert load(path).nodes[0].op == graph.nodes[0].op
    path.with_name("graph.bnn.npz").unlink()
    with pytest.raises(
        ParseError, match=r"graph\.bnn:3: the contents of constant #\w+ are missing"
    ):
        load(path)


@pytest.mark.parametrize(
    "beside", [b"", b"PK\x03\x04 and no more", b"\x93NUMPY\x01\x00", b"x" * 99]
)
def test_damaged_constants_are_parse_errors(tmp_path: Path, beside: bytes) -> None:
    path = tmp_path / "graph.bnn"
    path.write_text("graph @g imported { }")
    path.with_name("graph.bnn.npz").write_bytes(beside)
    with pytest.raises(ParseError, match=re.escape(str(path))):
        load(path)


def test_a_missing_file_is_a_parse_error(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="No such file"):
        load(tmp_path / "absent.bnn")
    (tmp_path / "latin.bnn").write_bytes(b"graph @\xe9 imported { }")
    with pytest.raises(ParseError, match=r"latin\.bnn: "):
        load(tmp_path / "latin.bnn")


CONST = "graph @g imported {{ %c = const() data={} element={} : {} }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<text>:1: expected 'graph', got ''"),
        ("graph @g imported {", "<text>:1: expected a name with %, got ''"),
        ("graph @g later { }", "unknown stage 'later'"),
        ("graph @g imported { } x", "unexpected 'x' after the graph"),
        ("graph @g imported {\n\n  input %x: f32[N]\n  ?", "<text>:4: unexpected '?'"),
        ("graph @g imported { input %x: f32[N] input %x: f32[N] }", "%x is defined twice"),
        ("graph @g imported { input %x: f33[N] }", "unknown element 'f33'"),
        ("graph @g imported { input %x: f32[3,N] }", "only the first dimension may be symbolic"),
        ("graph @g imported { input %x: f32[0N] }", "only the first dimension may be symbolic"),
        ("graph @g imported { input %x: f32[-1] }", "negative dimension"),
        ("graph @g imported { input %x: f32[1.5] }", "expected an integer, got '1.5'"),
        ("graph @g imported { input %x: f32[99999999,99999999] }", "absurdly large"),
        (f"graph @g imported {{ input %x: f32[0,{10**18}] }}", "absurdly large"),
        (f"graph @g imported {{ input %x: f32[{'1,' * 40}1] }}", "at most 32 axes"),
        ("graph @g imported { input %x: f32[N]@tiles }", "unknown layout 'tiles'"),
        ("graph @g imported { input %x: ternary[N]@words }", "has no channels to pack"),
        ("graph @g imported { input %x: bits<1;-1>[N] }", "bits of 1 planes need 2 values"),
        ("graph @g imported { input %x: bits<99;1>[N] }", "bits have 1 to 8 planes"),
        ("graph @g imported { input %x: bits<1;nan,1>[N] }", "bits cannot stand for NaN"),
        ("graph @g imported { input %x: f32[N] in shelf+3 }", "unknown arena 'shelf'"),
        ('graph @g imported { input %x: f32[N] from "\\q" }', "malformed string"),
        ('graph @g imported { input %"a\nb": f32[N] }', "malformed string"),
        ('graph @g imported { output %x as "y" }', "%x is not defined"),
        ("graph @g imported { %y = frob() : f32[N] }", "unknown operator 'frob'"),
        ("graph @g imported { %y = relu(%x) : f32[N] }", "%x is not defined"),
        ("graph @g imported { input %x: f32[N] %y = relu(none) : f32[N] }", "expected a name"),
        ("graph @g imported { input %x: f32[N] %y = relu([%x]) : f32[N] }", "expected a name"),
        ("graph @g imported { input %x: f32[N] %y = concat(%x) axis=0 : f32[N] }", "expected '['"),
        ("graph @g imported { input %x: f32[N] %y = relu(%x) x=[1] : f32[N] }", "no attribute 'x'"),
        ("graph @g imported { input %x: f32[N] %y = sign(%x) zero=0 zero=1 : f32[N] }", "twice"),
        ("graph @g imported { input %x: f32[N] %y = softmax(%x) : f32[N] }", "softmax: "),
        (
            "graph @g imported { input %x: f32[N,2] %y = reduce_max(%x) axes=[1] keepdims=yes : f32[N] }",  # noqa: E501
            "expected true or false, got 'yes'",
        ),
        (
            "graph @g imported { input %x: f32[N,2] %y = transpose(%x) perm=[N,1] : f32[N,2] }",
            "expected an integer, got 'N'",
        ),
        (CONST.format("[1, 2]", "f32", "f32[3]"), "constant of 2 elements does not fit f32[3]"),
        (CONST.format("[300]", "u8", "u8[1]"), "300 does not fit u8"),
        (CONST.format("[1.5]", "i32", "i32[1]"), "1.5 does not fit i32"),
        (CONST.format("[nan]", "i32", "i32[1]"), "nan does not fit i32"),
        (CONST.format(f"[{10**30}]", "i64", "i64[1]"), "does not fit i64"),
        (CONST.format("[2]", "bool", "bool[1]"), "2 does not fit bool"),
        (CONST.format("splat(1)", "f32", "f32[1099511627776]"), "absurdly large"),
        (CONST.format("random(1)", "f32", "f32[99999999]"), "absurdly large"),
        (CONST.format("random(-1)", "f32", "f32[2]"), "a seed is not negative"),
        (CONST.format("#0123456789abcdef", "f32", "f32[2]"), "are missing"),
        (CONST.format("zeros(1)", "f32", "f32[2]"), "expected a constant, got 'zeros'"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=re.escape(message)):
        parse(text)


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    digits = "9" * 5000
    for text in (f"input %x: f32[{digits}]", f"input %x: f32[{digits}N]"):
        with pytest.raises(ParseError):
            parse(f"graph @g imported {{ {text} }}")
    graph = parse(CONST.format(f"[{digits}]", "f32", "f32[1]"))
    assert np.isinf(graph.nodes[0].op.array).all()  # type: ignore[attr-defined]


def test_deep_nesting_is_refused() -> None:
    text = "graph @g packed { " + '%y = fused([]) kernel="" { () ' * 5000
    with pytest.raises(ParseError, match="regions do not nest"):
        parse(text)


def test_annotations_that_say_nothing_are_left_out() -> None:
    text = """graph @t packed {
  input %x: bits<1;-1,1>[N,3,9]@words
  %w = const() data=splat(1) element=bits<1;-1,1> : bits<1;-1,1>[2,3,1]
  %n = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 NOTES: i32[N,2,9]@nhwc
}
"""
    for notes in ("", "parents=[-1,0] distances=[3,1] ", "codewords=2 "):
        stated = text.replace("NOTES", notes)
        assert print_graph(parse(stated)) == stated
