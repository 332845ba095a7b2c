"""What the passes and the driver need to know of a backend, and nothing more.

A backend describes its kernels (`KernelDescriptor`); the scheduler names one for each fused
region; `Backend.lower` then turns the scheduled graph into code for one target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ..ir import Graph, Op
from ..ir.ops import Fused
from .targets import Target

EmitKind = Literal["obj", "asm", "llvm"]


@dataclass(frozen=True)
class KernelDescriptor:
    """One way to compute a kind of operator.

    ``operator`` is the operator that the kernel computes: a fused region's anchor, `Fused` itself
    for regions without anchor, or an operator that stands alone. ``refuses`` returns why this
    kernel cannot compute an operator on a target, or None when it can. ``cycles`` estimates the
    cycles of one call at N = 1.
    """

    name: str
    operator: type[Op]
    refuses: Callable[[Op, Target], str | None]
    cycles: Callable[[Op, Target], float]


class Lowered(Protocol):
    """A scheduled graph turned into code, not yet written."""

    @property
    def constant_bytes(self) -> int:
        """Bytes of constants in the code."""
        ...

    def emit(self, kind: EmitKind, prefix: str, manifest: bytes) -> bytes:
        """A relocatable object, assembly or LLVM IR exporting the C ABI under ``prefix``.

        ``manifest`` goes into section ``.bnnc.manifest`` and behind ``<prefix>_describe``.
        """
        ...


class Backend(Protocol):
    """A code generator."""

    @property
    def name(self) -> str:
        """What ``--backend`` calls it."""
        ...

    @property
    def kernels(self) -> tuple[KernelDescriptor, ...]:
        """All kernels, best first among equals."""
        ...

    def lower(self, graph: Graph, target: Target) -> Lowered:
        """Code for a scheduled graph; raises LoweringError that names every node at fault."""
        ...


def kernels_for(op: Op, kernels: tuple[KernelDescriptor, ...]) -> tuple[KernelDescriptor, ...]:
    """The descriptors that speak of this operator."""
    kind: type[Op] = type(op)
    if isinstance(op, Fused) and op.anchor is not None:
        kind = type(op.anchor.op)
    return tuple(k for k in kernels if k.operator is kind)
