"""Kernel functions by what decides their code, so that an equal layer's is not written again.

A node's code follows from its structure (`ir.structure`), from which of its operands are constants,
and from what its kernel asked about their contents. The answers come one after another, each
question being decided by what was known before it: recipes are leaves of a tree of answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir import Array, Node, Value
from ..interface import StoredWeights
from .constant_contents import Contents, Reading
from .kernel_interface import Extent, Step


@dataclass(frozen=True)
class Emitted:
    """A kernel function, what fills its frame, in the terms of the node it was written for, and
    the bytes of scratch that a thread needs."""

    function: str
    slots: tuple[Value | Array | Contents[Array], ...]
    stored: tuple[Contents[StoredWeights], ...]
    tasks: Extent
    scratch: int

    def step(self, values: Mapping[Value, Value], reading: Reading) -> Step:
        """The function called for a node with these values and contents."""

        def filled(slot: Value | Array | Contents[Array]) -> Value | Array:
            if isinstance(slot, Contents):
                return np.ascontiguousarray(reading.of(slot))
            return values[slot] if isinstance(slot, Value) else slot

        return Step(self.function, tuple(map(filled, self.slots)), self.tasks, self.scratch)


@dataclass(frozen=True)
class Recipe:
    """The functions of a node."""

    node: Node
    emitted: tuple[Emitted, ...]

    def steps(self, node: Node, reading: Reading) -> tuple[list[Step], list[StoredWeights]]:
        """The steps of a node of the same structure, and the binary weights that they bring."""
        values = dict(zip(_values(self.node), _values(node), strict=True))
        steps = [each.step(values, reading) for each in self.emitted]
        return steps, [reading.of(stored) for each in self.emitted for stored in each.stored]


class Recipes:
    """The recipes of a module."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, ...], Recipe | Contents[Any]] = {}
        """By a structure and some answers, what is asked next, or the recipe."""

    def get(self, structure: str, reading: Reading) -> Recipe | None:
        """The recipe of a node with this structure and contents, if there is one."""
        path: tuple[Hashable, ...] = (structure,)
        known = self._known.get(path)
        while isinstance(known, Contents):
            path = (*path, _answer(reading.of(known)))
            known = self._known.get(path)
        return known

    def keep(
        self, structure: str, reading: Reading, asked: Sequence[Contents[Any]], recipe: Recipe
    ) -> None:
        """Remember a recipe whose kernel asked these questions, in this order."""
        path: tuple[Hashable, ...] = (structure,)
        for contents in asked:
            self._known.setdefault(path, contents)
            path = (*path, _answer(reading.of(contents)))
        self._known[path] = recipe


def _values(node: Node) -> tuple[Value, ...]:
    return (*node.op.operands, *node.results)


def _answer(answer: Hashable | Array) -> Hashable:
    """An answer that can be compared."""
    if isinstance(answer, np.ndarray):
        return answer.dtype.str, answer.shape, hashlib.sha256(answer.tobytes()).digest()
    return answer
