"""The demo runs and reports its results; no test asserts a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Cli, files

from bnnc.tools import demo
from bnnc.tools.benchmarks import onnx_engines


def test_the_demo_ends_well(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--seconds", "0.05"]) == 0
    shown, err = capsys.readouterr()
    assert err == ""
    for text in (
        "198 right, 99.0 %",
        "the same digit as ONNX Runtime on 200 of 200",
        "onnxruntime",
        'bnnc.load("mnist-arm64.so")',
    ):
        assert text in shown
    assert len(shown.splitlines()) < 30
    expected = ["build", "build/demo", *(f"build/demo/{n}" for n in DEMO_FILES)]
    assert files(cli.folder) == expected
    inspected = json.loads(cli.good("inspect", "build/demo/mnist-arm64.so", "--json"))
    assert inspected["target"]["machine"] == "aarch64"
    assert inspected["prefix"] == "mnist"


DEMO_FILES = ("mnist-arm64.h", "mnist-arm64.so", "mnist.so")


def test_the_demo_without_onnxruntime_says_so(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = onnx_engines.Peer(
        "onnxruntime", "a_library_that_nobody_has", onnx_engines.ONNXRUNTIME.start
    )
    monkeypatch.setattr(demo, "ONNXRUNTIME", absent)
    assert demo.main(["--seconds", "0.05"]) == 0
    assert "no comparison: onnxruntime is not installed" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_one_line(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("")
    assert demo.main(["--output", "file/demo"]) == 2
    assert capsys.readouterr() == ("", "bnnc: file/demo: cannot write: Not a directory\n")
