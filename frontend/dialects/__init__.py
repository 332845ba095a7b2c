"""Binarizers as exporters write them, each normalised to `ir.ops.Sign` by a file of its own.

A file has ``ORDER`` and ``match(view, node)``, which returns what the node's value is instead, or
None. Files are found by listing this folder; each sees the graph that the ones before it left.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from ...ir import Graph
from ..analysis.patterns import replace_matches


@cache
def dialects() -> tuple[ModuleType, ...]:
    """The files of this folder by ``ORDER``."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted(modules, key=lambda module: module.ORDER))


def normalise(graph: Graph, notes: list[str] | None = None) -> Graph:
    """The same graph with every known binarizer as one `Sign`; remarks go to ``notes``."""
    for dialect in dialects():
        graph = replace_matches(graph, dialect.match, notes)
    return graph
