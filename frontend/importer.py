"""The walk over an ONNX graph: every node folded or handed to its rule, every problem collected."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, defs

from ..errors import Limit, ModelError, ModelFileError, VerifyError, harmless
from ..ir import Graph, Node, Output, Value, shape_text, verify
from ..ir.common_subexpressions import merge_equal
from ..ir.ops import Sign
from .analysis.nonfinite_constants import nonfinite_constants
from .analysis.patterns import Replacement, View, replace_matches
from .analysis.sign_at_zero import AtZero, at_zero, without_zero
from .dialects import normalise
from .importing.batch_shapes import BatchDependent
from .importing.call import Call, node_name
from .importing.constant_folding import fold
from .importing.graph_builder import GraphBuilder
from .importing.graph_inputs import graph_inputs
from .importing.problems import (
    Problem,
    StandIns,
    limit_of,
    node_problem,
    problems_error,
    problems_of,
    unsupported,
    without_rule,
)
from .importing.scope import Broken, ImportedTensor, Scope
from .prepare.reader import (
    ONNX_NAMES,
    Body,
    Checked,
    Source,
    body_of,
    label_of,
    read,
)
from .prepare.signatures import check_signature
from .prepare.subgraphs import names_read
from .prepare.tensor_data import dtype_name, dtype_of, element_of
from .prepare.validity import invalidity
from .registry import find_rule

SignZero = Literal["exact", "+1"]


@dataclass(frozen=True)
class Imported:
    """A model in the IR. ``notes`` are one-line remarks for the user; ``signs`` says for every sign
    what it gives at 0, and why; ``operators`` are those of the model by the names of its nodes,
    empty where nodes of one name have several; ``half`` names the types (float16) that are computed
    in float32."""

    graph: Graph
    source: Source
    notes: tuple[str, ...] = ()
    signs: tuple[AtZero, ...] = ()
    operators: Mapping[str, str] = field(default_factory=dict[str, str])
    half: tuple[str, ...] = ()


def load_model(
    model: str | os.PathLike[str] | ModelProto,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    sign_zero: SignZero = "exact",
) -> Imported:
    """Read an ONNX model into a verified graph of stage ``imported``.

    ``shapes`` fixes the shapes of inputs by name (-1 first leaves the batch symbolic);
    ``sign_zero`` = "+1" is the user's word that ONNX ``Sign`` may give +1 at 0. Raises ModelError,
    whose ``problems`` list everything that is wrong and whose message is one line.
    """
    try:
        return _imported(model, shapes or {}, sign_zero)
    except ModelError as error:
        against = invalidity(model) if None in error.limits else None
        if against is None:
            raise
        text = f"{error}; {harmless(against)}"
        raise ModelError(text, error.problems, error.limits) from error


def _imported(
    model: str | os.PathLike[str] | ModelProto,
    shapes: Mapping[str, Sequence[int]],
    sign_zero: SignZero,
) -> Imported:
    label = label_of(model)
    try:
        checked = read(model)
    except ModelFileError:
        raise
    except ModelError as error:
        raise problems_error(label, problems_of(error)) from error
    try:
        inputs = graph_inputs(checked.graph, checked.initializers, shapes)
    except (ModelError, VerifyError) as error:
        raise problems_error(label, [*problems_of(error), *without_rule(checked)]) from error
    walk = _Walk(checked, inputs)
    graph = walk.run()
    if walk.problems:
        raise problems_error(label, walk.problems)
    notes: list[str] = []
    if checked.half:
        notes.append(
            f"{' and '.join(checked.half)} is computed in float32, which rounds less; inputs and "
            "outputs of that type are float32"
        )
    graph = normalise(merge_equal(graph), notes)
    why: dict[str, str] = {}
    graph = without_zero(graph, why)
    if sign_zero == "+1":
        graph = replace_matches(graph, partial(_one_at_zero, why))
    try:
        verify(graph)
    except VerifyError as error:
        raise problems_error(label, [(str(error), None)]) from error
    nans, infinities = nonfinite_constants(graph, walk.scope.graph.names_with_nan)
    problems: list[Problem] = [(text, Limit.VALUE) for text in nans]
    problems += [(text, None) for text in infinities]
    if problems:
        raise problems_error(label, problems)
    signs, operators = at_zero(graph, why), _operators(checked.graph.node)
    remarks = tuple(map(harmless, notes))
    return Imported(graph, checked.source, remarks, signs, operators, checked.half)


def _operators(nodes: Iterable[NodeProto]) -> dict[str, str]:
    """The operators of nodes by name; empty where nodes of one name have several."""
    out: dict[str, str] = {}
    for node in nodes:
        name, operator = node_name(node), node.op_type
        out[name] = operator if out.get(name, operator) == operator else ""
    return out


def _one_at_zero(why: dict[str, str], view: View, node: Node) -> Replacement | None:
    """Sign with +1 at zero instead of 0."""
    op = node.op
    if not isinstance(op, Sign) or op.zero:
        return None
    why[node.result.name] = "+1 at 0 on the user's word (--sign-zero=+1)"
    return Replacement(Sign(op.x, 1))


class _Walk:
    """State of one import."""

    def __init__(self, checked: Checked, inputs: tuple[Value, ...]) -> None:
        self.checked = checked
        self.inputs = inputs
        self.problems: list[Problem] = []
        self.stand_ins = StandIns(checked.graph)
        largest = max((math.prod(t.dims) for t in checked.initializers.values()), default=0)
        self.scope = Scope(GraphBuilder(largest), checked.initializers)
        for value in inputs:
            self.scope.put(value.name, value, "")

    def run(self) -> Graph:
        """Import every node, then the outputs; `problems` says whether the graph is complete."""
        self._import(self.checked, self.scope)
        outputs = [o for info in self.checked.graph.output for o in self._output(info)]
        name = self.checked.graph.name or "model"
        return self.scope.graph.finish(name, self.inputs, outputs)

    def _import(self, body: Body, scope: Scope) -> None:
        """Import the nodes of a graph into its scope. Tensors are forgotten after their last use,
        so that folded weights do not pile up."""
        reads = Counter(name for node in body.nodes for name in names_read(node))
        reads.update(output.name for output in body.graph.output)
        for node in body.nodes:
            for name, tensor in zip(node.output, self._results(node, scope), strict=False):
                if name:
                    scope.put(name, tensor, node_name(node))
            for name in names_read(node):
                reads[name] -= 1
                if not reads[name]:
                    scope.drop(name)

    def _branch(
        self, node: NodeProto, scope: Scope, graph: GraphProto
    ) -> tuple[ImportedTensor, ...]:
        """The outputs of a branch, imported in place of its node."""
        body = body_of(graph)
        names = [output.name for output in graph.output]
        if len(names) != len(node.output):
            raise ModelError(f"has {len(node.output)} outputs, its branch {len(names)}")
        outer = dict(zip(names, node.output, strict=True))

        def shown(name: str) -> str:
            return scope.shown(outer.get(name) or f"{node_name(node)}/{name}")

        inner = Scope(scope.graph, body.initializers, scope, shown)
        self._import(body, inner)
        results = tuple(inner.get(name) for name in names)
        inner.close()
        return results

    def _results(self, node: NodeProto, scope: Scope) -> Sequence[ImportedTensor]:
        """The node's outputs; after a problem, values of their types where those are known."""
        domain = "" if node.domain in ONNX_NAMES else node.domain
        version = self.checked.versions.get(domain)
        inputs: list[ImportedTensor | None] = []
        try:
            if domain == "" and version is not None and defs.has(node.op_type):
                check_signature(node, version)
            inputs = [scope.get(name) if name else None for name in node.input]
            rule = find_rule(domain, node.op_type, version)
            if not any(isinstance(tensor, Broken) for tensor in inputs):
                folded = self._folded(node, inputs, version)
                if folded is not None:
                    return folded
            if rule is None:
                raise unsupported(node, domain, version)
            if not any(isinstance(tensor, Broken) for tensor in inputs):
                call = Call(node, version, scope, partial(self._branch, node, scope))
                return _as_results(rule.apply(call), node)
        except (ModelError, VerifyError) as error:
            self.problems.append(node_problem(node, domain, version, error))
        return self.stand_ins.results(node, domain, version, inputs)

    def _folded(
        self, node: NodeProto, inputs: Sequence[ImportedTensor | None], version: int | None
    ) -> Sequence[ImportedTensor] | None:
        known = [h for h in inputs if h is None or isinstance(h, (np.ndarray, BatchDependent))]
        if version is None or len(known) != len(inputs):
            return None
        return fold(node, known, version, self.scope.graph.limit)

    def _output(self, info: ValueInfoProto) -> Iterable[Output]:
        """The graph output, checked against what the model declares; nothing after a problem."""
        try:
            tensor = self.scope.get(info.name)
            if isinstance(tensor, Broken):
                return
            value = self.scope.value(info.name)
            _check_declared(info, value)
            if 0 in value.shape:
                raise ModelError(f"{value!r} has no elements", limits=[Limit.EMPTY])
            yield Output(info.name, value)
        except (ModelError, VerifyError) as error:
            self.problems.append((f"output '{info.name}': {error}", limit_of(error)))


