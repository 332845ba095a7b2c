"""Regions grow as far as they can without a cycle, in time that grows with the graph."""

from __future__ import annotations

import random

import numpy as np
import pytest
from ir_support import assert_same, random_inputs

from bnnc.ir import Batch, Builder, Graph, Node, Output, Stage, TensorType, Value, interpret, verify
from bnnc.ir.ops import Add, Const, Fused, Gemm, Relu, Sigmoid, Softmax
from bnnc.passes import Context, fuse_epilogue
from bnnc.passes.fuse_epilogue import LARGEST, FuseEpilogue

TYPE = TensorType((Batch(1), 4))


def drawn(seed: int) -> Graph:
    """Elementwise operators, products and operators that no region takes, in any connection."""
    choose, builder = random.Random(seed), Builder(names={"x"})
    values = [Value("x", TYPE)]
    for _ in range(choose.randint(3, 25)):
        kind = choose.choice("rrraaaasg")
        a, b = (choose.choice(values[-choose.randint(1, len(values)) :]) for _ in range(2))
        if kind == "r":
            result = builder.add(Relu(a), "r")
        elif kind == "a":
            result = builder.add(Add(a, b), "a")
        elif kind == "s":
            result = builder.add(Softmax(a, 1), "s")
        else:
            weights = builder.add(Const.of(np.eye(4, dtype=np.float32)), "w")
            result = builder.add(Gemm(a, weights, None), "g")
        values.append(result)
    shown = dict.fromkeys([values[-1], choose.choice(values[1:])])
    outputs = tuple(Output(f"y{i}", value) for i, value in enumerate(shown))
    return Graph("g", (values[0],), tuple(builder.nodes), outputs, Stage.PACKED)


def reached(graph: Graph, unit: Node) -> set[Node]:
    """The units that are computed, by way of others too, from one."""
    below = {unit}
    for node in graph.nodes:
        if any(graph.producers.get(v) in below for v in node.op.operands):
            below.add(node)
    return below


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_regions_are_as_large_as_they_can_be(first: int) -> None:
    for seed in range(first, first + 100):
        graph = drawn(seed)
        fused = FuseEpilogue().run(graph, Context())
        verify(fused)
        inputs = random_inputs(graph)
        assert_same(interpret(graph, inputs), interpret(fused, inputs))
        assert not any(node.op.elementwise for node in fused.nodes)
        place = {node.result: i for i, node in enumerate(graph.nodes)}
        regions = [node for node in fused.nodes if isinstance(node.op, Fused)]
        for unit in regions:
            below = reached(fused, unit)
            for reader in regions:
                if opened(reader, place) <= opened(unit, place) or opened(reader, place)[0] == 0:
                    continue
                read = [fused.producers.get(v) for v in reader.op.operands]
                waits = any(node in below for node in read if node is not unit)
                assert unit not in read or waits, f"seed {seed}: {reader} could join {unit}"


def opened(region: Node, place: dict[Value, int]) -> tuple[int, int]:
    """When a region was opened: those with an anchor first, then in the order of the graph."""
    assert isinstance(region.op, Fused)
    return int(region.op.anchor is None), place[region.op.body.nodes[0].result]


@pytest.mark.parametrize(("operator", "longest"), [(Relu, LARGEST), (Sigmoid, LARGEST // 16)])
def test_long_chains_become_several_regions(operator: type[Relu | Sigmoid], longest: int) -> None:
    builder, values = Builder(names={"x"}), [Value("x", TYPE)]
    for _ in range(2 * longest + 10):
        values.append(builder.add(operator(values[-1]), "v"))
    shown = (Output("y", values[-1]),)
    graph = Graph("g", (values[0],), tuple(builder.nodes), shown, Stage.PACKED)
    fused = FuseEpilogue().run(graph, Context())
    verify(fused)
    regions = [node.op for node in fused.nodes]
    assert [len(op.body.nodes) for op in regions if isinstance(op, Fused)] == [longest, longest, 10]
    assert all(isinstance(op, Fused) for op in regions)
    inputs = random_inputs(graph)
    assert_same(interpret(graph, inputs), interpret(fused, inputs))


def visits(length: int) -> int:
    """How often the pass looks for what something reads, in a chain with skips."""
    builder, values = Builder(names={"x"}), [Value("x", TYPE)]
    for i in range(length):
        op = Add(values[-1], values[-8:][0]) if i % 3 == 2 else Relu(values[-1])
        op = Softmax(values[-1], 1) if i % 10 == 9 else op
        values.append(builder.add(op, "v"))
    shown = (Output("y", values[-1]),)
    graph = Graph("g", (values[0],), tuple(builder.nodes), shown, Stage.PACKED)
    count = 0
    original = fuse_epilogue._Units._above  # pyright: ignore[reportPrivateUsage]

    def counted(self: object, nodes: list[Node]) -> object:
        nonlocal count
        count += len(nodes)
        return original(self, nodes)  # pyright: ignore[reportArgumentType]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuse_epilogue._Units, "_above", counted)  # pyright: ignore[reportPrivateUsage]
        FuseEpilogue().run(graph, Context())
    return count


def test_work_grows_with_the_graph() -> None:
    assert visits(1600) < 4.5 * visits(400)
