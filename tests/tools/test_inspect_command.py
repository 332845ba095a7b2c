"""`bnnc inspect`: the same rows for a model and for its artifact."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from cli_support import Cli
from onnx import TensorProto, helper, numpy_helper

ON_BITS = {"/conv1/Conv", "/conv2/Conv", "/conv3/Conv", "/conv4/Conv"}
LAYER_KEYS = {
    "name", "op", "binarized", "reason", "input", "output", "macs", "binary_macs", "weight_bytes",
    "window", "activation_bits", "weight_bits",
}  # fmt: skip
AS_MODEL = "+1 at 0, as the model says"
MODEL_KEYS = LAYER_KEYS | {
    "advice", "kernel", "strides", "pads", "dilations", "groups", "sign_zero", "kernels",
}  # fmt: skip


def test_integers_state_their_bits(cli: Cli, tmp_path: Path) -> None:
    """A product of 2-bit activations and 3-level weights, between floats and signs."""
    w = np.resize(np.float32([0.5, 0, -0.5, 0.5, 0.5]), (32, 16))
    numbers = {"three": np.float32(3), "low": np.float32(0), "high": np.float32(1), "w": w}
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["c"]),
        helper.make_node("Mul", ["c", "three"], ["m"]),
        helper.make_node("Round", ["m"], ["r"]),
        helper.make_node("Div", ["r", "three"], ["q"]),
        helper.make_node("MatMul", ["q", "w"], ["y"], name="product"),
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])
        for name, size in (("x", 32), ("y", 16))
    )
    constants = [numpy_helper.from_array(a, name) for name, a in numbers.items()]
    graph = helper.make_graph(nodes, "few", [x], [y], constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    path, library = tmp_path / "few.onnx", tmp_path / "few.so"
    path.write_bytes(proto.SerializeToString())
    compiled = cli.good("compile", path, "-o", library, "--target", "x86-64-v3")
    assert "0 of 1 layers on bits, 1 on integers, " in compiled
    for inspected in (path, library):
        report = json.loads(cli.good("inspect", inspected, "--json"))
        (layer,) = report["layers"]
        assert (layer["activation_bits"], layer["weight_bits"]) == (2, 2)
        assert (report["integers"], report["weight_bytes"]) == (1, 32 * 16 // 4)
        assert re.search(r"^product +2x2 ", cli.good("inspect", inspected), re.MULTILINE)


def test_a_model_as_json(cli: Cli, mnist: Path) -> None:
    report = json.loads(cli.good("inspect", mnist, "--json"))
    assert (report["kind"], report["name"], report["target"]) == ("model", "mnist_bnn", None)
    assert (report["binarized"], report["total"]) == (4, 6)
    assert (report["macs"], report["binary_macs"]) == (11_175_680, 10_948_608)
    assert report["inputs"] == [{"name": "image", "dtype": "float32", "shape": ["N", 1, 28, 28]}]
    assert report["outputs"] == [{"name": "logits", "dtype": "float32", "shape": ["N", 10]}]
    assert report["source"]["bytes"] == 1_016_912
    assert report["source"]["opset"] == 17
    assert {layer["name"] for layer in report["layers"] if layer["binarized"]} == ON_BITS
    for layer in report["layers"]:
        assert set(layer) == MODEL_KEYS
        assert layer["binary_macs"] == layer["macs"] * layer["binarized"]
        assert layer["reason"]
        assert bool(layer["advice"]) != layer["binarized"]
    conv3 = report["layers"][3]
    assert (conv3["kernel"], conv3["strides"], conv3["pads"]) == ([3, 3], [1, 1], [0] * 4)
    assert (conv3["dilations"], conv3["groups"], conv3["sign_zero"]) == ([1, 1], 1, AS_MODEL)


def test_a_model_as_text(cli: Cli, mnist: Path) -> None:
    shown = cli.good("inspect", mnist)
    assert "input   image: float32 Nx1x28x28" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert re.split("  +", lines["layer"])[-3:] == ["MACs", "bit ops", "weights"]
    for name in ON_BITS:
        assert lines[name].split()[1] == "yes"
    assert lines["/stem/Conv"].split()[1] == "no"
    below = shown[shown.index("/stem/Conv") :].splitlines()[1:5]
    assert [line.split()[0] for line in below] == ["op", "by", "why", "advice"]
    assert "conv 3x3, stride 1, pads 1" in below[0]
    assert re.search(r"conv \(llvm\), predicted [\d.]+k cycles, [\d.]+ us at 2.5 GHz$", below[1])
    assert "activations are float" in below[2]
    assert "4 of 6" in lines["total"]


@pytest.mark.parametrize(("columns", "width"), [("40", 80), ("80", 80), ("100", 100), ("400", 120)])
def test_text_keeps_to_the_width(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    """Names that do not fit their column stand above their row, uncut."""
    name = "a/very/long/name/as/exporters/write/them/" * 2 + "Conv"
    write_signs(Path("long.onnx"), name, 1.0)
    monkeypatch.setenv("COLUMNS", columns)
    shown = cli.good("inspect", "long.onnx")
    assert {name, f"{name} 2"} < set(shown.splitlines())
    wide = [line for line in shown.splitlines() if len(line) > width]
    assert all(line.startswith(name) for line in wide)


def write_signs(path: Path, name: str, offset: float) -> None:
    """sign(conv(sign(x)) + offset) and a convolution of it, named ``name`` and ``name 2``.
    Counts are integers: with an offset of 0.5 no 0 reaches the second sign."""
    rng = np.random.default_rng(1)
    weights = [np.sign(rng.standard_normal((4, 4, 2, 1))).astype(np.float32) for _ in "12"]
    nodes = [
        helper.make_node("Sign", ["x"], ["s"]),
        helper.make_node("Conv", ["s", "w"], ["c"], name=name),
        helper.make_node("Add", ["c", "o"], ["a"]),
        helper.make_node("Sign", ["a"], ["t"]),
        helper.make_node("Conv", ["t", "v"], ["y"], name=f"{name} 2"),
    ]
    constants = [*zip("wv", weights, strict=True), ("o", np.float32([[[[offset]]]]))]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 5, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 3, 1])],
        [numpy_helper.from_array(array, key) for key, array in constants],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


MASK, NEVER = "0 at 0, kept by a mask plane", "0 at 0, which no count reaches"
WORD = "+1 at 0 on the user's word (--sign-zero=+1)"


@pytest.mark.parametrize(
    ("offset", "option", "states"),
    [
        (0.5, "exact", [MASK, NEVER]),
        (0.0, "exact", [MASK, MASK]),
        (0.0, "+1", [WORD, WORD]),
    ],
)
def test_what_becomes_of_zero_at_the_sign(
    cli: Cli, offset: float, option: str, states: list[str]
) -> None:
    write_signs(Path("z.onnx"), "conv", offset)
    arguments = ("inspect", "z.onnx", "--sign-zero", option)
    report = json.loads(cli.good(*arguments, "--json"))
    assert [layer["sign_zero"] for layer in report["layers"]] == states
    shown = cli.good(*arguments)
    assert [line[13:] for line in shown.splitlines() if line.startswith("    sign(0)")] == states


def test_a_shape_fixes_the_batch(cli: Cli, mnist: Path) -> None:
    report = json.loads(cli.good("inspect", mnist, "--json", "--shape", "image=2x1x28x28"))
    assert report["inputs"][0]["shape"] == [2, 1, 28, 28]
    open_again = json.loads(cli.good("inspect", mnist, "--json", "--shape", "image=Nx1x28x28"))
    assert open_again["inputs"][0]["shape"] == ["N", 1, 28, 28]


def test_an_artifact(cli: Cli, tiny: Path) -> None:
    report = json.loads(cli.good("inspect", tiny, "--json"))
    assert (report["kind"], report["name"], report["prefix"]) == ("artifact", "tiny", "tiny")
    assert (report["binarized"], report["total"], report["bytes"]) == (0, 1, tiny.stat().st_size)
    assert [set(layer) for layer in report["layers"]] == [LAYER_KEYS]
    shown = cli.good("inspect", tiny)
    for text in ("target  baseline", "input   b: int8 N", "output  signs: bool 2N", "double"):
        assert text in shown


def test_an_artifact_for_another_machine(cli: Cli, foreign: Path) -> None:
    assert json.loads(cli.good("inspect", foreign, "--json"))["kind"] == "artifact"


def test_model_and_artifact_show_the_same_layers(cli: Cli, mnist: Path, compiled: Path) -> None:
    model = json.loads(cli.good("inspect", mnist, "--json"))
    artifact = json.loads(cli.good("inspect", compiled, "--json"))
    same = ("inputs", "outputs", "source", "binarized", "total", "macs", "binary_macs")
    for key in same:
        assert artifact[key] == model[key]
    shared = [{key: layer[key] for key in LAYER_KEYS} for layer in model["layers"]]
    assert artifact["layers"] == shared
    rows: list[list[str]] = []
    for path in (mnist, compiled):
        lines = cli.good("inspect", path).splitlines()
        table = lines[lines.index("") + 1 :]
        table = table[: table.index("") if "" in table else None]
        rows.append([line for line in table if not line.startswith("    ")])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 8  # a head, six layers, the total


def test_an_artifact_says_what_runs(cli: Cli, compiled: Path) -> None:
    kernels = json.loads(cli.good("inspect", compiled, "--json"))["kernels"]
    binary = [kernel for kernel in kernels if kernel["op"] == "binary_conv"]
    assert {kernel["name"] for kernel in binary} == ON_BITS
    assert all(kernel["macs"] and kernel["kernel"].startswith("binary_conv") for kernel in binary)
    for kernel in kernels:
        assert kernel["steps"] >= 1
        assert kernel["cycles"] > 0
    shown = " ".join(cli.good("inspect", compiled).split())
    assert re.search(r"kernels .*\d binary_conv.* cycles a sample predicted", shown)


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
    done = cli("inspect", "bad", "--json")
    assert done.code == 2
    if not content.startswith(b"\x7fELF"):
        assert json.loads(done.out)["problems"] == [done.err.removeprefix("bnnc: bad: ").rstrip()]


@pytest.mark.parametrize("path", ["nothere", ".", "/dev/null"])
def test_what_cannot_be_read_is_one_line(cli: Cli, path: str) -> None:
    assert cli.bad("inspect", path).startswith(f"bnnc: {path}: ")


@pytest.mark.parametrize(
    ("name", "attributes", "blamed"),
    [
        ("Relu", {}, "node 'before' (Relu)"),
        ("HardSwish", {}, "node 'before' (HardSwish)"),
        ("Softsign", {}, "node 'before' (Softsign)"),
        ("GlobalLpPool", {}, "node 'before' (GlobalLpPool)"),
        ("Pad", {"mode": "edge"}, "node 'first' (Sigmoid)"),
    ],
)
@pytest.mark.parametrize("axes", [2, 3])
def test_reasons_name_what_the_model_has(
    cli: Cli, tmp_path: Path, name: str, attributes: dict[str, object], blamed: str, axes: int
) -> None:
    """An operator that the importer writes out in others, and a convolution that it unfolds."""
    weights = numpy_helper.from_array(np.ones((1, 4, *[1] * axes), np.float32), "w")
    pads = [0, 0, *[1] * axes] * 2
    constants = [weights, numpy_helper.from_array(np.array(pads, np.int64), "pads")]
    operands = ["f", *["pads"] * (name == "Pad")]
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["f"], "first"),
        helper.make_node(name, operands, ["b"], "before", **attributes),
        helper.make_node("Conv", ["b", "w"], ["y"], "layer"),
    ]
    shape = ["N", 4, *[3] * axes]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    made = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(nodes, "g", [given], [made], constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        tmp_path / "m.onnx",
    )
    (layer,) = json.loads(cli("inspect", tmp_path / "m.onnx", "--json").out)["layers"]
    assert layer["reason"] == f"activations are float: {blamed} is not a sign"
    assert blamed in layer["advice"]
