"""`bnnc verify`: is the compiled model right, layer by layer and end to end?

1. The graph against the reference, layer by layer: the imported graph, the graph after recognition
   and the scheduled graph are computed on the reference's own values (each value that the reference
   shows replaces the computed one before it is read), so differences do not build up. Floats stay
   within the float error bound; a step (sign, rounding, comparison, position) may differ only where
   the reference's value before it is within that bound of the jump: a near-tie, counted.
2. Kernels against their definition. Every scheduled layer is compiled alone, fed with the
   reference's own values, and compared with the interpreter: equal in every bit where no float
   sum comes before, within the float error bound elsewhere.
3. The artifact end to end against the reference, within rtol of the output's scale and atol. When
   it is outside and the first step that differs on the way is a near-tie, the run is called
   `near-tie`, never equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from ...backends.cost_model import PredictedCost
from ...backends.interface import Backend
from ...backends.targets import Target
from ...driver import build, import_model, load_backend, lower, resolve_target
from ...errors import InputError
from ...frontend import Imported, to_float32
from ...ir import Array, Bits, Graph, Stage
from ...ir.interpret import batch_of
from ...options import RECOMPILED, FileName, Options
from ...passes import Pass
from ...passes.mst_reorder import MstReorder
from ...passes.support.channel_permutation import Moved
from ...runtime import Model, load
from ..command_line.arguments import by_name
from ..command_line.arguments import shapes as fixed_shapes
from .exactness import (
    Findings,
    NearTie,
    Walk,
    before_moves,
    distance,
    is_exact,
    is_step,
    layer_of,
    same,
    scale_of,
    signs_of,
)
from .layer_models import LayerModel, expose, take_apart
from .references import (
    Interpreter,
    Reference,
    choose,
    random_inputs,
    read_inputs,
    read_proto,
    with_one_at_zero,
)

RTOL, ATOL = 1e-3, 1e-5


@dataclass
class Kernels:
    """The result of comparing kernels with their definition."""

    compared: int = 0
    """Tensors."""
    bits: int = 0
    """Elements that differ where they must be equal in every bit."""
    relative: float = 0.0
    """Largest float difference as a fraction of the largest magnitude of its tensor."""


@dataclass
class Report:
    """The result of `verify`."""

    reference: str
    independent: bool
    rtol: float
    atol: float
    kernels: Kernels = field(default_factory=Kernels)
    definition: Findings = field(default_factory=Findings)
    near_tie_runs: list[str] = field(default_factory=list[str])
    """Runs that a near-tie moved: the near-tie, and what it did to the outputs."""
    largest: float = 0.0
    scale: float = 0.0
    runs: dict[str, int] = field(default_factory=lambda: {"equal": 0, "near-tie": 0, "wrong": 0})

    @property
    def near_ties(self) -> list[NearTie]:
        """Steps that differ where the reference cannot tell, layer by layer."""
        return self.definition.near_ties

    @property
    def flips(self) -> list[str]:
        """Steps that differ and are no near-ties."""
        return self.definition.flips

    @property
    def problems(self) -> list[str]:
        """Everything else that is wrong."""
        return self.definition.problems

    @property
    def signs(self) -> int:
        """Elements of signs and other steps compared."""
        return self.definition.steps

    @property
    def mismatch(self) -> bool:
        """True when anything is wrong."""
        return bool(self.problems or self.flips or self.runs["wrong"] or self.kernels.bits)

    @property
    def verdict(self) -> str:
        """``ok``, ``near-tie`` when a run differs because of one, or ``MISMATCH``."""
        if self.mismatch:
            return "MISMATCH"
        return "near-tie" if self.runs["near-tie"] else "ok"

    def json(self) -> dict[str, object]:
        """Everything, for programs."""
        return {**asdict(self), "verdict": self.verdict}

    def lines(self) -> Iterator[str]:
        """The report as text."""
        note = "" if self.independent else "; nothing independent knows this model's operators"
        yield f"reference: {self.reference}{note}"
        kernels, definition = self.kernels, self.definition
        yield (
            f"layer by layer, on the reference's values: {definition.floats} float tensors within "
            f"{definition.relative:.2g} of scale, {definition.steps} signs and other steps, "
            f"{len(definition.flips)} tensors of them differ, "
            f"{sum(tie.count for tie in self.near_ties)} near-ties"
        )
        yield from _some("near-tie", map(str, self.near_ties))
        yield from _some("differs", self.flips)
        yield (
            f"kernels against their definition: {kernels.compared} tensors, {kernels.bits} "
            f"elements differ after counts, floats within {kernels.relative:.2g} of scale"
        )
        yield (
            f"end to end: largest difference {self.largest:.3g} (scale {self.scale:.3g}, rtol "
            f"{self.rtol:g}, atol {self.atol:g}); runs: {self.runs['equal']} equal, "
            f"{self.runs['near-tie']} near-tie, {self.runs['wrong']} wrong"
        )
        yield from _some("near-tie", self.near_tie_runs)
        yield from _some("wrong", self.problems)
        yield self.verdict


SHOWN = 10
"""Findings of a kind that the text lists; the JSON has all."""


def _some(label: str, texts: Iterable[str]) -> Iterator[str]:
    lines = list(texts)
    yield from (f"  {label}: {text}" for text in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  {label}: {len(lines) - SHOWN} more; --json has all"


@dataclass(frozen=True)
class Graphs:
    """One model at each stage of the compiler, and the libraries of its scheduled layers."""

    imported: Graph
    binarized: Graph
    scheduled: Graph
    backend: Backend
    target: Target
    moved: Mapping[str, Moved]
    """Values whose channels are in another order or negated in the scheduled graph."""

    @classmethod
    def lower(
        cls, imported: Imported, backend: Backend, target: Target, options: Options
    ) -> Graphs:
        """Run the default pipeline, as the options say."""
        on_the_way: list[Graph] = []
        binarized: list[Graph] = []
        moved: dict[str, Moved] = {}

        def observe(number: int, step: Pass | None, graph: Graph) -> None:
            if step is not None and step.establishes is Stage.BINARIZED:
                binarized.append(graph)
            if isinstance(step, MstReorder):
                moved.update(step.moved(on_the_way[-1]))
            on_the_way.append(graph)

        costs = PredictedCost(target, backend.kernels)
        scheduled, _ = lower(imported, costs, options, observe)
        return cls(imported.graph, binarized[0], scheduled, backend, target, moved)

    def as_scheduled(self, name: str, array: Array) -> Array:
        """A value of the model as the scheduled graph has it: with its channels, and as bits where
        a pass found that a ternary value is never 0."""
        if name in self.moved:
            array = self.moved[name](array)
        if array.dtype == np.int8 and name in self._bits:
            array = (array > 0).astype(np.uint8)
        return array

    @cached_property
    def _bits(self) -> frozenset[str]:
        """The names of the scheduled graph's values that are packed bits."""
        results = (value for node in self.scheduled.nodes for value in node.results)
        return frozenset(value.name for value in results if isinstance(value.element, Bits))

    @cached_property
    def apart(self) -> LayerModel | None:
        """Every layer on operands that are given; None where there is none."""
        layers = take_apart(self.scheduled)
        return LayerModel.build(layers, self.backend, self.target) if layers.outputs else None

    @cached_property
    def chained(self) -> LayerModel:
        """Every layer on the results of those before it."""
        return LayerModel.build(expose(self.scheduled), self.backend, self.target)

    def close(self) -> None:
        """Unload the libraries that were built."""
        for name in ("apart", "chained"):
            if self.__dict__.get(name) is not None:
                self.__dict__[name].model.close()


