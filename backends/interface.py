"""What the passes and the driver need to know of a backend, and nothing more.

A backend describes its kernels (`KernelDescriptor`); the scheduler names one for each fused
region; `Backend.lower` then turns the scheduled graph into code for one target.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..errors import LoweringError
from ..ir import Array, Graph, Node, Op, Value
from ..ir.ops import Const, Fused
from ..runtime.manifest import Workspace
from ..runtime.weight_layouts import WeightLayout
from .targets import Target

EmitKind = Literal["obj", "asm", "llvm"]
Params = Mapping[str, int]
"""Tile sizes and the like of one way to run a kernel, by name."""


@dataclass(frozen=True)
class Choice:
    """A kernel by name and its parameters, written ``binary_conv pixels=6 vectors=2``.

    Without parameters the kernel takes its own defaults.
    """

    kernel: str
    params: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, kernel: str, params: Params) -> Choice:
        """A choice whose parameters come in any order."""
        return cls(kernel, tuple(sorted(params.items())))

    @classmethod
    def parse(cls, text: str) -> Choice:
        """The inverse of ``str``; raises LoweringError for anything else."""
        name, *parts = text.split(" ")
        fields = [re.fullmatch(r"([a-z_]+)=([0-9]{1,9})", part) for part in parts]
        params = {match[1]: int(match[2]) for match in fields if match}
        if len(params) != len(parts) or not name:
            raise LoweringError(f"kernel {text!r}: expected a name, or 'name key=number ..'")
        return cls.of(name, params)

    def __str__(self) -> str:
        return " ".join([self.kernel, *(f"{key}={value}" for key, value in self.params)])

    def get(self, key: str, default: int) -> int:
        """A parameter, or the kernel's default where the choice does not say."""
        return dict(self.params).get(key, default)


def _no_parameters(op: Op, target: Target) -> tuple[Params, ...]:
    """The candidates of a kernel without parameters."""
    return ({},)


def _no_extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """What a kernel adds that stores its operator's constants as they are."""
    return 0


def _no_annotations(choice: Choice) -> tuple[str, ...]:
    """What a kernel needs that knows only the types of its operands."""
    return ()


@dataclass(frozen=True)
class KernelDescriptor:
    """One way to compute a kind of operator.

    ``operator`` is the operator that the kernel computes: a fused region's anchor, `Fused` itself
    for regions without anchor, or an operator outside of any region. ``refuses`` returns why this
    kernel cannot compute an operator on a target, or None when it can. ``cycles`` estimates the
    cycles of one call at N = 1, with the parameters of a choice. ``candidates`` lists the
    parameters worth trying on an operator that the kernel takes, the likeliest first; all give the
    same result. ``knobs`` names parameters beyond those, whose values only the code itself knows.
    ``extra_bytes`` estimates the bytes of constants that a choice needs beyond the operator's
    constant operands, in which a binary weight takes one bit.
    ``annotations`` names the operator's annotations (`ir.core.ANNOTATION`) that the code of a
    choice depends on; its kernel sees no others.
    """

    name: str
    operator: type[Op]
    refuses: Callable[[Op, Target], str | None]
    cycles: Callable[[Op, Target, Choice], float]
    candidates: Callable[[Op, Target], tuple[Params, ...]] = _no_parameters
    knobs: tuple[str, ...] = ()
    extra_bytes: Callable[[Op, Target, Choice], int] = _no_extra_bytes
    annotations: Callable[[Choice], tuple[str, ...]] = _no_annotations

    def choices(self, op: Op, target: Target) -> tuple[Choice, ...]:
        """The candidates as choices."""
        return tuple(Choice.of(self.name, params) for params in self.candidates(op, target))

    def refuses_choice(self, op: Op, target: Target, choice: Choice) -> str | None:
        """Why the kernel cannot compute an operator this way, or None when it can."""
        refusal = self.refuses(op, target)
        if refusal is not None or not choice.params:
            return refusal
        turned = bool(self.knobs) and {name for name, _ in choice.params} <= {*self.knobs}
        if turned or choice in self.choices(op, target):
            return None
        return f"'{choice}' is none of its candidates"


@dataclass(frozen=True)
class StoredWeights:
    """Binary weights among the constants of the code.

    ``bits`` are 0/1, u8 [O, K]; ``data`` is what ``layout`` makes of them, or other bytes where
    there is no layout for what the kernel needs.
    """

    bits: Array
    data: bytes
    layout: WeightLayout | None


@dataclass(frozen=True)
class Scheduled:
    """A node of the code: how it is computed, how many steps (calls of ``parallel_for``), and the
    binary weights that it brings."""

    node: Node
    choice: Choice
    steps: int
    weights: tuple[StoredWeights, ...] = ()


class Lowered(Protocol):
    """A scheduled graph turned into code, not yet written."""

    @property
    def schedule(self) -> tuple[Scheduled, ...]:
        """The nodes that do work, in the order of their steps."""
        ...

    @property
    def constant_bytes(self) -> int:
        """Bytes of constants in the code."""
        ...

    @property
    def workspace(self) -> Workspace:
        """The memory that a call needs."""
        ...

    def emit(self, kind: EmitKind, prefix: str, manifest: bytes) -> bytes:
        """A relocatable object, assembly or LLVM IR exporting the C ABI under ``prefix``.

        ``manifest`` goes into section ``.bnnc.manifest``; ``<prefix>_describe`` returns it.
        """
        ...


@dataclass(frozen=True)
class SearchLimits:
    """Bounds of a search for one layer, on this machine or on the boards of a ``tracker``, an
    address that the backend with boards reads."""

    trials: int
    seconds: float
    tracker: str | None = None


class Searcher(Protocol):
    """Looks for the knobs of kernels that have any, by measuring."""

    def __call__(self, op: Op, kernel: str, constants: Mapping[Value, Const], title: str) -> Params:
        """The best parameters found for an operator, by the name of its kernel."""
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

    def searcher(
        self, target: Target, limits: SearchLimits, folder: Path | None, say: Callable[[str], None]
    ) -> Searcher | None:
        """What finds the knobs of the kernels, keeping its measurements in a folder; None where no
        kernel has knobs. Raises BackendError for a tracker that cannot be read."""
        ...


def kernels_for(op: Op, kernels: tuple[KernelDescriptor, ...]) -> tuple[KernelDescriptor, ...]:
    """The descriptors that speak of this operator."""
    kind: type[Op] = type(op)
    if isinstance(op, Fused) and op.anchor is not None:
        kind = type(op.anchor.op)
    return tuple(k for k in kernels if k.operator is kind)
