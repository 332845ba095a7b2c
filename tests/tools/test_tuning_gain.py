"""Untuned and tuned code side by side; no test asserts a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bnnc.tools.benchmarks import tuning_gain


def test_a_row_for_each_model_and_their_mean(
    mnist: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = ["--seconds", "0.01", "--tune-seconds", "0.001"]
    assert tuning_gain.main([str(mnist), "--models", str(mnist.parent), *options]) == 0
    head, titles, *rows, mean = capsys.readouterr().out.splitlines()
    assert "one thread" in head
    assert titles.split()[:4] == ["network", "untuned", "tuned", "ratio"]
    assert len(rows) == 1 + len(list(mnist.parent.glob("*.onnx")))
    assert all(re.search(r" \d+\.\d{3} +\d+ of \d+$", row) for row in rows)
    assert re.fullmatch(r"geometric mean +\d+\.\d{3}", mean)


def test_without_models_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert tuning_gain.main([]) == 2
    assert "name models, or a folder of them with --models" in capsys.readouterr().err
