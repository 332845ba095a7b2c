"""The ONNX project's own backend tests, through the compiler.

Every imported case computes the expected outputs by every backend, every other one is refused for a
limit that docs/operators.md states, and no case is a crash.
"""

from __future__ import annotations

import re

import onnx
import pytest
from conftest import ROOT, Golden
from onnx_suite import KINDS, Case, cases, refusal, table, with_constants
from sampling import Sample

from bnnc.errors import BnncError
from bnnc.frontend.registry import find_rule

PARTS = {"node": 12}
"""Parts in which a kind is tested, so that the processes of a run share it; each has all cases of
its operators."""

TABLE = ROOT / "docs" / "onnx-suite.md"


def imported(case: Case) -> Case | str:
    """The case as it is to be run, or what its refusal lacks: nothing where it is stated."""
    met = refusal(case)
    if met is not None and not met.stated():
        return f"no operator states this limit ({met.limit}): {met.text}"
    case, met = with_constants(case)
    if met is not None:
        return "" if met.stated() else f"with constants, no operator states this: {met.text}"
    return case


def run(case: Case, backend: str) -> str:
    """What is wrong with a case that is imported, which no backend may refuse."""
    try:
        case.run(backend)
    except (AssertionError, BnncError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def part_of(kind: str, part: int) -> list[Case]:
    operators = sorted({case.operators for case in cases(kind)})[part :: PARTS.get(kind, 1)]
    return [case for case in cases(kind) if case.operators in operators]


@pytest.mark.parametrize(
    ("kind", "part"), [(kind, part) for kind in KINDS for part in range(PARTS.get(kind, 1))]
)
def test_cases(backend: str, kind: str, part: int, sample: Sample) -> None:
    """All are imported or refused as stated; in a sample, one of those that are imported is run for
    each set of operators."""
    results = {case.name: imported(case) for case in part_of(kind, part)}
    to_run = [result for result in results.values() if isinstance(result, Case)]
    wrong = {name: text for name, text in results.items() if text and isinstance(text, str)}
    for case in sample.of(to_run, lambda case: case.operators, f"{kind} {backend}"):
        if text := run(case, backend):
            wrong[case.name] = text
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())


def test_table(golden: Golden) -> None:
    """The committed counts are those of this importer."""
    version = re.search(r"as of onnx ([\d.]+),", TABLE.read_text()) if TABLE.exists() else None
    if version is not None and version[1] != onnx.__version__ and not golden.update:
        pytest.skip(f"{TABLE.name} counts the cases of onnx {version[1]}, not {onnx.__version__}")
    golden.check(TABLE, table())


def test_every_claimed_operator_has_a_case_that_passes() -> None:
    """Some case of each operator, constants where it needs them, is imported."""
    tried: set[str] = set()
    taken: set[str] = set()
    for case in cases("node"):
        ops = {node.op_type for node in case.model.graph.node if not node.domain}
        tried |= ops
        if not ops <= taken and with_constants(case)[1] is None:
            taken |= ops
    version = onnx.defs.onnx_opset_version()
    claimed = {op for op in tried if find_rule("", op, version) is not None}
    assert not sorted(claimed - taken)
