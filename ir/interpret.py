"""The reference interpreter: the definition of what a graph computes, at any stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import InputError
from .core import Graph, Node, Value
from .types import Array, Batch

Observer = Callable[[Value, Array], Array]
"""Sees each value as it is computed and returns what later nodes shall read."""


def interpret(
    graph: Graph, inputs: Mapping[str, Any], observe: Observer | None = None
) -> dict[str, Array]:
    """Run a graph on logical arrays (ONNX axis order whatever the layout says).

    Packed elements are their codes. Raises InputError when an input does not fit.
    """
    batch = batch_of(graph, inputs)
    env: dict[Value, Array] = {}
    for value in graph.inputs:
        array = np.asarray(inputs[value.name])
        expected = value.type.concrete(batch)
        if array.shape != expected or array.dtype != value.element.dtype:
            raise InputError(
                f"input '{value.name}': expected {value.element.dtype}{list(expected)}, "
                f"got {array.dtype}{list(array.shape)}"
            )
        env[value] = observe(value, array) if observe else array
    remaining = _use_counts(graph)
    for node in graph.nodes:
        for value, array in zip(node.results, evaluate(node, env, batch), strict=True):
            env[value] = observe(value, array) if observe else array
        for value in dict.fromkeys(node.op.operands):
            remaining[value] -= 1
            if not remaining[value]:
                del env[value]
    return {output.name: env[output.value] for output in graph.outputs}


def evaluate(node: Node, env: Mapping[Value, Array], batch: int) -> tuple[Array, ...]:
    """The results of one node from its operands in ``env``; IEEE arithmetic goes on silently."""
    with np.errstate(all="ignore"):
        out = node.op.reference([env[value] for value in node.op.operands], batch)
    results = out if isinstance(out, tuple) else (out,)
    return tuple(np.asarray(array) for array in results)


def batch_of(graph: Graph, inputs: Mapping[str, Any]) -> int:
    """N, read off the inputs with a symbolic first dimension (1 when there is none)."""
    missing = [v.name for v in graph.inputs if v.name not in inputs]
    if missing:
        raise InputError(f"missing inputs: {', '.join(missing)}")
    for value in graph.inputs:
        first = value.shape[0] if value.shape else 1
        shape = np.shape(inputs[value.name])
        if isinstance(first, Batch) and shape:
            return shape[0] // first.factor
    return 1


def _use_counts(graph: Graph) -> dict[Value, int]:
    counts = {value: len(nodes) for value, nodes in graph.users.items()}
    for output in graph.outputs:
        counts[output.value] = counts.get(output.value, 0) + 1
    return counts
