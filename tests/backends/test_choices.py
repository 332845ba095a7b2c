"""A kernel choice is a name and parameters, as text; a backend takes only its own candidates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import Choice, KernelDescriptor
from bnnc.backends.llvm import LlvmBackend
from bnnc.backends.targets import resolve
from bnnc.errors import LoweringError
from bnnc.ir import Graph, Node, parse
from bnnc.ir.ops import Fused, Relu

GRAPH = """
graph @g scheduled {
  input %x: f32[N,4] in input+0
  %y = fused([%x]) kernel="KERNEL" {
    (%x: f32[N,4])
    %y = relu(%x) : f32[N,4]
    yield %y
  } : f32[N,4] in output+0
  output %y as "y"
}
"""


def scheduled(kernel: str) -> Graph:
    return parse(GRAPH.replace("KERNEL", kernel))


@pytest.mark.parametrize("text", ["conv", "conv pixels=3", "binary_conv pixels=6 vectors=2"])
def test_text_and_back(text: str) -> None:
    assert str(Choice.parse(text)) == text


def test_parameters_have_one_order() -> None:
    choice = Choice.of("conv", {"vectors": 2, "pixels": 6})
    assert choice == Choice.parse("conv vectors=2 pixels=6")
    assert str(choice) == "conv pixels=6 vectors=2"
    assert (choice.get("pixels", 1), choice.get("rows", 7)) == (6, 7)


@pytest.mark.parametrize(
    "text", ["", " a", "a ", "a b", "a b=", "a b=-1", "a b=1,c=2", "a b=1 b=2", "a B=1", "a  b=1"]
)
def test_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(LoweringError, match=r"expected a name, or 'name key=number \.\.'"):
        Choice.parse(text)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ("pointwise pixels=3", "'pointwise pixels=3' is none of its candidates"),
        ("nothing", "no kernel 'nothing'"),
        ("conv", "no kernel 'conv'"),
        ("pointwise pixels", "expected a name, or 'name key=number ..'"),
    ],
)
def test_the_backend_refuses_a_choice_that_it_does_not_have(kernel: str, message: str) -> None:
    with pytest.raises(LoweringError) as caught:
        LlvmBackend().lower(scheduled(kernel), resolve("x86-64-v3"))
    assert str(caught.value).startswith("node 'y' (relu): ")
    assert message in str(caught.value)


@pytest.mark.parametrize("kernel", ["", "pointwise"])
def test_the_backend_takes_its_own(kernel: str) -> None:
    LlvmBackend().lower(scheduled(kernel), resolve("x86-64-v3"))


def test_candidates_are_those_of_kernels_that_take_the_operator() -> None:
    def kernel(name: str, refusal: str | None) -> KernelDescriptor:
        def tiles(*_: object) -> tuple[dict[str, int], ...]:
            return ({"tile": 2}, {"tile": 1})

        return KernelDescriptor(name, Fused, lambda *_: refusal, lambda *_: 1.0, tiles)

    node: Node = scheduled("").nodes[0]
    known = (kernel("a", None), kernel("b", "no"), replace(kernel("c", None), operator=Relu))
    target = resolve("x86-64-v3")
    costs = PredictedCost(target, known)
    assert [str(choice) for choice in costs.choices(node.op)] == ["a tile=2", "a tile=1"]
    assert costs.refusals(node.op) == ("no",)
    assert known[0].refuses_choice(node.op, target, Choice.parse("a tile=1")) is None
    assert known[0].refuses_choice(node.op, target, Choice("a")) is None
    refusal = known[0].refuses_choice(node.op, target, Choice.parse("a tile=3"))
    assert refusal == "'a tile=3' is none of its candidates"
    assert known[1].refuses_choice(node.op, target, Choice("b")) == "no"


CONV = """
graph @g packed {
  input %x: bits<1;-1,1>[BATCH,64,8,8]@LAYOUT
  %w = const() data=random(1) element=bits<1;-1,1> : bits<1;-1,1>[64,64,3,3]
  %n = fused([%x, %w]) kernel="" {
    (%x: bits<1;-1,1>[BATCH,64,8,8]@LAYOUT, %w: bits<1;-1,1>[64,64,3,3])
    %n = binary_conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1 : i32[BATCH,64,8,8]@nhwc
    yield %n
  } : i32[BATCH,64,8,8]@nhwc
}
"""  # noqa: E501


@pytest.mark.parametrize("layout", ["words", "planes"])
def test_a_fixed_batch_costs_as_many_times(layout: str) -> None:
    """By every kernel alike, or the wrong one would be chosen; 128 pixels fill every vector."""

    def cycles(batch: str) -> dict[str, float]:
        text = CONV.replace("BATCH", batch).replace("LAYOUT", layout)
        op = parse(text).nodes[-1].op
        costs = PredictedCost(resolve("x86-64-v3"), LlvmBackend().kernels)
        return {str(choice): costs.cost(op, choice) for choice in costs.choices(op)}

    one, many, open_ = cycles("8"), cycles("64"), cycles("8N")
    assert one
    assert many == pytest.approx({key: 8 * value for key, value in one.items()})
    assert open_ == one
