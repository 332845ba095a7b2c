"""The verifier: what every graph must hold, what each stage may, and what operators refuse."""

from __future__ import annotations

import re

import pytest

from bnnc.errors import VerifyError
from bnnc.ir import Batch, Graph, Node, Op, Output, Region, TensorType, Value, parse, verify
from bnnc.ir.ops import Fused, Neg, Relu
from bnnc.ir.ops.binary import BLOCK

ROW = TensorType((Batch(), 2))


def test_values_are_defined_once_and_before_use() -> None:
    x, y, other = Value("x", ROW), Value("y", ROW), Value("y", ROW)
    neg, relu = Node(Neg(x), (y,)), Node(Relu(y), (Value("z", ROW),))
    verify(Graph("g", (x,), (neg, relu), (Output("o", y),)))
    for graph, message in [
        (Graph("g", (x,), (relu, neg), ()), "node 'z' (relu): %y is used before it is defined"),
        (Graph("g", (), (neg,), ()), "node 'y' (neg): %x is used before it is defined"),
        (Graph("g", (x, x), (), ()), "graph input: %x is defined twice"),
        (Graph("g", (x,), (neg, neg), ()), "node 'y' (neg): %y is defined twice"),
        (Graph("g", (x,), (neg, Node(Relu(x), (other,))), ()), "%y is defined twice"),
        (Graph("g", (x,), (), (Output("o", y),)), "output 'o' shows a value that nothing defines"),
        (Graph("g", (x,), (neg,), (Output("o", x), Output("o", y))), "have the same name"),
        (Graph("g", (x,), (Node(Neg(x), (y, other)),), ()), "expected 1 results, got 2"),
    ]:
        with pytest.raises(VerifyError, match=re.escape(message)):
            verify(graph)


def test_regions() -> None:
    x, y, z = (Value(n, ROW) for n in "xyz")
    neg, relu = Node(Neg(x), (y,)), Node(Relu(y), (z,))
    for region, message in [
        (Region((x,), (neg, relu), (z,)), None),
        (Region((), (neg,), (y,)), "fused takes 0 operands, got 1"),
        (Region((y,), (relu,), (z,)), None),
        (Region((x,), (relu,), (z,)), "%y is used before it is defined"),
        (Region((x,), (neg,), (z,)), "yields %z, which nothing defines"),
        (Region((x,), (), (x,)), "a fused region holds one anchor"),
        (Region((Value("p", TensorType((2,))),), (neg,), (y,)), "does not match parameter"),
    ]:
        results = tuple(Value(f"{v.name}.out", v.type) for v in region.results)
        graph = parse("graph @g packed { }").replace(
            inputs=(x,), nodes=(Node(Fused((x,), region), results),)
        )
        if message is None:
            verify(graph)
        else:
            with pytest.raises(VerifyError, match=re.escape(message)):
                verify(graph)


BITS = "bits<1;-1,1>"


@pytest.mark.parametrize(
    ("stage", "body", "message"),
    [
        ("imported", f"input %x: {BITS}[N,2]", "holds bits in an imported graph"),
        ("binarized", f"input %x: {BITS}[N,2]", None),
        ("packed", f"input %x: {BITS}[N,2]@words", "must be row-major"),
        (
            "imported",
            f"input %x: f32[N,2] %y = binarize(%x) zero=1 : {BITS}[N,2]",
            "node 'y' (binarize): does not belong into an imported graph",
        ),
        (
            "imported",
            "input %x: f32[N,2,1] %y = relayout(%x) layout=nhwc : f32[N,2,1]@nhwc",
            "does not belong into an imported graph",
        ),
        (
            "binarized",
            "input %x: f32[N,2,1] %y = neg(%x) : f32[N,2,1]@nhwc",
            "layouts are decided by pack-bits",
        ),
        ("packed", "input %x: f32[N,2,1] %y = neg(%x) : f32[N,2,1]@nhwc", None),
        (
            "packed",
            (
                "input %x: f32[N,2] input %p: f32[2] "
                "%y = batch_norm(%x, %p, %p, %p, %p) epsilon=0.0 : f32[N,2]"
            ),
            "must be gone in a packed graph",
        ),
        (
            "packed",
            f"input %x: f32[N,2] %y = binarize(%x) zero=1 : {BITS}[N,2]",
            "must be packed exactly when it holds bits",
        ),
        (
            "packed",
            "input %x: f32[N,2] %y = neg(%x) : f32[N,2]@words",
            "must be packed exactly when it holds bits",
        ),
        ("packed", f"%w = const() data=[1] element={BITS} : {BITS}[1]", None),
        (
            "scheduled",
            "input %x: f32[N,2] %y = neg(%x) : f32[N,2]",
            "elementwise operators run in fused regions",
        ),
        (
            "scheduled",
            (
                'input %x: f32[N,2] %y = fused([%x]) kernel="" { (%x: f32[N,2]) '
                "%y = neg(%x) : f32[N,2] yield %y } : f32[N,2]"
            ),
            None,
        ),
    ],
)
def test_stages(stage: str, body: str, message: str | None) -> None:
    graph = parse(f"graph @g {stage} {{ {body} }}")
    if message is None:
        verify(graph)
    else:
        with pytest.raises(VerifyError, match=re.escape(message)):
            verify(graph)


