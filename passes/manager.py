"""The pass protocol, passes by name, and the manager that runs pipelines.

A pass is a frozen dataclass in a file of its own; the file name is its name (``fold_scale.py`` is
``fold-scale``), its fields are its options (``fold-scale{exact=true}``).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Literal, get_type_hints

from ..backends.cost_model import CostModel
from ..errors import PassError, VerifyError
from ..ir import Graph, Stage, verify

Exactness = Literal["exact", "rounding"]


@dataclass(frozen=True)
class Context:
    """What passes may consult beside the graph: what the backend's kernels cost on the target."""

    costs: CostModel | None = None

    def costs_for(self, step: Pass) -> CostModel:
        """The cost model, for a pass that needs one."""
        if self.costs is None:
            raise PassError(f"{step.name()} needs a target")
        return self.costs


@dataclass(frozen=True)
class Pass:
    """Base of all passes."""

    requires: ClassVar[tuple[Stage, ...]] = tuple(Stage)
    """Stages of the graphs that the pass takes."""
    establishes: ClassVar[Stage | None] = None
    """Stage of the graph that it returns; None leaves it as it was."""
    exactness: ClassVar[Exactness] = "exact"
    """``exact``: every bit stays; ``rounding``: floats may move by a few ulp."""

    @classmethod
    def name(cls) -> str:
        """The pass's name on the command line."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")

    def run(self, graph: Graph, context: Context) -> Graph:
        """The rewritten graph; raises PassError when the pass refuses it."""
        raise PassError(f"{self.name()}: nothing to run")

    def __str__(self) -> str:
        options = ",".join(f"{f.name}={_text(getattr(self, f.name))}" for f in fields(self))
        return f"{self.name()}{{{options}}}" if options else self.name()


@cache
def pass_types() -> dict[str, type[Pass]]:
    """Every pass by name, found by listing this folder."""
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    passes: dict[str, type[Pass]] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(folder) if not m.ispkg):
        loaded = importlib.import_module(f"{package}.{module}")
        for member in vars(loaded).values():
            is_pass = isinstance(member, type) and issubclass(member, Pass) and member is not Pass
            if is_pass and member.__module__ == loaded.__name__:
                passes[member.name()] = member
    return passes


def parse_pipeline(text: str) -> tuple[Pass, ...]:
    """``a,b{x=1,y=true}`` to passes; raises PassError naming what is known."""
    text = text.strip()
    passes: list[Pass] = []
    while text:
        match = re.match(r"([a-z0-9-]+)(?:\{([^{}]*)\})?\s*(?:,\s*|$)", text)
        if match is None:
            raise PassError(f"cannot read the pipeline at {text!r}; expected a,b{{option=value}}")
        passes.append(_make(match[1], match[2] or ""))
        text = text[match.end() :]
    return tuple(passes)


def _make(name: str, options: str) -> Pass:
    cls = pass_types().get(name)
    if cls is None:
        raise PassError(f"unknown pass {name!r}; known: {', '.join(pass_types())}")
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls)]
    given: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in options.split(","))):
        key, _, value = part.partition("=")
        if key not in known:
            raise PassError(f"pass {name} has no option {key!r}; it has {known or 'none'}")
        given[key] = _option(name, key, value, hints[key])
    return cls(**given)


def _option(name: str, key: str, value: str, hint: Any) -> Any:
    if hint is bool and value in ("true", "false"):
        return value == "true"
    if hint is int and re.fullmatch(r"-?\d+", value):
        return int(value)
    if hint is str:
        return value
    raise PassError(f"pass {name}: option {key} cannot be {value!r}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Observer = Callable[[int, Pass, Graph], None]


def run_passes(
    graph: Graph,
    passes: Iterable[Pass],
    context: Context | None = None,
    observe: Observer | None = None,
    first: int = 1,
) -> Graph:
    """Run passes in order and verify after each.

    ``observe(number, pass, graph)`` sees every result, numbered from ``first``. Raises
    PassError when a pass does not take the graph's stage, VerifyError naming the pass when it broke
    the graph.
    """
    context = context or Context()
    for number, step in enumerate(passes, first):
        check_stage(step, graph)
        graph = step.run(graph, context)
        if step.establishes is not None:
            graph = graph.replace(stage=step.establishes)
        try:
            verify(graph)
        except VerifyError as error:
            raise VerifyError(f"after pass {step.name()}: {error}") from error
        if observe:
            observe(number, step, graph)
    return graph


def check_stage(step: Pass, graph: Graph) -> None:
    """Raise PassError unless the pass takes graphs of this stage."""
    if graph.stage not in step.requires:
        wanted = _names(step.requires)
        raise PassError(f"pass {step.name()} takes {wanted} graphs, got {graph.stage.name.lower()}")


def _names(stages: Sequence[Stage]) -> str:
    return " or ".join(s.name.lower() for s in stages)
