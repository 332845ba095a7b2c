"""Functions next to ONNX Runtime; no test asserts a time."""

from __future__ import annotations

import re

import pytest

from bnnc.tools.benchmarks import function_times


def test_a_row_for_each_operator(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--seconds", "0.01", "--shape", "2", "40"]
    assert function_times.main(["Exp", "Softmax", *options]) == 0
    head, titles, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith("one thread, 2x40 floats")
    assert titles.split()[:3] == ["operator", "bnnc", "median"]
    assert [row.split()[0] for row in rows] == ["Exp", "Softmax"]
    assert all(re.search(r" \d+\.\d\d$", row) for row in rows)


def test_an_unknown_operator_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert function_times.main(["Gelu"]) == 2
    assert "unknown operator 'Gelu'; expected some of Exp" in capsys.readouterr().err
