"""Every layer of a scheduled graph as a model of its own: operands in, results out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...backends.interface import Backend
from ...backends.single_layer_library import piece
from ...backends.targets import Target
from ...ir import Array, Batch, Graph, Node, Output, Slot, TensorType, Value
from ...ir.ops import Const
from ...ir.storage import from_storage, to_storage
from ...passes.memory_plan import is_view
from ...runtime import Model, load


@dataclass
class LayerModel:
    """A library that shows the result of every layer of a graph made by `take_apart` or
    `expose`."""

    model: Model
    inputs: dict[str, TensorType]
    outputs: dict[str, TensorType]

    @classmethod
    def build(cls, graph: Graph, backend: Backend, target: Target) -> LayerModel:
        """Compile a graph whose outputs are named after its values."""
        data = piece(graph, backend, target)
        inputs = {v.name: v.type for v in graph.inputs}
        return cls(load(data), inputs, {o.name: o.value.type for o in graph.outputs})

    def run(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Results of every layer on the given values (logical arrays by name)."""
        given = {name: to_storage(values[name], type_) for name, type_ in self.inputs.items()}
        batch = next(
            (
                values[name].shape[0] // type_.shape[0].factor
                for name, type_ in self.inputs.items()
                if type_.shape and isinstance(type_.shape[0], Batch)
            ),
            1,
        )
        results = self.model.run(given)
        return {
            name: from_storage(np.asarray(results[name]), type_, batch)
            for name, type_ in self.outputs.items()
        }


def take_apart(graph: Graph) -> Graph:
    """A graph in which every operand that is not a constant is an input of its own. It has no
    outputs where nothing is computed: the graph has views and constants alone."""
    inputs: dict[Value, Value] = {}
    nodes: list[Node] = []
    outputs: list[Output] = []

    def outside(value: Value) -> Value:
        if value in constants:
            return value
        if value not in inputs:
            slot = Slot("input", len(inputs))
            inputs[value] = replace(value, slot=slot)
        return inputs[value]

    constants = {n.result for n in graph.nodes if isinstance(n.op, Const)}
    for node in graph.nodes:
        if isinstance(node.op, Const):
            nodes.append(node)
        elif not is_view(node):
            results: list[Value] = []
            for value in node.results:
                slot = Slot("output", len(outputs))
                output = replace(value, name=f"{value.name}.out", slot=slot)
                outputs.append(Output(value.name, output))
                results.append(output)
            nodes.append(Node(node.op.map_operands(outside), tuple(results)))
    return Graph("layers", tuple(inputs.values()), tuple(nodes), tuple(outputs), graph.stage)


def expose(graph: Graph) -> Graph:
    """The same chain of layers with every result in an output of its own, where the next layer
    reads it; a view has the memory of its operand."""
    new: dict[Value, Value] = {
        value: replace(value, slot=Slot("input", i)) for i, value in enumerate(graph.inputs)
    }
    nodes: list[Node] = []
    outputs: list[Output] = []
    for node in graph.nodes:
        op = node.op.map_operands(lambda value: new.get(value, value))
        results: list[Value] = []
        for value in node.results:
            if is_view(node):
                placed = replace(value, slot=op.operands[0].slot)
            elif isinstance(op, Const):
                placed = value
            else:
                placed = replace(value, slot=Slot("output", len(outputs)))
                outputs.append(Output(value.name, placed))
            results.append(placed)
        new.update(zip(node.results, results, strict=True))
        nodes.append(Node(op, tuple(results)))
    return Graph(
        "layers", tuple(new[v] for v in graph.inputs), tuple(nodes), tuple(outputs), graph.stage
    )