X = "input %x: f32[N,4,5,6]"
CONV = f"{X} input %w: f32[6,2,2,3] %y = conv(%x, %w, none)"
POOL = f"{X} %y = max_pool(%x)"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"{X} %y = neg(%x) : f32[N,4]", "node 'y' (neg): expected f32[N,4,5,6], got %y: f32[N,4]"),
        (f"{X} input %z: f32[3] %y = add(%x, %z) : f32[N]", "do not broadcast: [N,4,5,6] and [3]"),
        (f"{X} input %z: f32[2,1,1,1] %y = add(%x, %z) : f32[N]", "do not broadcast"),
        (f"{X} input %z: f64[6] %y = add(%x, %z) : f32[N]", "add() mixes f32 and f64"),
        ("input %x: bool[N] %y = add(%x, %x) : bool[N]", "add() needs numbers"),
        ("input %x: bool[N] %y = div(%x, %x) : bool[N]", "div() needs numbers"),
        (f"{X} %y = and(%x, %x) : f32[N,4,5,6]", "and() needs bool or integers"),
        ("input %x: i32[N] %y = exp(%x) : i32[N]", "exp() needs a float operand"),
        (f"{X} %y = sign(%x) zero=2 : f32[N,4,5,6]", "sign at zero is -1, 0 or 1, got 2"),
        (f"{X} %y = clip(%x) low=nan high=1.0 : f32[N,4,5,6]", "clip bounds must be numbers"),
        (f"{X} %y = cast(%x) to={BITS} : {BITS}[N,4,5,6]", "use binarize"),
        (f"{X} %y = not(%x) : f32[N,4,5,6]", "not needs bool"),
        (f"{X} %y = where(%x, %x, %x) : f32[N]", "where needs bool and two equal types"),
        (
            f"{CONV} strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=3 : f32[N]",
            "expected 6 input channels, got 4",
        ),
        (f"{CONV} strides=[1] pads=[0,0,0,0] dilations=[1,1] groups=2 : f32[N]", "does not fit 4"),
        (
            f"{CONV} strides=[0,1] pads=[0,0,0,0] dilations=[1,1] groups=2 : f32[N]",
            "sizes below one",
        ),
        (
            f"{CONV} strides=[1,1] pads=[0,-1,0,0] dilations=[1,1] groups=2 : f32[N]",
            "negative pads",
        ),
        (
            f"{CONV} strides=[1,1] pads=[0,0,0,0] dilations=[5,1] groups=2 : f32[N]",
            "window of 6 exceeds input 5 + pads",
        ),
        (
            (
                f"{X} input %w: f32[N,4,1,1] %y = conv(%x, %w, none) strides=[1,1] pads=[0,0,0,0] "
                "dilations=[1,1] groups=1 : f32[N]"
            ),
            "cannot have a symbolic dimension",
        ),
        (
            (
                f"{X} input %w: f32[6,4,1,1] input %b: f32[4] %y = conv(%x, %w, %b) strides=[1,1] "
                "pads=[0,0,0,0] dilations=[1,1] groups=1 : f32[N]"
            ),
            "does not fit 6 channels",
        ),
        (
            f"{POOL} kernel=[2,2] strides=[1,1] pads=[2,0,0,0] dilations=[1,1] : f32[N]",
            "leave windows of max_pool empty",
        ),
        (
            (
                "input %x: bool[N,1,4] %y = max_pool(%x) kernel=[2] strides=[1] pads=[0,0] "
                "dilations=[1] : bool[N,1,3]"
            ),
            "max_pool cannot compare bool",
        ),
        ("input %x: f32[N,3] input %w: f32[2,4] %y = gemm(%x, %w, none) : f32[N,2]", "do not fit"),
        (f"{X} input %w: f32[5,2] %y = mat_mul(%x, %w) : f32[N]", "do not fit"),
        (f"{X} input %p: f32[5] %y = batch_norm(%x, %p, %p, %p, %p) : f32[N]", "does not fit"),
        (f"{X} %y = reduce_mean(%x) axes=[2,1] : f32[N]", "axes (2, 1) do not fit"),
        (f"{X} %y = reduce_mean(%x) axes=[0] : f32[N]", "over the symbolic batch"),
        (f"{X} %y = softmax(%x) axis=0 : f32[N]", "softmax axis 0 does not fit"),
        (f"{X} %y = reshape(%x) shape=[N,119] : f32[N,119]", "cannot reshape"),
        (f"{X} %y = reshape(%x) shape=[120] : f32[120]", "cannot reshape"),
        (f"{X} %y = transpose(%x) perm=[0,1,1,2] : f32[N]", "permutation (0, 1, 1, 2)"),
        (f"{X} %y = transpose(%x) perm=[1,0,2,3] : f32[4,5]", "only the first dimension"),
        ("%y = concat([]) axis=0 : f32[N]", "concat of nothing"),
        (
            "input %x: f32[4] input %z: f32[4,3] %y = concat([%z, %x]) axis=1 : f32[4]",
            "cannot conc",
        ),
        (f"{X} %y = concat([%x, %x]) axis=0 : f32[2N,4,5,6]", "cannot concatenate"),
        ("input %x: f32[4] %y = slice(%x) starts=[1] steps=[0] sizes=[2] : f32[2]", "is outside"),
        ("input %x: f32[4] %y = slice(%x) starts=[1] steps=[2] sizes=[3] : f32[3]", "is outside"),
        ("input %x: f32[N] %y = slice(%x) starts=[1] steps=[1] sizes=[3] : f32[N]", "cannot be sl"),
        ("input %x: f32[N] %y = pad(%x) before=[1] after=[0] : f32[N]", "do not fit"),
        (
            "input %x: i8[4] %y = pad(%x) before=[1] after=[0] value=300.0 : i8[5]",
            "i8 cannot be pad",
        ),
        ("input %x: u8[4] %y = pad(%x) before=[1] after=[0] value=nan : u8[5]", "u8 cannot be pad"),
        (f"{X} input %i: f32[2] %y = gather(%x, %i) axis=1 : f32[N]", "needs integer indices"),
        ("%c = const() data=[2] element=ternary : ternary[1]", "more than -1, 0 and 1"),
        (f"%c = const() data=[2] element={BITS} : {BITS}[1]", "code 2 is outside"),
        ("%c = const() data=[2] element=f64 : f32[1]", "constant of f64 stores float32"),
    ],
)
def test_operators_refuse(body: str, message: str) -> None:
    with pytest.raises(VerifyError, match=re.escape(message.replace("()", ""))):
        verify(parse(f"graph @g imported {{ {body} }}"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"input %x: {BITS}[N,3] %y = neg(%x) : {BITS}[N,3]", "neg cannot read"),
        ("input %x: f32[N,3] %y = decode(%x) : f32[N,3]", "decode needs packed elements"),
        (f"input %x: f64[N,3] %y = binarize(%x) zero=1 : {BITS}[N,3]", "binarize needs f32"),
        (f"input %x: f32[N,3] %y = binarize(%x) zero=2 : {BITS}[N,3]", "zero in -1, 0, 1"),
        (
            "input %x: ternary[N,3] input %w: ternary[2,3] %y = binary_gemm(%x, %w) : i32[N,2]",
            "binary_gemm cannot multiply",
        ),
        (
            (
                f"input %x: i32[N,3] input %t: i32[2] input %f: bool[2] "
                f"%y = threshold(%x, %t, %f) : {BITS}[N,3]"
            ),
            "threshold parameter",
        ),
        (
            (
                f"input %x: f32[N,3] input %t: i32[3] input %f: bool[3] "
                f"%y = threshold(%x, %t, %f) : {BITS}[N,3]"
            ),
            "threshold needs i32",
        ),
        (
            (
                f"input %x: i32[N,3] input %t: i32[3] input %f: i32[3] "
                f"%y = threshold(%x, %t, %f) : {BITS}[N,3]"
            ),
            "threshold needs i32 operands and bool flips",
        ),
        (f"input %x: {BITS}[N] %y = pad(%x) before=[0] after=[0] : {BITS}[N]", "padded with 0"),
        ("input %x: ternary[3] %y = pad(%x) before=[1] after=[0] value=0.5 : ternary[4]", "padded"),
    ],
)
def test_bit_operators_refuse(body: str, message: str) -> None:
    with pytest.raises(VerifyError, match=re.escape(message)):
        verify(parse(f"graph @g binarized {{ {body} }}"))


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ("parents=[-1,0,1,2] distances=[9,1,2,0]", None),
        ("parents=[3,0,-1,2] distances=[1,1,9,0]", None),
        ("parents=[-1,0,1,2]", "needs a parent for each"),
        ("parents=[-1,0,1] distances=[9,1,2]", "needs a parent for each"),
        ("parents=[-1,0,2,2] distances=[9,1,2,0]", "are no forest"),
        ("parents=[1,2,0,-1] distances=[9,1,2,0]", "are no forest"),
        ("parents=[-1,0,4,2] distances=[9,1,2,0]", "are no forest"),
        ("parents=[-1,0,-2,2] distances=[9,1,2,0]", "are no forest"),
        ("parents=[-1,0,1,2] distances=[9,1,-2,0]", "are counts"),
        ("codewords=-1", "are counts"),
    ],
)
def test_annotations_of_binary_convolutions(notes: str, message: str | None) -> None:
    graph = parse(f"""graph @t binarized {{
      input %x: {BITS}[N,3,9]
      %w = const() data=random(1) element={BITS} : {BITS}[4,3,1]
      %n = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 {notes}
        : i32[N,4,9]
    }}""")
    if message is None:
        verify(graph)
    else:
        with pytest.raises(VerifyError, match=message):
            verify(graph)


