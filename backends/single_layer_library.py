"""Parts of a schedule as libraries of their own, for tests and measurements.

A piece takes and returns tensors as they lie in memory: bits as their 64-bit words.
"""

from __future__ import annotations

from ..ir import Graph
from ..runtime import artifact
from . import linking
from .interface import Backend, Lowered
from .manifest_entries import target_entry, tensor_entries
from .targets import Target

NAME = "piece"


def piece(graph: Graph, backend: Backend, target: Target) -> bytes:
    """The library of a scheduled graph with slots."""
    code = backend.lower(graph, target)
    manifest = piece_manifest(graph, code, target, NAME)
    data = linking.link(code.emit("obj", NAME, artifact.section_bytes(manifest)), target, None)
    return artifact.seal(data)


def piece_manifest(graph: Graph, code: Lowered, target: Target, name: str) -> artifact.Manifest:
    """What the code of a part of a schedule says of itself, under one name."""
    inputs, outputs = tensor_entries(graph)
    return artifact.Manifest(
        bnnc=name,
        name=name,
        prefix=name,
        target=target_entry(target),
        inputs=inputs,
        outputs=outputs,
        workspace=code.workspace,
        constants=code.constant_bytes,
        source=artifact.Source("0" * 64, 0, 0, name),
        linker="",
        kernels=tuple(
            artifact.Kernel(name, name, str(scheduled.choice), (), 0, 0, scheduled.steps)
            for scheduled in code.schedule
        ),
    )
