"""Problems of an import: their messages, the nearest supported operator, how to go on after one."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from onnx import (
    GraphProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    checker,
    defs,
    numpy_helper,
    shape_inference,
)

from ...errors import Limit, ModelError, VerifyError, harmless
from ...ir import F16, F64, Batch, Dim, TensorType, Value, scalar_of
from ..prepare.reader import ONNX_NAMES, Checked
from ..prepare.tensor_data import dtype_of
from ..registry import ONNX, QONNX, REASONS, Rule, all_rules, find_rule
from .call import node_name
from .constant_folding import FOLDED
from .function_bodies import type_of
from .scope import Broken, ImportedTensor

Problem = tuple[str, Limit | None]
"""What is wrong, and the limit of bnnc that was met; None when the model itself is wrong."""


SHOWN = 20
"""Problems that the message of an error lists; its ``problems`` are all of them."""

LONGEST = 2000
"""Letters of one problem in a message."""


def limit_of(error: ModelError | VerifyError) -> Limit | None:
    """The limit that one node was refused for."""
    return error.limits[0] if isinstance(error, ModelError) else None


def problems_of(error: ModelError | VerifyError) -> list[Problem]:
    """The problems that one error reports."""
    if isinstance(error, ModelError) and error.problems:
        return list(zip(error.problems, error.limits, strict=True))
    return [(str(error), limit_of(error))]


def problems_error(label: str, problems: Sequence[Problem]) -> ModelError:
    """One error for all problems, on one line whatever names the model has; the line has the first
    `SHOWN` of them, and of each as much as one can read."""
    texts = [harmless(text) for text, _ in problems]
    head = f"{len(texts)} problems: " if len(texts) > 1 else ""
    shown = [t if len(t) <= LONGEST else f"{t[:LONGEST]}.." for t in texts[:SHOWN]]
    rest = len(texts) - len(shown)
    more = f"; {rest} more, which bnnc inspect --json lists" if rest else ""
    message = f"{harmless(label)}: {head}{'; '.join(shown)}{more}"
    return ModelError(message, texts, [limit for _, limit in problems])


def node_problem(
    node: NodeProto, domain: str, version: int | None, error: ModelError | VerifyError
) -> Problem:
    """``node 'pad' (Pad of ai.onnx 17): what is wrong``."""
    where = domain or "ai.onnx"
    at = f"{where} {version}" if version is not None else where
    return f"node '{node_name(node)}' ({node.op_type} of {at}): {error}", limit_of(error)


def unsupported(node: NodeProto, domain: str, version: int | None) -> ModelError:
    """The refusal of an operator without a rule, with the reason or what comes nearest."""
    hint = why_not(domain, node.op_type, version)
    text = "this operator is not supported"
    return ModelError(f"{text}: {hint}" if hint else text, limits=[Limit.OPERATOR])


def without_rule(checked: Checked) -> list[Problem]:
    """The problems that do not depend on operands: operators without a rule."""
    problems: list[Problem] = []
    for node in checked.nodes:
        domain = "" if node.domain in ONNX_NAMES else node.domain
        version = checked.versions.get(domain)
        if find_rule(domain, node.op_type, version) is None and node.op_type not in FOLDED:
            error = unsupported(node, domain, version)
            problems.append(node_problem(node, domain, version, error))
    return problems


@functools.lru_cache(1024)
def why_not(domain: str, op: str, version: int | None) -> str:
    """Why an operator has no rule, or the nearest supported one; '' when none is near."""
    rules = all_rules()
    if op in REASONS:
        return REASONS[op]
    if domain in REASONS:
        return REASONS[domain]
    same = [r for r in rules if r.op == op and r.domain == domain]
    if same:
        return f"{_versions(same)} of {domain or 'ai.onnx'} supported, not {version}"
    elsewhere = {r.domain for r in rules if r.op == op}
    if elsewhere:
        first = next((d for d in (ONNX, *QONNX) if d in elsewhere), min(elsewhere))
        return f"supported in domain {first or 'ai.onnx'}"
    if domain == ONNX and defs.has(op):
        return ""
    names = sorted({r.op for r in rules})
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(op.lower(), lower, 1, 0.8)
    return f"the nearest supported operator is {lower[near[0]]}" if near else ""


def _versions(rules: Sequence[Rule]) -> str:
    spans = [f"{r.since} to {r.until}" if r.until else f"{r.since} and later" for r in rules]
    return f"versions {', '.join(spans)}"


class StandIns:
    """Stand-ins for results that could not be imported, so that their readers are examined too.

    Such a value has the type that the model declares or that ONNX infers; without one the readers
    are skipped. The graph is not used once there is a problem.
    """

    def __init__(self, graph: GraphProto) -> None:
        self._declared = {info.name: info for info in (*graph.value_info, *graph.output)}

    def results(
        self,
        node: NodeProto,
        domain: str,
        version: int | None,
        inputs: Sequence[ImportedTensor | None],
    ) -> list[ImportedTensor]:
        """An entry for each output of a node, without a value for nodes that have only constants:
        their readers may ask for a constant."""
        if not any(isinstance(tensor, Value) for tensor in inputs):
            return [Broken()] * len(node.output)
        inferred = _inferred(node, version, inputs) if domain == ONNX else {}
        return [self._value(name, inferred.get(name)) for name in node.output]

    def _value(self, name: str, inferred: TypeProto | None) -> ImportedTensor:
        declared = self._declared.get(name, ValueInfoProto()).type
        for type_ in (inferred, declared):
            tensor_type = None if type_ is None else _tensor_type(type_)
            if tensor_type is not None:
                return Value(name, tensor_type)
        return Broken()


def _inferred(
    node: NodeProto, version: int | None, inputs: Sequence[ImportedTensor | None]
) -> Mapping[str, TypeProto]:
    """Types of a standard node's outputs by ONNX shape inference."""
    if version is None or not defs.has(node.op_type, version, ""):
        return {}
    if any(a.name == "batch_dims" and a.i < 0 for a in node.attribute):
        return {}  # onnx 1.23 reads foreign memory for GatherND.
    given = [(n, h) for n, h in zip(node.input, inputs, strict=True) if h is not None]
    if any(isinstance(tensor, Broken) for _, tensor in given):
        return {}
    types = {name: type_of(tensor) for name, tensor in given}
    data = dict(_small(given))
    schema = defs.get_schema(node.op_type, version, "")
    try:
        return shape_inference.infer_node_outputs(schema, node, types, data)
    except (RuntimeError, TypeError, ValueError, shape_inference.InferenceError,
            checker.ValidationError):  # fmt: skip
        return {}


def _small(given: Sequence[tuple[str, ImportedTensor]]) -> Iterator[tuple[str, TensorProto]]:
    for name, tensor in given:
        if isinstance(tensor, np.ndarray) and tensor.size <= 64:
            yield name, numpy_helper.from_array(tensor)


def _tensor_type(type_: TypeProto) -> TensorType | None:
    """The type of a tensor whose dimensions are all known; only the first one may be N."""
    tensor = type_.tensor_type
    if not type_.HasField("tensor_type") or not tensor.HasField("shape") or not tensor.elem_type:
        return None
    dims: list[Dim] = []
    for axis, dim in enumerate(tensor.shape.dim):
        if dim.WhichOneof("value") == "dim_value" and dim.dim_value > 0:
            dims.append(dim.dim_value)
        elif axis == 0 and dim.WhichOneof("value") == "dim_param":
            dims.append(Batch())
        else:
            return None
    try:
        element = scalar_of(dtype_of(tensor.elem_type))
        return None if element in (F16, F64) else TensorType(tuple(dims), element)
    except (ModelError, VerifyError):
        return None