def verify(
    model: FileName,
    artifact: FileName | None = None,
    inputs: FileName | None = None,
    runs: int = 3,
    seed: int = 0,
    rtol: float = RTOL,
    atol: float = ATOL,
    target: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    sign_zero: Literal["exact", "+1"] = "exact",
    backend: str = "llvm",
) -> Report:
    """Run the three checks on ``runs`` random inputs (or the given ones) and report.

    With ``artifact`` its target and options are used, else the model is compiled for ``target``
    (default: this machine) with ``backend``. Raises BnncError when a step cannot be done.
    """
    model = Path(model)
    artifact = Path(artifact) if artifact is not None else None
    inputs = Path(inputs) if inputs is not None else None
    with _artifact(model, artifact, target or "native", shapes, sign_zero, backend) as compiled:
        manifest: Any = compiled.metadata
        options = _options(artifact or model, manifest["options"])
        imported = import_model(model, options.shapes, options.sign_zero)
        if artifact is not None:
            _check_artifact(artifact, manifest, imported, target, options, shapes)
        machine = resolve_target(manifest["target"]["name"])
        graphs = Graphs.lower(imported, load_backend(options.backend), machine, options)
        reference = choose(_proto(model, options, bool(imported.half)), imported.graph)
        title = f"{reference.title}{', model in float32' if imported.half else ''}"
        report = Report(title, not isinstance(reference, Interpreter), rtol, atol)
        try:
            for given in _inputs(imported.graph, reference, inputs, runs, seed):
                _verify_once(given, graphs, compiled, reference, report)
        finally:
            graphs.close()
    return report


