"""The demo and the benchmark run and say what they found; no test asserts a time."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from cli_support import Cli, files

from bnnc.driver import import_model, recognised
from bnnc.tools import bench, demo, layer_models, peers


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
    made = ["build", "build/demo", *(f"build/demo/{n}" for n in DEMO_FILES)]
    assert files(cli.folder) == made
    found = json.loads(cli.good("inspect", "build/demo/mnist-arm64.so", "--json"))
    assert found["target"]["machine"] == "aarch64"
    assert found["prefix"] == "mnist"


DEMO_FILES = ("mnist-arm64.h", "mnist-arm64.so", "mnist.so")


def test_the_demo_without_onnxruntime_says_so(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = peers.Peer("onnxruntime", "a_library_that_nobody_has", peers.ONNXRUNTIME.start)
    monkeypatch.setattr(demo, "ONNXRUNTIME", absent)
    assert demo.main(["--seconds", "0.05"]) == 0
    assert "no comparison: onnxruntime is not installed" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_one_line(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("")
    assert demo.main(["--output", "file/demo"]) == 2
    assert capsys.readouterr() == ("", "bnnc: file/demo: cannot write: Not a directory\n")


def test_benchmarks_networks(cli: Cli, mnist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.onnx").write_bytes(b"")
    options = ["--only", "networks", "--seconds", "0.05", "--json", "o.json", "--markdown", "o.md"]
    assert bench.main([str(mnist), "bad.onnx", *options]) == 0
    shown = capsys.readouterr().out
    assert shown == Path("o.md").read_text()
    assert "| mnist_bnn | 4 of 6 | " in shown
    assert "- bad: bad.onnx: is empty" in shown
    found = json.loads(Path("o.json").read_text())
    good, bad = found["networks"]
    assert (found["layers"], good["binarized"], good["layers"]) == ([], 4, 6)
    assert good["onnx_bytes"] == mnist.stat().st_size
    assert good["ratio"] > 0
    assert set(found["versions"]) >= {"bnnc", "numpy", "onnxruntime", "openvino"}
    assert bad["times"] == {}
    if found["versions"]["openvino"] is None:
        assert good["problems"] == {"openvino": "not installed"}


def test_benchmarks_layers(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_models, "SHAPES", (layer_models.Shape(6, 64),))
    assert bench.main(["--only", "layers", "--seconds", "0.05"]) == 0
    assert "| 6x6x64 | " in capsys.readouterr().out


@pytest.mark.parametrize("shape", layer_models.SHAPES, ids=lambda shape: shape.name)
def test_measured_layers_run_on_bits(shape: layer_models.Shape) -> None:
    model = layer_models.chain(shape, 2)
    onnx.checker.check_model(model)
    assert [v.binarized for v in recognised(import_model(model).graph)] == [True, True]
    macs = layer_models.Shape(14, 256).macs
    assert macs == 14 * 14 * 256 * 256 * 9


def test_a_folder_without_models_is_one_line(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--models", "."]) == 2
    assert capsys.readouterr().err == "bnnc: .: no .onnx files there\n"
