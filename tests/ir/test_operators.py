"""What every operator owes: an example, inference, verification, a reference and a text form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ir_support import random_inputs
from operator_examples import EXAMPLES

from bnnc.errors import VerifyError
from bnnc.ir import (
    Graph,
    Node,
    Op,
    Output,
    TensorType,
    Value,
    interpret,
    parse,
    print_graph,
    verify,
)
from bnnc.ir.ops import Const, Relayout

OPERATORS = sorted(Op.REGISTRY)


def graph_of(name: str) -> tuple[Graph, Node]:
    """The example of an operator and the node that shows it."""
    graph = parse(EXAMPLES[name], file=name)
    (node,) = [n for n in graph.nodes if n.op.mnemonic() == name]
    return graph, node


def test_every_operator_has_an_example() -> None:
    assert sorted(EXAMPLES) == OPERATORS


@pytest.mark.parametrize("name", OPERATORS)
def test_infer_and_verify(name: str) -> None:
    graph, node = graph_of(name)
    verify(graph)
    inferred = node.op.infer()
    assert [t.with_layout(v.type.layout) for t, v in zip(inferred, node.results, strict=True)] == [
        v.type for v in node.results
    ]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("batch", [1, 3])
def test_reference_has_the_inferred_type(name: str, batch: int) -> None:
    graph, node = graph_of(name)
    seen: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    def observe(value: Value, array: np.ndarray) -> np.ndarray:
        seen[value.name] = (array.shape, array.dtype)
        return array

    interpret(graph, random_inputs(graph, batch), observe)
    for value in node.results:
        assert seen[value.name] == (value.type.concrete(batch), value.element.dtype)


@pytest.mark.parametrize("name", OPERATORS)
def test_reference_does_not_write_its_operands(name: str) -> None:
    graph, _ = graph_of(name)
    inputs = random_inputs(graph)
    for array in inputs.values():
        array.setflags(write=False)
    first, second = interpret(graph, inputs), interpret(graph, inputs)
    np.testing.assert_array_equal(first["y"], second["y"])


@pytest.mark.parametrize("name", OPERATORS)
def test_text_round_trip(name: str) -> None:
    graph, _ = graph_of(name)
    text = print_graph(graph)
    assert print_graph(parse(text)) == text


@pytest.mark.parametrize("name", OPERATORS)
def test_a_wrong_result_type_is_refused(name: str) -> None:
    graph, node = graph_of(name)
    wrong = replace(node.results[0], type=TensorType((7, 7, 7), node.results[0].element))
    nodes = tuple(Node(n.op, (wrong, *n.results[1:])) if n is node else n for n in graph.nodes)
    with pytest.raises(VerifyError, match="expected"):
        verify(
            graph.replace(
                nodes=nodes[: nodes.index(next(n for n in nodes if n.op is node.op)) + 1],
                outputs=(),
            )
        )


@pytest.mark.parametrize("name", [n for n in OPERATORS if n not in ("const", "relayout", "cast")])
def test_operands_of_another_element_are_refused_or_computed(name: str) -> None:
    """Bits where numbers are wanted, bool where floats are: refused by name, or the reference
    computes what was inferred (moves take every element)."""
    graph, node = graph_of(name)
    for element in ("bool", "f64", "i32", "bits<1;-1,1>", "ternary"):
        type_ = parse(f"graph @t imported {{ input %x: {element}[1] }}").inputs[0].element
        new = {v: replace(v, type=replace(v.type, element=type_)) for v in graph.inputs}
        op = node.op.map_operands(lambda v, new=new: new.get(v, v))
        try:
            types = op.infer()
            op.verify()
        except VerifyError:
            continue
        results = tuple(replace(v, type=t) for v, t in zip(node.results, types, strict=True))
        used = [n for n in graph.nodes if isinstance(n.op, Const)]
        if any(v not in new and not any(v in n.results for n in used) for v in op.operands):
            continue
        candidate = Graph(
            "other",
            tuple(new.values()),
            (*used, Node(op, results)),
            (Output("y", results[0]),),
            graph.stage,
        )
        out = interpret(candidate, random_inputs(candidate))["y"]
        assert out.dtype == results[0].element.dtype
        assert out.shape == results[0].type.concrete(2)


def test_relayout_is_checked_against_its_attribute() -> None:
    graph, node = graph_of("relayout")
    assert isinstance(node.op, Relayout)
    text = print_graph(graph).replace("layout=nhwc", "layout=row")
    with pytest.raises(VerifyError, match="expected"):
        verify(parse(text))
