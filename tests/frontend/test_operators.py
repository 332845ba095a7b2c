"""docs/operators.md is what the import rules say."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, Golden
from onnx import defs

from bnnc.frontend import NEWEST_OPSET
from bnnc.frontend.registry import REASONS, find_rule
from bnnc.tools import operator_docs

NEWEST_KNOWN = 28
"""The opset whose operators the committed file lists as claimed or not."""


@pytest.mark.skipif(NEWEST_OPSET != NEWEST_KNOWN, reason="the installed onnx has other operators")
def test_committed_file(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "operators.md", operator_docs.text())


def test_control_flow_sequences_training_and_random_operators_are_refused_by_name() -> None:
    for op in ("Loop", "Scan", "SequenceAt", "Optional", "Adam", "Gradient", "RandomNormal"):
        assert op in REASONS
        assert find_rule("", op, NEWEST_OPSET) is None


def test_every_standard_operator_is_listed() -> None:
    """As claimed, computed at import, refused by name or not claimed."""
    text = operator_docs.text().replace(",", " ").replace("|", " ")
    words = set(text.split())
    assert not [s.name for s in defs.get_all_schemas()
                if not s.domain and not s.deprecated and s.name not in words]  # fmt: skip


def test_written_to_a_file(tmp_path: Path) -> None:
    assert operator_docs.main([str(tmp_path / "operators.md")]) == 0
    assert (tmp_path / "operators.md").read_text(encoding="utf-8") == operator_docs.text()