def _as_results(answer: Any, node: NodeProto) -> Sequence[ImportedTensor]:
    """A rule's answer as one entry per output."""
    results = answer if isinstance(answer, tuple) else (answer,)
    surplus = [name for name in node.output[len(results) :] if name]
    if surplus:
        text = f"optional output '{surplus[0]}' is not supported"
        raise ModelError(text, limits=[Limit.OUTPUT])
    return results


def _check_declared(info: ValueInfoProto, value: Value) -> None:
    """Raise ModelError when the declared type of an output contradicts the computed one."""
    if not info.type.HasField("tensor_type"):
        if info.type.WhichOneof("value") is not None:
            kind = info.type.WhichOneof("value")
            raise ModelError(f"is declared as {kind}; expected a tensor", limits=[Limit.KIND])
        return
    declared = info.type.tensor_type
    if declared.elem_type and element_of(dtype_of(declared.elem_type)) != value.element:
        raise ModelError(
            f"inconsistent types: declared {dtype_name(declared.elem_type)}, "
            f"computed {value.element}"
        )
    if not declared.HasField("shape"):
        return
    # A size below 1 stands for an unknown one, as among the inputs.
    dims = [d.dim_value if d.dim_value > 0 else None for d in declared.shape.dim]
    fits = len(dims) == len(value.shape) and all(
        d is None or not isinstance(got, int) or d == got
        for d, got in zip(dims, value.shape, strict=True)
    )
    if not fits:
        text = ",".join("?" if d is None else str(d) for d in dims)
        raise ModelError(
            f"inconsistent shapes: declared [{text}], computed {shape_text(value.shape)}"
        )
