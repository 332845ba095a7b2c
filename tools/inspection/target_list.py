"""The targets that code can be generated for, as ``bnnc targets`` and `bnnc.targets` list them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ...backends import targets as table
from ...backends.targets import Target
from ...errors import TargetError
from ...runtime.cpu import host_machine, missing_features


@dataclass(frozen=True)
class TargetFacts:
    """A target by name and ``aliases`` (boards). ``features`` are those that a host must have, in
    Linux's spelling; ``why_not`` says why this machine cannot run its code, empty where it can.
    What is unknown where ``native`` cannot be resolved is None."""

    name: str
    aliases: tuple[str, ...]
    triple: str | None
    machine: str | None
    cpu: str | None
    vector_bits: int | None
    popcount: str | None
    features: tuple[str, ...]
    runs_here: bool
    why_not: str


def targets() -> list[TargetFacts]:
    """All targets by name, ``native`` first. `TRIPLE:CPU` names any other that LLVM knows."""
    listed: list[TargetFacts] = []
    for name in (table.NATIVE, *table.TARGETS):
        try:
            target = table.resolve(name)
        except TargetError as error:
            listed.append(_facts(name, None, str(error)))
        else:
            listed.append(_facts(name, target, _why_not(target)))
    return listed


def _facts(name: str, target: Target | None, why_not: str) -> TargetFacts:
    return TargetFacts(
        name=name,
        aliases=tuple(alias for alias, known in table.ALIASES.items() if known == name),
        triple=target and target.triple,
        machine=target and target.machine,
        cpu=target and target.cpu,
        vector_bits=target and target.vector_bits,
        popcount=target and target.has.popcount,
        features=target.host_features if target else (),
        runs_here=not why_not,
        why_not=why_not,
    )


def _why_not(target: Target) -> str:
    """The reason why this machine cannot run code for a target; empty when it can."""
    if sys.platform != "linux":
        return f"compiled models run on Linux, this is {sys.platform}"
    machine = host_machine()
    if machine != target.machine:
        return f"this machine is {machine}"
    missing = missing_features(target.host_features)
    return f"this CPU lacks {', '.join(missing)}" if missing else ""
