"""`bnnc verify`: is the compiled model right, layer by layer and end to end?

1. Kernels against their definition. Every scheduled layer is compiled alone, fed with the
   reference's own values, and compared with the interpreter: equal in every bit where no float
   sum comes before, within the float error bound elsewhere.
2. Definition against the reference. The interpreter runs the scheduled graph on the reference's
   own values (each value that the reference shows replaces the computed one before it is read),
   so differences do not build up. A sign may differ only where the reference's value before it
   is below the float error bound: a near-tie, counted.
3. The artifact end to end against the reference, within rtol of the output's scale and atol. When
   a near-tie flipped on the way, the run is called `near-tie`, never equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..driver import Options, build, import_model, load_backend, lower, resolve_target
from ..errors import InputError
from ..frontend import Imported
from ..ir import Array, Graph, Value, decode, interpret, ops
from ..ir.ops import AveragePool, Conv, Fused, Gemm, ReduceMean, ReduceSum
from ..runtime import Model, load
from .arguments import by_name
from .arguments import shapes as fixed_shapes
from .layers import LayerModel, load_bytes
from .reference import (
    Interpreter,
    Reference,
    choose,
    random_inputs,
    read_inputs,
    read_proto,
)

RTOL, ATOL = 1e-3, 1e-5
EPSILON = 2.0**-23
FLOAT_SUMS = (Conv, Gemm, AveragePool, ReduceMean, ReduceSum)


@dataclass
class Difference:
    """The largest difference seen between two computations of the same values."""

    compared: int = 0
    bits: int = 0
    """Elements that differ where they must be equal in every bit."""
    relative: float = 0.0
    """Largest difference as a fraction of the largest absolute value of its tensor."""
    where: str = ""

    def note(self, relative: float, name: str) -> None:
        """Record a float difference."""
        self.compared += 1
        if not relative <= self.relative:
            self.relative, self.where = relative, name


@dataclass
class Report:
    """What `verify_model` found."""

    reference: str
    independent: bool
    rtol: float
    atol: float
    kernels: Difference = field(default_factory=Difference)
    definition: Difference = field(default_factory=Difference)
    signs: int = 0
    near_ties: list[str] = field(default_factory=list[str])
    flips: list[str] = field(default_factory=list[str])
    largest: float = 0.0
    scale: float = 0.0
    runs: dict[str, int] = field(default_factory=lambda: {"equal": 0, "near-tie": 0, "wrong": 0})
    problems: list[str] = field(default_factory=list[str])

    @property
    def mismatch(self) -> bool:
        """True when a number is wrong."""
        return bool(self.problems or self.flips or self.runs["wrong"] or self.kernels.bits)

    def lines(self) -> Iterator[str]:
        """The report as text."""
        note = "" if self.independent else "; nothing independent knows this model's operators"
        yield f"reference: {self.reference}{note}"
        kernels, definition = self.kernels, self.definition
        yield (
            f"kernels against their definition: {kernels.compared} tensors, {kernels.bits} "
            f"elements differ after counts, floats within {kernels.relative:.2g} of scale"
        )
        yield (
            f"definition against the reference, layer by layer: {definition.compared} float "
            f"tensors within {definition.relative:.2g} of scale, {self.signs} signs, "
            f"{len(self.flips)} differ, {len(self.near_ties)} near-ties"
        )
        yield from (f"  near-tie: {text}" for text in self.near_ties[:5])
        yield from (f"  differs: {text}" for text in self.flips[:5])
        yield (
            f"end to end: largest difference {self.largest:.3g} (scale {self.scale:.3g}, rtol "
            f"{self.rtol:g}, atol {self.atol:g}); runs: {self.runs['equal']} equal, "
            f"{self.runs['near-tie']} near-tie, {self.runs['wrong']} wrong"
        )
        yield from (f"  wrong: {text}" for text in self.problems[:10])
        yield "MISMATCH" if self.mismatch else "ok"


def verify_model(
    model: Path,
    artifact: Path | None = None,
    inputs: Path | None = None,
    runs: int = 3,
    seed: int = 0,
    rtol: float = RTOL,
    atol: float = ATOL,
    target: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    sign_zero: Literal["exact", "+1"] = "exact",
) -> Report:
    """Run the three checks on ``runs`` random inputs (or the given ones) and report.

    With ``artifact`` its target and options are used, else the model is compiled for ``target``
    (default: this machine). Raises BnncError when a step cannot be done.
    """
    with _artifact(model, artifact, target or "native", shapes, sign_zero) as compiled:
        manifest: Any = compiled.metadata
        options = _options(artifact or model, manifest["options"])
        imported = import_model(model, options.shapes, options.sign_zero)
        if artifact is not None:
            _check_artifact(artifact, manifest, imported, target, options, shapes)
        machine = resolve_target(manifest["target"]["name"])
        backend = load_backend(options.backend)
        graph, _ = lower(imported.graph, machine, backend, options)
        layers = LayerModel.build(graph, backend, machine)
        reference = choose(read_proto(model), imported.graph)
        report = Report(reference.title, not isinstance(reference, Interpreter), rtol, atol)
        with layers.model:
            for given in _inputs(imported.graph, inputs, runs, seed):
                _verify_once(given, imported, graph, layers, compiled, reference, report)
    return report


def _artifact(
    model: Path,
    artifact: Path | None,
    target: str,
    shapes: Mapping[str, tuple[int, ...]] | None,
    sign_zero: Literal["exact", "+1"],
) -> Model:
    if artifact is not None:
        return load(artifact)
    options = Options(shapes=dict(shapes or {}), sign_zero=sign_zero)
    return load_bytes(build(model, target, options, model.stem).data)


def _options(path: Path, held: Mapping[str, Any]) -> Options:
    """The options that an artifact was compiled with, from its manifest."""
    lacking = [k for k in ("backend", "shapes", "sign_zero", "exact_float") if k not in held]
    if lacking:
        raise InputError(f"{path}: its manifest lacks the options {', '.join(lacking)}")
    return Options(
        backend=held["backend"],
        shapes=by_name([fixed_shapes(text) for text in held["shapes"]]),
        sign_zero=held["sign_zero"],
        exact_float=held["exact_float"],
    )


def _check_artifact(
    path: Path,
    manifest: Mapping[str, Any],
    imported: Imported,
    target: str | None,
    options: Options,
    shapes: Mapping[str, tuple[int, ...]] | None,
) -> None:
    """Refuse to compare what does not belong together."""
    if manifest["source"]["sha256"] != imported.source.sha256:
        raise InputError(f"{path}: was compiled from another model; compile it again")
    if target is not None and target != manifest["target"]["name"]:
        raise InputError(f"{path}: was compiled for {manifest['target']['name']}, not {target}")
    if shapes and dict(shapes) != options.shapes:
        raise InputError(f"{path}: was compiled with other shapes than --shape gives")


def _inputs(graph: Graph, path: Path | None, runs: int, seed: int) -> Iterator[dict[str, Array]]:
    if path is not None:
        yield read_inputs(path, graph)
        return
    generator = np.random.default_rng(seed)
    for _ in range(runs):
        yield random_inputs(graph, generator, 2)


def _verify_once(
    given: Mapping[str, Array],
    imported: Imported,
    graph: Graph,
    layers: LayerModel,
    compiled: Model,
    reference: Reference,
    report: Report,
) -> None:
    seen = reference.run(given)
    signs = Signs(imported.graph, seen)
    forced: dict[str, Array] = {}
    own: dict[str, Array] = {}

    def force(value: Value, array: Array) -> Array:
        own[value.name] = array
        forced[value.name] = signs.compare(value, array, report)
        return forced[value.name]

    interpret(graph, given, force)
    constants = {n.result.name: n.op.array for n in graph.nodes if isinstance(n.op, ops.Const)}
    forced.update(constants)
    _check_kernels(graph, layers, forced, own, report)
    _check_end_to_end(given, graph, compiled, seen, signs, report)


@dataclass
class Signs:
    """The reference's tensors, told apart into signs and floats by the imported graph."""

    graph: Graph
    seen: Mapping[str, Array]

    def __post_init__(self) -> None:
        self.before = {
            n.result.name: n.op.x
            for n in self.graph.nodes
            if isinstance(n.op, ops.Sign) and n.result.name in self.seen
        }

    def bound(self, name: str) -> float:
        """Float error bound of the value before a sign: 2 sqrt(K) ulp of its largest magnitude,
        K being the longest sum of the network (at least 64)."""
        longest = max(
            (
                int(np.prod(n.op.w.shape[1:]))
                for n in self.graph.nodes
                if isinstance(n.op, (Conv, Gemm))
            ),
            default=1,
        )
        largest = float(np.abs(self.seen[name]).max(initial=0.0))
        return 2 * max(longest, 64) ** 0.5 * EPSILON * largest

    def axes(self, name: str, array: Array) -> tuple[int, ...]:
        """Axes of the reference's tensor in the order of ``array``.

        Canonicalize moves transposes down and calls what then stands before them ``name.t``; of
        the orders that fit the shape, the one that agrees best is taken.
        """
        known = self.seen.get(name.removesuffix(".t"))
        if known is None or not name.endswith(".t"):
            return tuple(range(array.ndim))
        orders = [
            order
            for order in itertools.permutations(range(known.ndim))
            if tuple(known.shape[a] for a in order) == array.shape
        ]

        def distance(order: tuple[int, ...]) -> float:
            turned = known.transpose(order).astype(np.float64)
            return float(np.nan_to_num(np.abs(turned - array)).sum())

        return min(orders, key=distance, default=())

    def tensor(self, name: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array | None:
        """The reference's tensor of that name, or None when it has none of this shape."""
        known = self.seen.get(name.removesuffix(".t"))
        if known is None or known.ndim != len(axes):
            return None
        turned = known.transpose(axes)
        return turned if turned.shape == shape else None

    def compare(self, value: Value, array: Array, report: Report) -> Array:
        """Compare with the reference's tensor of that name and return what to go on with."""
        if value.type.is_binary:
            return self.compare_bits(value, array, report)
        known = self.tensor(value.name, array.shape, self.axes(value.name, array))
        if known is None or known.dtype != array.dtype:
            return array
        if known.dtype.kind == "f":
            relative = _relative(array, known)
            report.definition.note(relative, value.name)
            if not relative <= report.rtol:
                report.problems.append(
                    f"{value.name}: the definition is off by {relative:.2g} of scale"
                )
        return known

    def compare_bits(self, value: Value, array: Array, report: Report) -> Array:
        """Signs must agree except where the reference's value before them is a near-tie."""
        name = value.name.removesuffix(".bits")
        mine = decode(array, value.element)
        axes = self.axes(name, mine)
        known = self.tensor(name, array.shape, axes)
        name = name.removesuffix(".t")
        if known is None or name not in self.before:
            return array
        theirs = np.sign(known)
        report.signs += array.size
        wrong = theirs != mine
        if not wrong.any():
            return array
        before = self.before[name].name
        values = self.tensor(before, array.shape, axes)
        near = values is not None and np.abs(values[wrong]).max() <= self.bound(before)
        text = f"{name}: {int(wrong.sum())} of {wrong.size} signs"
        if values is not None:
            text += f", reference's value {np.abs(values[wrong]).max():.2g} before the sign"
        (report.near_ties if near else report.flips).append(text)
        return _encode(theirs, value, array)

    def first_flip(self, graph: Graph, given: Mapping[str, Array]) -> str | None:
        """The first sign that differs in a free run, if it is a near-tie of the reference."""
        found: list[str] = []

        def look(value: Value, array: Array) -> Array:
            if value.type.is_binary and not found:
                trial = Report("", True, 1.0, 1.0)
                self.compare_bits(value, array, trial)
                found.extend(trial.near_ties or ([""] if trial.flips else []))
            return array

        interpret(graph, given, look)
        return found[0] if found and found[0] else None


def _encode(signs: Array, value: Value, like: Array) -> Array:
    if like.dtype == np.int8:
        return signs.astype(np.int8)
    return np.where(signs == 0, like, signs > 0).astype(np.uint8)


def _check_kernels(
    graph: Graph,
    layers: LayerModel,
    forced: Mapping[str, Array],
    own: Mapping[str, Array],
    report: Report,
) -> None:
    made = layers.run(forced)
    for node in graph.nodes:
        for value in node.results:
            if value.name not in made:
                continue
            got, expected = made[value.name], own[value.name]
            if _exact(node.op):
                report.kernels.compared += 1
                differ = int((~_same(got, expected)).sum())
                if differ:
                    report.kernels.bits += differ
                    report.problems.append(f"kernel of {node.describe()}: {differ} elements differ")
            else:
                _check_float(node.op, value, got, expected, report)
                if value.type.is_binary:
                    _check_flips(node.op, value, got != expected, forced, report)


def _relative(got: Array, expected: Array) -> float:
    """Largest difference as a fraction of the largest finite magnitude expected; NaN when one side
    alone is NaN or infinite."""
    finite = np.abs(expected[np.isfinite(expected)])
    largest = float(finite.max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    difference = np.where(_same(got, expected), 0.0, difference)
    return float(difference.max(initial=0.0)) / largest


def _same(a: Array, b: Array) -> Array:
    if a.dtype.kind != "f":
        return a == b
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _exact(op: Any) -> bool:
    """True when the kernel must equal its definition in every bit: nothing float was summed and
    no transcendental function evaluated."""
    nodes = [n.op for n in op.body.nodes] if isinstance(op, Fused) else [op]
    inexact = (
        *FLOAT_SUMS,
        ops.MatMul,
        ops.Softmax,
        ops.LogSoftmax,
        ops.Exp,
        ops.Log,
        ops.Tanh,
        ops.Sigmoid,
        ops.Erf,
    )
    return not any(isinstance(o, inexact) for o in nodes)


def _check_float(op: Any, value: Value, got: Array, expected: Array, report: Report) -> None:
    if value.type.is_binary:
        return
    relative = _relative(got, expected)
    report.kernels.note(relative, value.name)
    if not relative <= _tolerance(op):
        report.problems.append(
            f"kernel of {value.name}: off by {relative:.2g} of scale, bound {_tolerance(op):.2g}"
        )


def _check_flips(
    op: Any, value: Value, flipped: Array, forced: Mapping[str, Array], report: Report
) -> None:
    """Signs behind a float sum may differ where the sum itself is below its error bound."""
    if not flipped.any():
        return
    before = next(
        (n.op.x for n in op.body.nodes if value in n.results and isinstance(n.op, ops.Binarize)),
        None,
    )
    if before is not None:
        values = op.environment([forced[v.name] for v in op.xs], _batch(op, forced))[before]
        largest = float(np.abs(values).max(initial=0.0))
        text = f"{value.name}: {int(flipped.sum())} of {flipped.size} signs of the kernel"
        if float(np.abs(values[flipped]).max()) <= _tolerance(op) * largest:
            report.near_ties.append(text)
            return
    report.problems.append(f"kernel of {value.name}: {int(flipped.sum())} signs differ")


def _batch(op: Any, forced: Mapping[str, Array]) -> int:
    for value in op.xs:
        if value.type.symbolic:
            return forced[value.name].shape[0] // value.shape[0].factor
    return 1


def _tolerance(op: Any) -> float:
    """2 sqrt(K) ulp for sums of K products, of the largest result; 64 ulp at least, for epilogues
    and transcendental functions behind them."""
    anchor = op.anchor.op if isinstance(op, Fused) and op.anchor else op
    terms = int(np.prod(anchor.w.shape[1:])) if isinstance(anchor, (Conv, Gemm)) else 4096
    return max(64.0, 2 * terms**0.5) * EPSILON


def _check_end_to_end(
    given: Mapping[str, Array],
    graph: Graph,
    compiled: Model,
    seen: Mapping[str, Array],
    signs: Signs,
    report: Report,
) -> None:
    results = compiled.run(dict(given))
    outside: list[str] = []
    for name, got in results.items():
        expected = np.asarray(seen[name])
        if got.shape != expected.shape or got.dtype != expected.dtype:
            report.problems.append(
                f"output {name}: expected {expected.dtype}{list(expected.shape)}, "
                f"got {got.dtype}{list(got.shape)}"
            )
            continue
        difference = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        largest = float(difference.max(initial=0.0))
        scale = float(np.abs(expected).max(initial=0))
        report.largest, report.scale = max(report.largest, largest), max(report.scale, scale)
        if not largest <= report.atol + report.rtol * scale:
            outside.append(f"output {name}: off by {largest:.3g}, scale {scale:.3g}")
    if not outside:
        report.runs["equal"] += 1
        return
    flip = signs.first_flip(graph, given)
    if flip is None:
        report.runs["wrong"] += 1
        report.problems.extend(outside)
    else:
        report.runs["near-tie"] += 1
        report.near_ties.append(f"{flip}; {'; '.join(outside)}")
