"""Parts of the compiler as the manifest names them: targets, and tensors as they lie in memory."""

from __future__ import annotations

from ..ir import Graph, TensorType
from ..ir.storage import batch_axis, storage_dtype, storage_shape
from ..runtime import artifact
from .targets import Target

Tensors = tuple[artifact.Tensor, ...]


def target_entry(target: Target) -> artifact.Target:
    """What code was compiled for, and what the host must have."""
    return artifact.Target(
        target.name, target.triple, target.machine, target.cpu, target.host_features
    )


def tensor_entries(graph: Graph) -> tuple[Tensors, Tensors]:
    """The inputs and the outputs of a graph."""
    return (
        tuple(tensor_entry(value.name, value.type) for value in graph.inputs),
        tuple(tensor_entry(output.name, output.value.type) for output in graph.outputs),
    )


def tensor_entry(name: str, type_: TensorType) -> artifact.Tensor:
    """An input or output: bits as their 64-bit words."""
    shape: list[int | str] = [*storage_shape(type_, 1)]
    if type_.symbolic:
        shape[batch_axis(type_)] = str(type_.shape[0])
    return artifact.Tensor(name, storage_dtype(type_).name, tuple(shape))
