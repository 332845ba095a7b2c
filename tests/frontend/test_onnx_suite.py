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

from bnnc.errors import BnncError
from bnnc.frontend.registry import find_rule

PARTS = {"node": 12}
"""Parts in which a kind is tested, so that the processes of a run share it."""

TABLE = ROOT / "docs" / "onnx-suite.md"


def outcome(case: Case, backend: str) -> str:
    """What is wrong with a case; nothing when it passes or is refused as stated. No backend may
    refuse an imported case."""
    met = refusal(case)
    if met is not None and not met.stated():
        return f"no operator states this limit ({met.limit}): {met.text}"
    case, met = with_constants(case)
    if met is not None:
        return "" if met.stated() else f"with constants, no operator states this: {met.text}"
    try:
        case.run(backend)
    except (AssertionError, BnncError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize(
    ("kind", "part"), [(kind, part) for kind in KINDS for part in range(PARTS.get(kind, 1))]
)
def test_cases(backend: str, kind: str, part: int) -> None:
    outcomes = {
        case.name: outcome(case, backend) for case in cases(kind)[part :: PARTS.get(kind, 1)]
    }
    wrong = [f"{name}: {text}" for name, text in outcomes.items() if text]
    assert not wrong, "\n".join(wrong)


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
