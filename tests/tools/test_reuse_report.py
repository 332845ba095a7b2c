"""Reuse along trees, from an ONNX file to outputs: they are the same bits, whatever is reused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from cli_support import Cli
from onnx import TensorProto, helper, numpy_helper

import bnnc
from bnnc.runtime.artifact import read_manifest
from bnnc.runtime.artifact_file import read_file
from bnnc.tools.verification.model_check import verify

CHANNELS = 128


def clustered(rng: np.random.Generator, outputs: int, inputs: int) -> np.ndarray:
    """±1 weights [O, C, 3, 3] near four centres or their complements, two of them equal."""
    rows = rng.choice([-1.0, 1.0], (4, inputs * 9))[rng.integers(0, 4, outputs)]
    rows = rows * np.where(rng.random(rows.shape) < 0.03, -1, 1) * rng.choice([-1, 1], (outputs, 1))
    rows[3], rows[5] = rows[7], -rows[8]
    return rows.reshape(outputs, inputs, 3, 3).astype(np.float32)


def network(path: Path) -> Path:
    """Binary convolutions with BatchNormalization in a row, around a skip, after a concatenation of
    the maps that the skip ties, and a float product at the end."""
    rng = np.random.default_rng(5)
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []

    def constant(name: str, array: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def binary(x: str, name: str, inputs: int) -> str:
        w = constant(f"{name}.w", clustered(rng, CHANNELS, inputs))
        nodes.append(helper.make_node("Sign", [x], [f"{name}.s"]))
        nodes.append(
            helper.make_node("Conv", [f"{name}.s", w], [f"{name}.c"], name=name, pads=[1] * 4)
        )
        shape = (1, CHANNELS, 1, 1)
        scale = constant(f"{name}.k", rng.normal(0, 1, shape) / inputs)
        shift = constant(f"{name}.b", rng.normal(0.01, 1, shape))
        nodes.append(helper.make_node("Mul", [f"{name}.c", scale], [f"{name}.m"]))
        nodes.append(helper.make_node("Add", [f"{name}.m", shift], [f"{name}.y"]))
        return f"{name}.y"

    first = binary("x", "one", 16)
    second = binary(first, "two", CHANNELS)
    nodes.append(helper.make_node("Add", [first, second], ["sum"]))
    nodes.append(helper.make_node("Concat", [second, "sum"], ["both"], axis=1))
    last = binary("both", "three", 2 * CHANNELS)
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"]))
    weights = constant("gemm.w", rng.normal(0, 1, (CHANNELS, 10)))
    nodes.append(helper.make_node("Gemm", ["flat", weights], ["y"], name="gemm"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(nodes, "clusters", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("clusters") / "clusters.onnx")


def test_outputs_are_the_same_bits(model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(0, 1, (2, 16, 16, 16)).astype(np.float32)
    outputs: dict[str, bytes] = {}
    for name, options in {
        "off": {"reuse": False},
        "on": {},
        "shallow": {"mst_max_depth": 1},
    }.items():
        path = bnnc.compile(model, output=tmp_path / f"{name}.so", **options)
        manifest = read_manifest(read_file(path), str(path))
        assert manifest.options["reuse"] is (name != "off")
        assert manifest.options["mst_max_depth"] == (name == "shallow")
        with bnnc.load(path) as loaded:
            outputs[name] = loaded.run({"x": x})["y"].tobytes()
    assert outputs["on"] == outputs["off"] == outputs["shallow"]


def test_verify_follows_the_order(model: Path) -> None:
    report = verify(model, runs=1)
    assert report.verdict == "ok", list(report.lines())
    assert report.signs > 0


def test_inspect_says_what_is_reused(cli: Cli, model: Path) -> None:
    layers = {
        layer["name"]: layer
        for layer in json.loads(
            cli.good("inspect", model, "--mst", "--json", "--target", "x86-64-v4")
        )["mst"]
    }
    assert list(layers) == ["one", "two", "three"]
    for layer in layers.values():
        assert layer["full"] == layer["channels"] * layer["weights"]
        assert layer["tree"] <= layer["blocks"] < 0.2 * layer["full"]
        assert 0.3 < layer["random"] < 0.5
        assert layer["duplicates"] + layer["negated_duplicates"] == 2
        assert layer["kernel"].startswith("binary_conv_sliced")
        assert (layer["decision"] == "along trees") == ("tree=1" in layer["kernel"])
    assert layers["one"]["reason"] == "reordered"
    assert layers["three"]["reason"].startswith("reordered, put back where node 'gemm' (gemm): ")
    assert "tree=1" in layers["two"]["kernel"]
    text = cli.good("inspect", model, "--mst", "--target", "x86-64-v4")
    assert "why  along trees; reordered" in text
    assert "no layers on bits" not in text


def test_inspect_cuts_trees_as_compile_does(cli: Cli, model: Path) -> None:
    command = ("inspect", model, "--mst", "--json", "--target", "x86-64-v4")
    free = json.loads(cli.good(*command))["mst"]
    cut = json.loads(cli.good(*command, "--mst-max-depth", "1"))["mst"]
    assert [layer["tree"] for layer in cut] == [layer["tree"] for layer in free]
    assert all(a["blocks"] > b["blocks"] for a, b in zip(cut, free, strict=True))


def test_inspect_counts_what_words_add(cli: Cli) -> None:
    rng = np.random.default_rng(2)
    words = rng.choice([-1.0, 1.0], (3, 3, 3)).astype(np.float32)
    weights = numpy_helper.from_array(words[rng.integers(0, 3, (CHANNELS, CHANNELS))], "w")
    nodes = [
        helper.make_node("Sign", ["x"], ["s"]),
        helper.make_node("Conv", ["s", "w"], ["c"]),
        helper.make_node("Sign", ["c"], ["t"]),
        helper.make_node("Conv", ["t", "w"], ["y"], pads=[1] * 4),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, 34, 34])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, 32, 32])
    graph = helper.make_graph(nodes, "words", [x], [y], [weights])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), "words.onnx")
    text = cli.good("inspect", "words.onnx", "--mst", "--json", "--target", "x86-64-v4")
    layer = json.loads(text)["mst"][1]
    assert layer["decision"] == "from words of its codebook"
    # Planes of half a count over 1, 2 or 3 kernels, and half of a parity, for as many kernels.
    additions = {"codebook=1": 3.5, "codebook=2": 4.5 / 2, "codebook=3": 4.5 / 3}
    way = next(word for word in layer["kernel"].split() if word.startswith("codebook="))
    assert layer["chosen"] == round(CHANNELS * CHANNELS * additions[way])


def test_inspect_without_layers_on_bits(cli: Cli) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        "relu.onnx",
    )
    assert cli.good("inspect", "relu.onnx", "--mst").endswith("\n\nno layers on bits\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compile", "--no-reuse", "--mst-max-depth", "3"), "--mst-max-depth bounds the reuse"),
        (("compile", "--mst-max-depth", "0"), "expected an integer from 1 to"),
        (("compile", "--mst-max-depth", "1" + 9 * "0"), "expected an integer from 1 to 999999999"),
        (("inspect", "--mst-max-depth", "2"), "--mst-max-depth bounds the trees of --mst"),
        (("inspect", "--mst", "--target", "z80"), "z80"),
        (("inspect", "--mst", "--html", "x.html"), "--mst is not part of the page"),
    ],
)
def test_options_that_do_not_fit(
    cli: Cli, model: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in cli.bad(arguments[0], model, *arguments[1:])


def test_an_artifact_has_no_weights_to_look_at(cli: Cli, compiled: Path) -> None:
    assert "name the ONNX file" in cli.bad("inspect", compiled, "--mst")
