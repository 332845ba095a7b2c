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
NODE = re.compile(r"node '.*?' \((\w+)(?: of [^)]*)?\): (?:(\w+) in its definition: )?")
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

    def bound(self, name: str) -> Case | None:
        """The case with an input turned into an initializer, None when it is no input.

        Only the first pair of tensors is kept, whose value the input gets.
        """
        names = [info.name for info in self.model.graph.input]
        held = {t.name for t in self.model.graph.initializer}
        if name not in names or name in held or not self.data:
            return None
        inputs, outputs = self.data[0]
        index = [n for n in names if n not in held].index(name)
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        del model.graph.input[names.index(name)]
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(inputs[index]), name))
        rest = [array for i, array in enumerate(inputs) if i != index]
        return Case(self.kind, self.name, model, ((rest, outputs),), self.rtol, self.atol)

    def run(self) -> None:
        """Compile to a library, load it, run it; raises AssertionError for a wrong output."""
        model = BnncBackend.prepare(self.model, linker=LINKER)
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


def _arrays(held: list[Any]) -> list[Any]:
    return [numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x for x in held]


def _tensors(folder: Path, side: str) -> list[Any]:
    """The tensors of a data set; files of another message (sequences) are left out."""
    files = sorted(folder.glob(f"{side}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]


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
    """The case with every input that must be known made constant, and what it meets then."""
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
    """The cases of one kind: how many, how many imported as they are or with constants, the rest
    by limit."""

    total: int
    taken: int
    taken_with_constants: int
    refused: Counter[str]


def count(kind: str) -> Counts:
    """What the import makes of a kind. Whether results are right is for the tests to say."""
    refused: Counter[str] = Counter()
    repaired = 0
    for case in cases(kind):
        met = refusal(case)
        if met is None:
            continue
        refused[met.label()] += 1
        if met.limit in MADE_CONSTANT:
            repaired += with_constants(case)[1] is None
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
    found = {label for c in counts.values() for label in c.refused}
    lines = [
        HEAD,
        f"| | {' | '.join(KINDS)} | all |",
        f"|---|{'--:|' * (len(KINDS) + 1)}",
        _row("cases", [c.total for c in counts.values()]),
        _row("**passed**", [c.taken for c in counts.values()]),
        _row("**failed**", [0 for _ in counts]),
    ]
    for label in sorted(found):
        lines.append(_row(f"refused: {label}", [c.refused[label] for c in counts.values()]))
    dynamic = sum(c.refused[limit.value] for c in counts.values() for limit in MADE_CONSTANT)
    repaired = sum(c.taken_with_constants for c in counts.values())
    lines.append(
        f"""
Of the {dynamic} cases whose parameter is computed at run time or whose shape is known only then,
{repaired} are taken and pass when these inputs are initializers, as exporters write them."""
    )
    return "\n".join(lines) + "\n"


def _row(label: str, numbers: list[int]) -> str:
    return f"| {label} | {' | '.join(map(str, numbers))} | {sum(numbers)} |"
