"""Parts of the compiler as the manifest names them: targets, tensors in memory, windows."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Graph, Op, TensorType
from ..ir.ops import Conv
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


@dataclass(frozen=True)
class Geometry:
    """How a convolution's window moves; products have a 0-dimensional window."""

    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    groups: int = 1

    @classmethod
    def of(cls, op: Op) -> Geometry:
        """That of an operator."""
        if not isinstance(op, Conv):
            return cls()
        return cls(op.window.kernel, op.strides, op.pads, op.dilations, op.groups)

    @property
    def text(self) -> str:
        """``3x3, stride 2, pads 0 0 1 1, 4 groups``; empty for products."""
        if not self.kernel:
            return ""
        parts = ["x".join(map(str, self.kernel)), f"stride {_sizes(self.strides)}"]
        parts.append(f"pads {_sizes(self.pads)}")
        if set(self.dilations) != {1}:
            parts.append(f"dilation {_sizes(self.dilations)}")
        if self.groups > 1:
            parts.append(f"{self.groups} groups")
        return ", ".join(parts)


def _sizes(sizes: tuple[int, ...]) -> str:
    """One number when all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else " ".join(map(str, sizes))
