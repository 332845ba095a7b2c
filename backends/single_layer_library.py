"""Parts of a schedule as libraries of their own, for tests and measurements.

A piece takes and returns tensors as they lie in memory: bits as their 64-bit words.
"""

from __future__ import annotations

from ..ir import Graph, TensorType
from ..ir.storage import batch_axis, storage_dtype, storage_shape
from ..runtime import artifact
from . import linking
from .interface import Backend
from .targets import Target

NAME = "piece"


def piece(graph: Graph, backend: Backend, target: Target) -> bytes:
    """The library of a scheduled graph with slots."""
    code = backend.lower(graph, target)
    manifest = artifact.Manifest(
        bnnc=NAME,
        name=NAME,
        prefix=NAME,
        target=target_entry(target),
        inputs=tuple(_tensor(v.name, v.type) for v in graph.inputs),
        outputs=tuple(_tensor(o.name, o.value.type) for o in graph.outputs),
        workspace=code.workspace,
        constants=code.constant_bytes,
        source=artifact.Source("0" * 64, 0, 0, NAME),
        linker="",
        kernels=tuple(
            artifact.Kernel(NAME, NAME, str(scheduled.choice), (), 0, 0, scheduled.steps)
            for scheduled in code.schedule
        ),
    )
    data = linking.link(code.emit("obj", NAME, artifact.section_bytes(manifest)), target, None)
    return artifact.seal(data)


def target_entry(target: Target) -> artifact.Target:
    """A target as the manifest names it."""
    return artifact.Target(
        target.name, target.triple, target.machine, target.cpu, target.host_features
    )


def _tensor(name: str, type_: TensorType) -> artifact.Tensor:
    shape: list[int | str] = [*storage_shape(type_, 1)]
    if type_.symbolic:
        shape[batch_axis(type_)] = str(type_.shape[0])
    return artifact.Tensor(name, storage_dtype(type_).name, tuple(shape))
