"""Operators have the same text exactly where their code may be the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnc.ir import F64, Batch, Layout, Node, Op, Slot, TensorType, Value, parse
from bnnc.ir.core import Region
from bnnc.ir.ops import Add, BinaryConv, Clip, Const, Fused, Relu
from bnnc.ir.structure import structure, without_annotations

TYPE = TensorType((Batch(1), 4, 2))


def value(name: str = "x", type_: TensorType = TYPE, slot: Slot | None = None) -> Value:
    return Value(name, type_, (name,), slot)


def fused(name: str, type_: TensorType = TYPE, low: float = 0.0) -> Fused:
    x = value(name, type_)
    first, second = value(f"{name}.1", type_), value(f"{name}.2", type_)
    nodes = (Node(Clip(x, low, 1.0), (first,)), Node(Add(first, x), (second,)))
    return Fused((x,), Region((x,), nodes, (second,)))


def test_names_and_places_do_not_count() -> None:
    assert structure(fused("a")) == structure(fused("b"))
    near, far = (value("x", slot=Slot("batch", at)) for at in (0, 64))
    assert structure(Relu(near)) == structure(Relu(far))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Clip(value(), 0.0, 1.0), Clip(value(), -0.0, 1.0)),
        (fused("x"), fused("x", replace(TYPE, element=F64))),
        (fused("x"), fused("x", TYPE.with_layout(Layout.CHANNELS_LAST))),
        (fused("x"), fused("x", TensorType((Batch(2), 4, 2)))),
        (fused("x"), fused("x", low=-1.0)),
        (fused("x"), replace(fused("x"), kernel="k")),
        (Relu(value()), Relu(value(slot=Slot("batch", 0, 0, 8)))),
        (Const.of(np.zeros(2, np.float32)), Const.of(np.array([0.0, -0.0], np.float32))),
    ],
)
def test_what_decides_the_code_counts(first: Op, second: Op) -> None:
    assert structure(first) != structure(second)


def test_an_operand_that_is_read_twice_is_told_from_two() -> None:
    x, y = value("x"), value("y")
    assert structure(Add(x, x)) != structure(Add(x, y))


def test_results_count_where_they_are_given() -> None:
    op = Relu(value())
    assert structure(op, [value("y")]) != structure(op, [value("y", slot=Slot("batch", 0, 4, 8))])


CONV = """
graph @g packed {
  input %x: f32[N,2,3]
  %w = const() data=random(1) element=bits<1;-1,1> : bits<1;-1,1>[2,2,1]
  %s = binarize(%x) zero=1 : bits<1;-1,1>[N,2,3]@words
  %y = fused([%s, %w]) kernel="" {
    (%s: bits<1;-1,1>[N,2,3]@words, %w: bits<1;-1,1>[2,2,1])
    %y = binary_conv(%s, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 NOTES : i32[N,2,3]@nhwc
    yield %y
  } : i32[N,2,3]@nhwc
  output %y as "y"
}
"""


def test_annotations_are_left_out_but_for_those_that_are_kept() -> None:
    plain, noted = (
        parse(CONV.replace("NOTES", notes)).nodes[-1].op
        for notes in ("", "parents=[-1,0] distances=[2,1] codewords=3")
    )
    assert structure(plain) != structure(noted)
    assert structure(without_annotations(noted)) == structure(plain)
    kept = without_annotations(noted, ("codewords",))
    assert isinstance(kept, Fused)
    conv = kept.body.nodes[0].op
    assert isinstance(conv, BinaryConv)
    assert (conv.parents, conv.distances, conv.codewords) == ((), (), 3)
