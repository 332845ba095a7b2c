"""`bnnc inspect`: the same rows for a model and for what was compiled from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Cli

ON_BITS = {"/conv1/Conv", "/conv2/Conv", "/conv3/Conv", "/conv4/Conv"}
LAYER_KEYS = {
    "name", "op", "binarized", "reason", "input", "output", "macs", "binary_macs", "weight_bytes",
}  # fmt: skip


def test_a_model_as_json(cli: Cli, mnist: Path) -> None:
    found = json.loads(cli.good("inspect", mnist, "--json"))
    assert (found["kind"], found["name"], found["target"]) == ("model", "mnist_bnn", None)
    assert (found["binarized"], found["total"]) == (4, 6)
    assert (found["macs"], found["binary_macs"]) == (11_175_680, 10_948_608)
    assert found["inputs"] == [{"name": "image", "dtype": "float32", "shape": ["N", 1, 28, 28]}]
    assert found["outputs"] == [{"name": "logits", "dtype": "float32", "shape": ["N", 10]}]
    assert found["source"]["bytes"] == 1_016_912
    assert found["source"]["opset"] == 17
    assert {layer["name"] for layer in found["layers"] if layer["binarized"]} == ON_BITS
    for layer in found["layers"]:
        assert set(layer) == LAYER_KEYS
        assert layer["binary_macs"] == layer["macs"] * layer["binarized"]
        assert layer["reason"]


def test_a_model_as_text(cli: Cli, mnist: Path) -> None:
    shown = cli.good("inspect", mnist)
    assert "input   image: float32 Nx1x28x28" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    for name in ON_BITS:
        assert lines[name].split()[2] == "yes"
    assert lines["/stem/Conv"].split()[2] == "no"
    assert "activations are float" in lines["/stem/Conv"]
    assert "4 of 6" in lines["total"]


def test_a_shape_fixes_the_batch(cli: Cli, mnist: Path) -> None:
    found = json.loads(cli.good("inspect", mnist, "--json", "--shape", "image=2x1x28x28"))
    assert found["inputs"][0]["shape"] == [2, 1, 28, 28]
    open_again = json.loads(cli.good("inspect", mnist, "--json", "--shape", "image=Nx1x28x28"))
    assert open_again["inputs"][0]["shape"] == ["N", 1, 28, 28]


def test_an_artifact(cli: Cli, tiny: Path) -> None:
    found = json.loads(cli.good("inspect", tiny, "--json"))
    assert (found["kind"], found["name"], found["prefix"]) == ("artifact", "tiny", "tiny")
    assert (found["binarized"], found["total"], found["bytes"]) == (0, 1, tiny.stat().st_size)
    assert [set(layer) for layer in found["layers"]] == [LAYER_KEYS]
    shown = cli.good("inspect", tiny)
    for text in ("target  baseline", "input   b: int8 N", "output  signs: bool 2N", "double"):
        assert text in shown


def test_an_artifact_for_another_machine(cli: Cli, foreign: Path) -> None:
    assert json.loads(cli.good("inspect", foreign, "--json"))["kind"] == "artifact"


def test_model_and_artifact_show_the_same_layers(cli: Cli, mnist: Path, compiled: Path) -> None:
    model = json.loads(cli.good("inspect", mnist, "--json"))
    artifact = json.loads(cli.good("inspect", compiled, "--json"))
    same = ("layers", "inputs", "outputs", "source", "binarized", "total", "macs", "binary_macs")
    for key in same:
        assert artifact[key] == model[key]
    shown = [cli.good("inspect", path).splitlines()[-7:] for path in (mnist, compiled)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello\n", "not an ONNX"),
        (b"\x7fELF", "bad: "),
        (b"\x7fELF\x02\x01\x01" + bytes(57), "bad: "),
    ],
)
def test_what_is_neither_is_one_line(cli: Cli, content: bytes, words: str) -> None:
    Path("bad").write_bytes(content)
    assert words in cli.bad("inspect", "bad")
    assert words in cli.bad("inspect", "bad", "--json")


@pytest.mark.parametrize("path", ["nothere", ".", "/dev/null"])
def test_what_cannot_be_read_is_one_line(cli: Cli, path: str) -> None:
    assert cli.bad("inspect", path).startswith(f"bnnc: {path}: ")