def test_parents_lie_in_the_block_of_their_channel() -> None:
    distances = (0,) * (BLOCK + 1)
    text = f"""graph @t binarized {{
      input %x: {BITS}[N,3,9]
      %w = const() data=random(1) element={BITS} : {BITS}[{BLOCK + 1},3,1]
      %n = binary_conv(%x, %w) strides=[1] pads=[0,0] dilations=[1] groups=1
        parents=PARENTS distances={list(distances)} : i32[N,{BLOCK + 1},9]
    }}"""
    verify(parse(text.replace("PARENTS", str([-1, *range(BLOCK - 1), -1]))))
    with pytest.raises(VerifyError, match="are no forest"):
        verify(parse(text.replace("PARENTS", str([-1, *range(BLOCK)]))))


def test_what_a_node_says_of_itself_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many passes keep it; where it stands is looked at each time."""
    x = Value("x", TensorType((2,)))
    node = Node(Relu(x), (Value("y", x.type),))
    asked: list[Op] = []
    infer = Relu.infer
    monkeypatch.setattr(Relu, "infer", lambda self: asked.append(self) or infer(self))
    graph = Graph("g", (x,), (node,), (Output("y", node.result),))
    verify(graph)
    verify(graph.replace(name="h"))
    assert len(asked) == 1
    with pytest.raises(VerifyError, match="is used before it is defined"):
        verify(graph.replace(inputs=()))
