"""A cost model's answer holds for all equal operators, and for no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from test_strategies import NET

from bnnc.backends.cost_model import CostModel, PredictedCost, Priced, constants_of
from bnnc.backends.interface import Choice, KernelDescriptor
from bnnc.backends.targets import TARGETS, Target
from bnnc.driver import load_backend
from bnnc.ir import Graph, Node, Op, Region, Slot, Value, parse
from bnnc.ir.ops import Const, Fused
from bnnc.ir.structure import structure
from bnnc.passes import Context, pipelines, run_passes

TARGET = TARGETS["x86-64-v3"]
LAYER = """graph @g packed {
  input %x: f32[N,8,9]@nhwc
  %w = const() data=random(1) element=f32 : f32[4,8,1]
  %y = fused([%x, %w]) kernel="" {
    (%x: f32[N,8,9]@nhwc, %w: f32[4,8,1])
    %n = conv(%x, %w, none) strides=[1] pads=[0,0] dilations=[1] groups=1 : f32[N,4,9]@nhwc
    %y = add(%n, %n) : f32[N,4,9]@nhwc
    yield %y
  } : f32[N,4,9]@nhwc
}"""


def layer(change: Callable[[str], str] = lambda text: text) -> Op:
    return parse(change(LAYER)).nodes[-1].op


def renamed(op: Op) -> Op:
    """The same operator over values of other names and origins."""
    values: dict[Value, Value] = {}

    def new(value: Value) -> Value:
        known = replace(value, name=f"{value.name}.other", origin=("elsewhere",))
        return values.setdefault(value, known)

    if isinstance(op, Fused):
        body = op.body
        nodes = tuple(
            Node(node.op.map_operands(new), tuple(map(new, node.results))) for node in body.nodes
        )
        region = Region(tuple(map(new, body.params)), nodes, tuple(map(new, body.results)))
        op = replace(op, body=region)
    return op.map_operands(new)


def test_names_are_not_looked_at() -> None:
    assert structure(renamed(layer())) == structure(layer())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("N,", "2N,"),
        ("f32", "f64"),
        ("4,", "5,"),
        ("@nhwc", ""),
        ("groups=1", "groups=2"),
        ("add(%n, %n)", "mul(%n, %n)"),
        ("add(%n, %n)", "relu(%n)"),
        ('kernel=""', 'kernel="conv"'),
    ],
)
def test_types_and_attributes_are(old: str, new: str) -> None:
    assert structure(layer(lambda text: text.replace(old, new))) != structure(layer())


def test_which_operand_is_read_is() -> None:
    def over(operands: str) -> Op:
        values = "%a = add(%x, %x) : f32[N,4]\n %b = add(%x, %x) : f32[N,4]"
        add = f"%y = sub({operands}) : f32[N,4]"
        return parse(f"graph @g imported {{ input %x: f32[N,4]\n {values}\n {add} }}").nodes[-1].op

    assert structure(over("%a, %b")) == structure(over("%b, %a"))
    assert structure(over("%a, %a")) != structure(over("%a, %b"))


def test_places_in_memory_are() -> None:
    op = layer()
    placed = op.map_operands(lambda v: replace(v, slot=Slot("batch", 0, 0, 16)))
    assert structure(placed) != structure(op)


class Counting(PredictedCost):
    """A way for all operators, and how often it was asked for its cost."""

    def __init__(self) -> None:
        kernel = KernelDescriptor("any", Fused, lambda *_: None, lambda *_: 7.0)
        super().__init__(TARGET, (replace(kernel, operator=type(anchor(layer()))),))
        self.asked = 0

    def cost(self, op: Op, choice: Choice, constants: object = None) -> float:
        self.asked += 1
        return super().cost(op, choice)


def anchor(op: Op) -> Op:
    leader = op.leader()
    assert leader is not None
    return leader.op


def test_equal_layers_are_asked_about_once() -> None:
    graph = parse(LAYER)
    op, constants, costs = graph.nodes[-1].op, constants_of(graph), Counting()
    for one in (op, renamed(op), layer()):
        assert costs.cheapest(one) == Priced(Choice("any"), 7.0)
    assert costs.asked == 1
    costs.cheapest(op, constants)
    assert costs.asked == 2, "a constant operand is another question"
    costs.cheapest(layer(lambda text: text.replace("f32[4,", "f32[5,").replace("N,4", "N,5")))
    assert costs.asked == 3


def scheduled(costs: CostModel) -> Graph:
    return run_passes(parse(NET), pipelines.default(), Context(costs))


@pytest.mark.parametrize("target", ["x86-64-v2", "icelake-server", "arm64"], ids=str)
def test_descriptors_look_at_nothing_else(backend: str, target: str) -> None:
    """What a kernel says of an operator, it says of any of the same structure."""
    machine: Target = TARGETS[target]
    costs = PredictedCost(machine, load_backend(backend).kernels)
    ops = [node.op for node in scheduled(costs).nodes if not isinstance(node.op, Const)]
    assert len(ops) >= 9
    for op in ops:
        other = renamed(op)
        choices = costs.choices(op)
        assert choices
        assert costs.choices(other) == choices
        assert [costs.cost(other, c) for c in choices] == [costs.cost(op, c) for c in choices]