def _artifact(
    model: Path,
    artifact: Path | None,
    target: str,
    shapes: Mapping[str, tuple[int, ...]] | None,
    sign_zero: Literal["exact", "+1"],
    backend: str,
) -> Model:
    if artifact is not None:
        return load(artifact)
    options = Options(backend, shapes=dict(shapes or {}), sign_zero=sign_zero)
    return load(build(model, target, options, model.stem).data)


def _proto(model: Path, options: Options, half: bool) -> onnx.ModelProto:
    """The model that the reference computes: in float32 where bnnc computes ``half`` types in it,
    and with the user's word on sign(0)."""
    proto = read_proto(model)
    if half:
        to_float32(proto)
    if options.sign_zero == "exact":
        return proto
    signs = import_model(model, options.shapes).signs
    return with_one_at_zero(proto, {name for s in signs if not s.zero for name in s.origin})


def _options(path: Path, settings: Mapping[str, Any]) -> Options:
    """The options that an artifact was compiled with, from its manifest."""
    lacking = [name for name in RECOMPILED if name not in settings]
    if lacking:
        raise InputError(f"{path}: its manifest lacks the options {', '.join(lacking)}")
    recorded: dict[str, Any] = {name: settings[name] for name in RECOMPILED}
    recorded["shapes"] = by_name([fixed_shapes(text) for text in settings["shapes"]])
    return Options(**recorded)


def _check_artifact(
    path: Path,
    manifest: Mapping[str, Any],
    imported: Imported,
    target: str | None,
    options: Options,
    shapes: Mapping[str, tuple[int, ...]] | None,
) -> None:
    """Refuse to compare a model with an artifact that was not compiled from it."""
    if manifest["source"]["sha256"] != imported.source.sha256:
        raise InputError(f"{path}: was compiled from another model; compile it again")
    if target is not None and resolve_target(target).name != manifest["target"]["name"]:
        raise InputError(f"{path}: was compiled for {manifest['target']['name']}, not {target}")
    if shapes and dict(shapes) != options.shapes:
        raise InputError(f"{path}: was compiled with other shapes than --shape gives")


def _inputs(
    graph: Graph, reference: Reference, path: Path | None, runs: int, seed: int
) -> Iterator[dict[str, Array]]:
    if path is not None:
        yield read_inputs(path, graph, reference.ranges)
        return
    generator = np.random.default_rng(seed)
    for _ in range(runs):
        yield random_inputs(graph, generator, 2, reference.ranges)


