"""The ONNX project's own backend tests: what becomes of every case, and where that is stated."""

from __future__ import annotations

import re
import shlex
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import ziglang
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from bnnc.errors import Limit, ModelError
from bnnc.frontend import load_model
from bnnc.frontend.registry import REASONS, all_rules
from bnnc.tools.onnx_backend import BnncBackend

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")
"""Kinds of cases; ``real`` downloads networks."""

GENERAL = frozenset((Limit.OPERATOR, Limit.OPSET, Limit.TYPE, Limit.KIND, Limit.EMPTY))
"""Limits that hold everywhere and that the head of docs/operators.md states."""

MADE_CONSTANT = (Limit.CONSTANT, Limit.SHAPE)
"""Limits that fall away when the tensor that the refusal names is known."""

DYNAMIC = re.compile(r"\('([^']+)'\) must be")
TYPE_ATTRIBUTES = {"to", "dtype", "output_dtype", "output_datatype", "stash_type", "value"}
NODE = re.compile(r"node '.*?' \((\w+)(?: of [^)]*)?\): (?:(\w+) in its definition: )?")
TYPES = {
    "float64": r"\bfloat64\b",
    "float8, float4": r"\bfloat[48]e",
    "int2 to uint4": r"\bu?int[24]\b",
    "uint16, uint32, uint64": r"\buint(16|32|64)\b",
    "string": r"\bstrings?\b",
}
"""Element types that bnnc lacks, by the words of a refusal."""
LINKER = f"{shlex.quote(str(Path(ziglang.__file__).parent / 'zig'))} ld.lld"
"""The default linker without the Python process in front of it."""


@dataclass(frozen=True)
class Case:
    """One case: a model and pairs of inputs and expected outputs."""

    kind: str
    name: str
    model: onnx.ModelProto
    data: tuple[tuple[list[Any], list[Any]], ...]
    rtol: float
    atol: float

    @property
    def operators(self) -> tuple[str, ...]:
        """The kinds of its nodes."""
        return tuple(sorted({node.op_type for node in self.model.graph.node}))

    def bound(self, name: str) -> Case | None:
        """The case with an input turned into an initializer, None when it is no input.

        Only the first pair of tensors is kept, whose value the input gets.
        """
        names = [info.name for info in self.model.graph.input]
        initializers = {t.name for t in self.model.graph.initializer}
        if name not in names or name in initializers or not self.data:
            return None
        inputs, outputs = self.data[0]
        index = [n for n in names if n not in initializers].index(name)
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        del model.graph.input[names.index(name)]
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(inputs[index]), name))
        rest = [array for i, array in enumerate(inputs) if i != index]
        return Case(self.kind, self.name, model, ((rest, outputs),), self.rtol, self.atol)

    def narrowed(self) -> Case | None:
        """The case in float32, None when it is not one of float64, or names a type."""
        infos = [*self.model.graph.input, *self.model.graph.output]
        types = {info.type.tensor_type.elem_type for info in infos}
        named = {a.name for node in self.model.graph.node for a in node.attribute}
        if (
            onnx.TensorProto.DOUBLE not in types
            or named & TYPE_ATTRIBUTES
            or self.model.graph.initializer
        ):
            return None
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for info in [*model.graph.input, *model.graph.output]:
            if info.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
                info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        data = tuple((_narrow(ins), _narrow(outs)) for ins, outs in self.data)
        return Case(self.kind, self.name, model, data, self.rtol, max(self.atol, self.rtol / 10))

    def run(self, backend: str) -> None:
        """Compile to a library, load it, run it; raises AssertionError for a wrong output."""
        model = BnncBackend.prepare(self.model, linker=LINKER, backend=backend)
        for inputs, outputs in self.data:
            got = model.run(inputs)
            assert len(got) == len(outputs)
            Runner.assert_similar_outputs(outputs, got, self.rtol, self.atol)


@dataclass(frozen=True)
class Refusal:
    """Why bnnc does not take a case: the first problem of the import."""

    limit: Limit | None
    op: str
    text: str

    def stated(self) -> bool:
        """True when docs/operators.md states the limit: of the operator, or of all of them."""
        if self.limit in GENERAL or (self.limit is Limit.SHAPE and not self.op):
            return True
        return any(
            stated.limit is self.limit
            for rule in all_rules()
            if rule.op == self.op
            for stated in rule.limits
        )

    def label(self) -> str:
        """What the table counts it under."""
        if self.limit is Limit.OPERATOR:
            return "operator refused by name" if self.op in REASONS else "operator not claimed"
        if self.limit is Limit.TYPE:
            lacking = [name for name, words in TYPES.items() if re.search(words, self.text)]
            return f"element type: {lacking[0] if lacking else 'of the operator'}"
        return self.limit.value if self.limit else "no limit stated"


