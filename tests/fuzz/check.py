"""One network through bnnc, ONNX Runtime and the interpreter.

Exact networks: every output equal, from the imported and from the scheduled graph by the
interpreter, and from the compiled library. Realistic ones: the three checks of `bnnc verify`, in
which a sign or another step may differ only at a near-tie.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state as pybind11_state

import bnnc
from bnnc import driver
from bnnc.errors import BnncError
from bnnc.ir import interpret
from bnnc.options import Options
from bnnc.passes.binarize import TOO_FEW
from bnnc.tools.verification.model_check import verify

from .networks import Network
from .shrink import shrink


@dataclass
class Finding:
    """Something that is wrong with a network."""

    kind: str
    """refused, crash, mismatch, no reference."""
    text: str


@dataclass
class Result:
    """What came of one network."""

    network: Network
    findings: list[Finding] = field(default_factory=list)
    near_ties: int = 0
    binarized: dict[str, tuple[bool, str]] = field(default_factory=dict)
    """By node: on bits or not, and why."""
    missed: tuple[str, ...] = ()
    """Layers that could be on bits and are not."""


PAIRS = ("sign", "sign0", "±a", "±a0", "{0,1}", "{0,a}", "{u,v}")
PAIRS += tuple(f"{form} factor" for form in PAIRS)
SIGNED = ("±alpha", "±alpha computed", "±alpha residue")
"""Activations and weights whose products run on bits."""


class ReferenceRefuses(Exception):
    """ONNX Runtime has no opinion on a model."""


ERRORS = (
    pybind11_state.Fail, pybind11_state.InvalidArgument, pybind11_state.InvalidGraph,
    pybind11_state.NotImplemented, pybind11_state.RuntimeException,
)  # fmt: skip


def reference(model: onnx.ModelProto) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """ONNX Runtime with its optimizations off, on one thread."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except ERRORS as error:
        raise ReferenceRefuses(str(error)) from error
    names = [o.name for o in session.get_outputs()]

    def run(feed: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(zip(names, session.run(None, dict(feed)), strict=True))
        except ERRORS as error:
            raise ReferenceRefuses(str(error)) from error

    return run


def examine(network: Network, target: str = "native", backend: str = "llvm") -> Result:
    """Compile and compare."""
    result = Result(network)
    try:
        check = _exact if network.exact else _realistic
        for finding in check(network, target, backend, result):
            result.findings.append(finding)
    except ReferenceRefuses as error:
        result.findings.append(Finding("no reference", str(error)))
    except BnncError as error:
        result.findings.append(Finding("refused", f"{type(error).__name__}: {error}"))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError,
            OSError, RuntimeError, TypeError, ValueError):  # fmt: skip
        result.findings.append(Finding("crash", traceback.format_exc(limit=-6)))
    result.missed = tuple(missed(network, result.binarized))
    return result


def missed(network: Network, verdicts: Mapping[str, tuple[bool, str]]) -> Iterator[str]:
    """Layers that are floats though their signs and weights would let them be on bits."""
    for layer in network.layers:
        on_bits, reason = verdicts.get(layer.node, (True, ""))
        wanted = layer.activation in PAIRS and layer.weights in SIGNED and reason != TOO_FEW
        if not on_bits and wanted:
            yield f"{layer.node}: {layer.activation} times {layer.weights}: {reason}"


def recognised(network: Network) -> dict[str, tuple[bool, str]]:
    """By node: on bits or not, and why."""
    verdicts = driver.recognised(driver.import_model(network.model).graph)
    return _layers(driver.layer(verdict) for verdict in verdicts)


def _layers(layers: Any) -> dict[str, tuple[bool, str]]:
    return {entry.name: (entry.binarized, entry.reason) for entry in layers}


def _exact(network: Network, target: str, backend: str, result: Result) -> Iterator[Finding]:
    expected = [reference(network.twin)(feed) for feed in network.feeds]
    compilation = driver.build(network.model, target, Options(backend), "fuzz")
    result.binarized = _layers(compilation.manifest.layers)
    with bnnc.load(compilation.data) as model:
        for feed, want in zip(network.feeds, expected, strict=True):
            ways = {
                "the imported graph": interpret(compilation.imported.graph, feed),
                "the scheduled graph": interpret(compilation.graph, feed),
                "the library": model.run(dict(feed)),
            }
            for way, got in ways.items():
                yield from _compare(way, got, want)


def _compare(way: str, got: Mapping[str, Any], want: Mapping[str, Any]) -> Iterator[Finding]:
    for name, array in want.items():
        if not np.isfinite(array).all():
            yield Finding("mismatch", f"the generator made numbers that are not finite: {name}")
        result = np.asarray(got[name])
        if result.shape != array.shape or result.dtype != array.dtype:
            text = f"{name} of {way}: {result.dtype}{result.shape} for {array.dtype}{array.shape}"
            yield Finding("mismatch", text)
        elif not np.array_equal(result, array):
            wrong = result != array
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            text = (
                f"{name} of {way}: {int(wrong.sum())} of {wrong.size} differ, at {list(at)} "
                f"{result[at]!s} for {array[at]!s}"
            )
            yield Finding("mismatch", text)


def _realistic(network: Network, target: str, backend: str, result: Result) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        path, inputs = Path(folder) / "fuzz.onnx", Path(folder) / "x.npz"
        onnx.save(network.model, path)
        np.savez(inputs, **network.feeds[0])
        report = verify(path, inputs=inputs, target=target, backend=backend)
    result.near_ties = len(report.near_ties)
    result.binarized = recognised(network)
    for text in [*report.problems, *report.flips]:
        yield Finding("mismatch", text)


def smaller(result: Result, target: str, backend: str = "llvm") -> onnx.ModelProto:
    """The smallest model found that fails in the same way; only for exact networks."""
    network, kinds = result.network, {f.kind for f in result.findings}
    if not network.exact or "no reference" in kinds:
        return network.model
    twin = onnx.ModelProto()
    twin.CopyFrom(network.twin)
    known = {o.name for o in twin.graph.output}
    twin.graph.output.extend(
        helper.make_empty_tensor_value_info(name)
        for name in (o for n in network.twin.graph.node for o in n.output)
        if name not in known
    )
    feed = dict(network.feeds[0])
    values = {**reference(twin)(feed), **feed}

    def fails(model: onnx.ModelProto, twin: onnx.ModelProto, feed: dict[str, Any]) -> bool:
        if not feed:
            return False
        trial = replace(network, model=model, twin=twin, feeds=(feed,))
        return bool(kinds & {f.kind for f in examine(trial, target, backend).findings})

    return shrink(network.model, network.twin, feed, values, fails)