def _verify_once(
    given: Mapping[str, Array],
    graphs: Graphs,
    compiled: Model,
    reference: Reference,
    report: Report,
) -> None:
    seen = reference.run(given)
    definition = report.definition
    known = before_moves(graphs.imported, seen, batch_of(graphs.imported, given))
    known.update(Walk(graphs.imported, given, known, definition).values)
    # The new values of recognition, above all packed signs, follow from those known by now.
    names = [value.name for node in graphs.scheduled.nodes for value in node.results]
    recognised = Walk(graphs.binarized, given, known, definition, wanted=names)
    known.update(recognised.values)
    before = {
        name: sign.map(partial(graphs.as_scheduled, name))
        for name, sign in signs_of(recognised).items()
    }
    known = {name: graphs.as_scheduled(name, array) for name, array in known.items()}
    walk = Walk(graphs.scheduled, given, known, definition, before, keep=True)
    if graphs.apart is not None:
        _check_kernels(walk, graphs.apart, report)
    _check_end_to_end(given, graphs, walk, compiled, seen, report)


def _check_kernels(walk: Walk, layers: LayerModel, report: Report) -> None:
    """Every layer's kernel on the reference's values against the interpreter on the same."""
    results = layers.run(walk.values)
    for node in walk.graph.nodes:
        for value in node.results:
            if value.name not in results:
                continue
            got, expected = results[value.name], walk.own[value.name]
            report.kernels.compared += 1
            exact = is_exact(node.op)
            off = ~same(got, expected) if exact else walk.off(node, got, expected)
            if got.dtype.kind == "f":
                apart = float(distance(got, expected)[~off].max(initial=0.0)) / scale_of(expected)
                report.kernels.relative = max(report.kernels.relative, apart)
            if not exact:
                # Near-ties of the definition have been reported already.
                off &= ~walk.off(node, expected, walk.env[value])
            if not off.any():
                continue
            tie = None if exact else walk.near_tie(node, value, expected, got, off)
            if tie is not None:
                report.near_ties.append(tie)
                continue
            count = int(off.sum())
            report.kernels.bits += count if exact else 0
            worst = float(distance(got, expected)[off].max())
            report.problems.append(
                f"kernel of {node.describe()}: {count} elements differ, by up to {worst:.3g}"
            )


def _check_end_to_end(
    given: Mapping[str, Array],
    graphs: Graphs,
    walk: Walk,
    compiled: Model,
    seen: Mapping[str, Array],
    report: Report,
) -> None:
    outside: list[str] = []
    for name, got in compiled.run(dict(given)).items():
        expected = np.asarray(seen[name])
        if got.shape != expected.shape or got.dtype != expected.dtype:
            report.problems.append(
                f"output {name}: expected {expected.dtype}{list(expected.shape)}, "
                f"got {got.dtype}{list(got.shape)}"
            )
            continue
        largest = float(distance(got, expected).max(initial=0.0))
        scale = float(np.abs(expected).max(initial=0))
        report.largest, report.scale = max(report.largest, largest), max(report.scale, scale)
        # Positions and masks are equal or not: no tolerance applies to them.
        allowed = report.atol + report.rtol * scale if got.dtype.kind == "f" else 0.0
        if not largest <= allowed:
            outside.append(f"output {name}: off by {largest:.3g}, scale {scale:.3g}")
    if not outside:
        report.runs["equal"] += 1
        return
    first = _first_difference(given, graphs, walk, report.rtol)
    if isinstance(first, NearTie):
        report.runs["near-tie"] += 1
        if all(tie.layer != first.layer for tie in report.near_ties):
            report.near_ties.append(first)
        report.near_tie_runs.append(f"{first}; {'; '.join(outside)}")
    else:
        report.runs["wrong"] += 1
        report.problems.extend(f"{text}; first {first}" if first else text for text in outside)


def _first_difference(
    given: Mapping[str, Array], graphs: Graphs, walk: Walk, rtol: float
) -> NearTie | str | None:
    """The first step where the compiled layers, each on the results of those before it, differ from
    the reference; None when no step does."""
    results = graphs.chained.run(dict(given))
    for node in walk.graph.nodes:
        for value in node.results:
            if value.name not in results or not is_step(node.op):
                continue
            got, known = results[value.name], walk.env[value]
            off = ~same(got, known)
            if got.dtype.kind == "f":
                off = ~(distance(got, known) <= rtol * scale_of(known))
            if off.any():
                tie = walk.near_tie(node, value, got, known, off)
                return tie or f"{layer_of(node, value)} differs"
    return None