@cache
def cases(kind: str) -> tuple[Case, ...]:
    """Every case of a kind, models and tensors in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(_case(kind, entry) for entry in load_model_tests(kind=kind))


def _case(kind: str, entry: Any) -> Case:
    if entry.model is not None:
        data = tuple((_arrays(ins), _arrays(outs)) for ins, outs in entry.data_sets)
        return Case(kind, entry.name, entry.model, data, entry.rtol, entry.atol)
    folder = Path(entry.model_dir)
    sets = [
        (_tensors(data, "input"), _tensors(data, "output"))
        for data in sorted(folder.glob("test_data_set_*"))
    ]
    model = onnx.load(folder / "model.onnx")
    return Case(kind, entry.name, model, tuple(sets), entry.rtol, entry.atol)


def _arrays(tensors: list[Any]) -> list[Any]:
    return [numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x for x in tensors]


def _tensors(folder: Path, side: str) -> list[Any]:
    """The tensors of a data set; files of another message (sequences) are left out."""
    files = sorted(folder.glob(f"{side}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]


def _narrow(arrays: list[Any]) -> list[Any]:
    converted = [np.asarray(array) for array in arrays]
    with np.errstate(over="ignore"):
        return [a.astype(np.float32) if a.dtype == np.float64 else a for a in converted]


def refusal(case: Case) -> Refusal | None:
    """Why the import refuses the case; None when it does not."""
    try:
        load_model(case.model)
    except ModelError as error:
        text, limit = error.problems[0], error.limits[0]
        node = NODE.match(text)
        return Refusal(limit, (node[2] or node[1]) if node else "", text)
    return None


def with_constants(case: Case) -> tuple[Case, Refusal | None]:
    """The case in float32 and with a constant for every input that must be known, and its refusal
    then."""
    met = refusal(case)
    if met is not None and met.limit is Limit.TYPE:
        case = case.narrowed() or case
        met = refusal(case)
    while met is not None and met.limit in MADE_CONSTANT:
        dynamic = DYNAMIC.search(met.text)
        changed = case.bound(dynamic[1]) if dynamic else None
        if changed is None:
            break
        case, met = changed, refusal(changed)
    return case, met


@dataclass(frozen=True)
class Counts:
    """The cases of one kind: how many, how many imported unchanged, the others by limit; and how
    many of these are imported in float32 or with constants."""

    total: int
    taken: int
    repaired: Counter[Limit]
    refused: Counter[str]


def count(kind: str) -> Counts:
    """What the import makes of a kind. Whether results are right is for the tests to say."""
    refused: Counter[str] = Counter()
    repaired: Counter[Limit] = Counter()
    for case in cases(kind):
        met = refusal(case)
        if met is None:
            continue
        refused[met.label()] += 1
        if met.limit is not None and with_constants(case)[1] is None:
            repaired[met.limit] += 1
    total = len(cases(kind))
    return Counts(total, total - refused.total(), repaired, refused)


HEAD = f"""\
# ONNX backend tests

The ONNX project's backend tests, as of onnx {onnx.__version__}, each compiled to a library, loaded and run.
A case that is imported must compute the expected outputs within its own tolerance; the others are
refused, each for a limit that [operators.md](operators.md) states beside its operator, or by the
operator's name. `make onnx-suite` runs them all and rewrites this file.
"""  # noqa: E501


def table() -> str:
    """docs/onnx-suite.md."""
    counts = {kind: count(kind) for kind in KINDS}
    labels = {label for c in counts.values() for label in c.refused}
    lines = [
        HEAD,
        f"| | {' | '.join(KINDS)} | all |",
        f"|---|{'--:|' * (len(KINDS) + 1)}",
        _row("cases", [c.total for c in counts.values()]),
        _row("**passed**", [c.taken for c in counts.values()]),
        _row("**failed**", [0 for _ in counts]),
    ]
    for label in sorted(labels):
        lines.append(_row(f"refused: {label}", [c.refused[label] for c in counts.values()]))
    dynamic = sum(c.refused[limit.value] for c in counts.values() for limit in MADE_CONSTANT)
    constant = sum(c.repaired[limit] for c in counts.values() for limit in MADE_CONSTANT)
    narrowed = sum(c.repaired[Limit.TYPE] for c in counts.values())
    lines.append(
        f"""
Of the {dynamic} cases whose parameter is computed at run time or whose shape is known only then,
{constant} are taken and pass when these inputs are initializers, as exporters write them. Of those
refused for an element type, {narrowed} of float64 are taken and pass in float32."""
    )
    return "\n".join(lines) + "\n"


def _row(label: str, numbers: list[int]) -> str:
    return f"| {label} | {' | '.join(map(str, numbers))} | {sum(numbers)} |"
