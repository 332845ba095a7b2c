"""`bnnc verify`: exit codes and one line for what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from cli_support import Cli
from frontend_support import model, node
from onnx import StringStringEntryProto, TensorAnnotation, TensorProto, helper, numpy_helper

import bnnc


def test_agrees(cli: Cli, mnist: Path, compiled: Path) -> None:
    shown = cli.good("verify", mnist, compiled, "--runs", "1")
    assert "onnxruntime" in shown
    assert "near-tie" in shown
    assert shown.splitlines()[-1] == "ok"


def test_compiles_by_itself_and_reads_inputs(cli: Cli, mnist: Path, data_dir: Path) -> None:
    with np.load(data_dir / "mnist" / "test200.npz") as data:
        images = data["images"][:3, None].astype(np.float32) / np.float32(255)
    np.savez("in.npz", image=images)
    shown = cli.good("verify", mnist, "--inputs", "in.npz", "--target", "x86-64-v3")
    assert "runs: 1 equal" in shown


def test_takes_the_artifacts_shape(cli: Cli, mnist: Path) -> None:
    bnnc.compile(mnist, output="one.so", shapes={"image": (1, 1, 28, 28)})
    assert cli.good("verify", mnist, "one.so", "--runs", "1").endswith("ok\n")
    said = cli.bad("verify", mnist, "one.so", "--shape", "image=2x1x28x28")
    assert "other shapes" in said


def write_ties(kind: str) -> None:
    """``tie.onnx`` steps at sums of 300 products; in ``tie.npz`` one sum of each of 32 samples is 0
    but for rounding, so that the order of summation decides over the step."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((300, 4)).astype(np.float32)
    x = rng.standard_normal((32, 300)).astype(np.float32)
    for sample in range(32):
        column = weights[:, 0 if kind == "position" else sample % 4].astype(np.float64)
        for at in np.argsort(-abs(column))[:3]:
            x[sample, at] -= np.float32((x[sample].astype(np.float64) @ column) / column[at])
    make = helper.make_node
    steps = {
        "sign": [make("Sign", ["m"], ["s"], "/step")],
        "two-valued": [
            make("Sign", ["m"], ["t"], "/step"),
            make("Mul", ["t", "u"], ["tu"]),
            make("Add", ["tu", "v"], ["s"]),
        ],
        "choice": [
            make("Less", ["m", "zero"], ["c"]),
            make("Where", ["c", "u", "v"], ["s"], "/step"),
        ],
        "round": [make("Add", ["m", "half"], ["h"]), make("Round", ["h"], ["s"], "/step")],
        "position": [
            make("Add", ["m", "lower"], ["n"]),
            make("Concat", ["n", "none"], ["pair"], axis=1),
            make("ArgMax", ["pair"], ["y"], "/step", axis=1, keepdims=0),
        ],
    }[kind]
    shape, element = (
        ([32], TensorProto.INT64) if kind == "position" else ([32, 3], TensorProto.FLOAT)
    )
    if kind != "position":
        steps.append(make("MatMul", ["s", "w2"], ["y"], "/head"))
    constants: dict[str, Any] = {"w": weights, "u": [0.7], "v": [0.2], "zero": [0], "half": [0.5]}
    constants |= {"lower": [[0, -300, -300, -300]], "none": np.zeros((32, 1))}
    constants["w2"] = np.where(rng.random((4, 3)) < 0.5, -1, 1)
    graph = helper.make_graph(
        [make("MatMul", ["x", "w"], ["m"], "/sum"), *steps],
        "ties",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [32, 300])],
        [helper.make_tensor_value_info("y", element, shape)],
        [numpy_helper.from_array(np.asarray(a, np.float32), key) for key, a in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), "tie.onnx")
    np.savez("tie.npz", x=x)


@pytest.mark.parametrize("kind", ["sign", "two-valued", "choice", "round", "position"])
def test_a_near_tie_is_told_and_never_called_equal(cli: Cli, kind: str) -> None:
    write_ties(kind)
    shown = cli.good("verify", "tie.onnx", "--inputs", "tie.npz")
    assert shown.splitlines()[-1] == "near-tie"
    assert "runs: 0 equal, 1 near-tie, 0 wrong" in shown
    report = json.loads(cli.good("verify", "tie.onnx", "--inputs", "tie.npz", "--json"))
    assert (report["verdict"], report["reference"][:11]) == ("near-tie", "onnxruntime")
    assert report["runs"] == {"equal": 0, "near-tie": 1, "wrong": 0}
    assert report["definition"]["flips"] == report["definition"]["problems"] == []
    assert report["definition"]["near_ties"]
    for tie in report["definition"]["near_ties"]:
        assert tie["layer"] == "/step"
        assert 0 <= tie["value"] <= tie["bound"]
    (run,) = report["near_tie_runs"]
    assert run.startswith("/step (")
    assert "output y: off by" in run


@pytest.mark.parametrize(("width", "zero"), [(300, 0), (2, 0), (2, 1)])
def test_a_near_tie_behind_a_factor(cli: Cli, width: int, zero: int) -> None:
    """Counts of 0 times mean|x|: floats that add ±m leave a rest, whose sign is not 0; of two
    terms that always cancel, all sums are such rests."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((32, width)).astype(np.float32)
    weights = np.where(rng.random((width, 4)) < 0.5, -1, 1)
    if width == 2:
        x[:, 1] = np.copysign(x[:, 1], -x[:, 0])
        weights[1] = weights[0]
    make = helper.make_node
    nodes = [
        make("Sign", ["x"], ["s"]),
        make("Abs", ["x"], ["a"]),
        make("ReduceMean", ["a"], ["m"], axes=[1], keepdims=1),
        make("Mul", ["s", "m"], ["p"]),
        make("MatMul", ["p", "w"], ["n"], "/sum"),
        make("Sign", ["n"], ["t"], "/step"),
        make("Equal", ["n", "z"], ["e"]),
        make("Cast", ["e"], ["f"], to=TensorProto.FLOAT),
        make("Add", ["t", "f"], ["u"]),
        make("MatMul", ["u" if zero else "t", "v"], ["y"], "/head"),
    ]
    constants = {"w": weights * np.float32(0.1), "v": np.ones((4, 3), np.float32), "z": 0}
    graph = helper.make_graph(
        nodes,
        "ties",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [32, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [32, 3])],
        [numpy_helper.from_array(np.float32(a), key) for key, a in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), "factor.onnx")
    assert ((np.sign(x) @ weights) == 0).any()
    np.savez("factor.npz", x=x)
    done = json.loads(cli.good("verify", "factor.onnx", "--inputs", "factor.npz", "--json"))
    assert done["verdict"] == "near-tie"
    assert done["definition"]["flips"] == done["definition"]["problems"] == []
    assert {tie["layer"] for tie in done["definition"]["near_ties"]} == {"/step"}


@pytest.mark.parametrize("kind", ["product from the left", "least of two steps"])
def test_a_near_tie_behind_a_count(cli: Cli, kind: str) -> None:
    """Floats that add ±0.1 leave a rest where the count is 0. A product from the left is imported
    as one from the right, between transposes; a sign of steps is no step of what they read."""
    rng = np.random.default_rng(3)
    left = kind == "product from the left"
    shape, result = ((2, 300, 24), (2, 16, 3)) if left else ((48, 300), (48, 3))
    x = rng.standard_normal(shape).astype(np.float32)
    weights = np.where(rng.random((16, 300)) < 0.5, -1, 1)
    make = helper.make_node
    steps = {
        "product from the left": [
            make("MatMul", ["w", "s"], ["n"]),
            make("Sign", ["n"], ["t"], "/step"),
        ],
        "least of two steps": [
            make("MatMul", ["s", "wt"], ["n"]),
            make("LessOrEqual", ["n", "zero"], ["c"]),
            make("Where", ["c", "minus", "one"], ["a"]),
            make("Add", ["n", "half"], ["h"]),
            make("Sign", ["h"], ["b"]),
            make("Min", ["a", "b"], ["t"], "/step"),
        ],
    }[kind]
    head = np.where(rng.random((24 if left else 16, 3)) < 0.5, -1, 1)
    constants = {"w": weights * 0.1, "wt": weights.T * 0.1, "v": head}
    constants |= {"zero": 0, "minus": -1, "one": 1, "half": 0.5}
    graph = helper.make_graph(
        [make("Sign", ["x"], ["s"]), *steps, make("MatMul", ["t", "v"], ["y"], "/head")],
        "counts",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        [numpy_helper.from_array(np.float32(a), key) for key, a in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), "counts.onnx")
    assert ((weights @ np.sign(x if left else x.T)) == 0).any()
    np.savez("counts.npz", x=x)
    done = json.loads(cli.good("verify", "counts.onnx", "--inputs", "counts.npz", "--json"))
    assert done["verdict"] == "near-tie"
    assert done["definition"]["flips"] == done["definition"]["problems"] == []
    assert {tie["layer"] for tie in done["definition"]["near_ties"]} == {"/step"}


def test_the_users_word_on_zero_holds_for_the_reference(cli: Cli) -> None:
    """Signs of zeros, where ONNX has 0: exactly, or as +1 on both sides."""
    weights = np.where(np.random.default_rng(0).random((64, 3)) < 0.5, -1, 1).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Sign", ["x"], ["s"]),
            helper.make_node("MatMul", ["s", "w"], ["y"]),
        ],
        "zeros",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), "zeros.onnx")
    np.savez("zeros.npz", x=np.float32([[0, -0.0, 2, -2] * 16, [0] * 64]))
    for word in ("exact", "+1"):
        done = json.loads(
            cli.good("verify", "zeros.onnx", "--inputs", "zeros.npz", "--sign-zero", word, "--json")
        )
        assert (done["verdict"], done["largest"]) == ("ok", 0)
        assert done["definition"]["near_ties"] == []


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16"])
def test_half_precision_is_compared_in_float32(cli: Cli, kind: str) -> None:
    code = TensorProto.DataType.Value(kind)
    dtype = helper.tensor_dtype_to_np_dtype(code)
    weights = np.random.default_rng(0).standard_normal((2, 16, 16)).astype(dtype)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "v"], ["h"]),
            helper.make_node("Sign", ["h"], ["s"]),
            helper.make_node("MatMul", ["s", "w"], ["y"]),
        ],
        "half",
        [helper.make_tensor_value_info("x", code, ["N", 16])],
        [helper.make_tensor_value_info("y", code, ["N", 16])],
        [numpy_helper.from_array(weights[0], "v"), numpy_helper.from_array(weights[1], "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), "half.onnx")
    done = cli("compile", "half.onnx")
    assert f"note: {kind.lower()} is computed in float32" in done.err
    lines = cli.good("verify", "half.onnx", "half.so").splitlines()
    assert lines[0].endswith("optimizations off, model in float32")
    assert lines[-1] == "ok"


def test_a_wrong_number_is_a_mismatch(cli: Cli, mnist: Path, compiled: Path) -> None:
    """An artifact whose code is not what the model says, its manifest and checksum repaired."""
    proto = onnx.load_model(mnist)
    (bias,) = [t for t in proto.graph.initializer if t.name == "classifier.bias"]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 1, bias.name))
    other = bnnc.compile(proto, output="other.so")
    forged = other.read_bytes().replace(source_of(other), source_of(compiled))
    Path("forged.so").write_bytes(bnnc.runtime.artifact.seal(forged))
    done = cli("verify", mnist, "forged.so", "--runs", "1")
    assert (done.code, done.err) == (1, "")
    assert "wrong: output logits: off by" in done.out
    assert done.out.splitlines()[-1] == "MISMATCH"


def source_of(path: Path) -> bytes:
    data = path.read_bytes()
    at = data.index(b'"source":')
    digest = data.index(b'"sha256":"', at) + len(b'"sha256":"')
    return data[digest : digest + 64]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"image": np.zeros((2, 1, 28, 27), np.float32)}, "expected shape (N, 1, 28, 28)"),
        ({"image": np.zeros((2, 1, 28, 28))}, "expected dtype float32"),
        ({"picture": np.zeros((2, 1, 28, 28), np.float32)}, "unexpected 'picture'; the inputs"),
        ({"image": np.zeros((0, 1, 28, 28), np.float32)}, "holds no samples"),
    ],
)
def test_inputs_that_do_not_fit_are_one_line(
    cli: Cli, mnist: Path, compiled: Path, arrays: dict[str, np.ndarray], words: str
) -> None:
    np.savez("in.npz", **arrays)
    assert words in cli.bad("verify", mnist, compiled, "--inputs", "in.npz")


def test_what_does_not_belong_together_is_one_line(
    cli: Cli, mnist: Path, compiled: Path, foreign: Path
) -> None:
    weightless = onnx.load_model(mnist)
    weightless.producer_name = "another"
    onnx.save_model(weightless, "another.onnx")
    said = cli.bad("verify", "another.onnx", compiled)
    assert "was compiled from another model" in said
    assert "not arm64" in cli.bad("verify", mnist, compiled, "--target", "arm64")
    assert "this machine is" in cli.bad("verify", mnist, foreign)
    assert "nothere.so" in cli.bad("verify", mnist, "nothere.so")
    assert "nothere.onnx" in cli.bad("verify", "nothere.onnx")
    assert "unknown target" in cli.bad("verify", mnist, "--target", "z80")
    Path("bad.onnx").write_bytes(b"no model")
    assert "bad.onnx: " in cli.bad("verify", "bad.onnx")


def test_an_artifact_made_by_hand_is_one_line(cli: Cli, mnist: Path, tiny: Path) -> None:
    assert "tiny.so: its manifest lacks the options" in cli.bad("verify", mnist, tiny)


def test_quantizers_with_declared_integers_and_an_output_without_type(cli: Cli) -> None:
    """qonnx is the reference; inputs that it would refuse get one line before it runs."""
    quantizers = "qonnx.custom_op.general"
    nodes = [
        helper.make_node("BipolarQuant", ["x", "scale"], ["a"], domain=quantizers),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    initializers = [
        numpy_helper.from_array(np.float32(1), "scale"),
        numpy_helper.from_array(np.float32([[1, -1], [1, 1], [-1, 1]]), "w"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])]
    graph = helper.make_graph(
        nodes, "g", inputs, [helper.make_empty_tensor_value_info("y")], initializers
    )
    declared = StringStringEntryProto(key="finn_datatype", value="UINT8")
    graph.quantization_annotation.append(
        TensorAnnotation(tensor_name="x", quant_parameter_tensor_names=[declared])
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(quantizers, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), "q.onnx")
    done = cli("verify", "q.onnx", "--runs", "1")
    assert done.code == 0
    assert done.out.startswith("reference: qonnx")
    np.savez("half.npz", x=np.full((2, 3), 0.5, np.float32))
    assert "'x' is declared to hold 0 .. 255" in cli.bad("verify", "q.onnx", "--inputs", "half.npz")


@pytest.mark.parametrize("offset", [0, 100])
def test_indices_are_drawn_within_the_table(cli: Cli, offset: int) -> None:
    """Random tokens of an embedding of 50 rows; beyond an offset that is not seen through, one
    line."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["ids"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Add", ["wide", "offset"], ["rows"]),
        helper.make_node("Gather", ["table", "rows"], ["y"]),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["N", 40])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 40, 4])
    tables = [
        numpy_helper.from_array(rng.standard_normal((50, 4)).astype(np.float32), "table"),
        numpy_helper.from_array(np.asarray(offset, np.int64), "offset"),
    ]
    graph = helper.make_graph(nodes, "g", [ids], [y], tables)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "rows.onnx")
    if offset:
        assert "--inputs" in cli.bad("verify", "rows.onnx")
    else:
        shown = cli.good("verify", "rows.onnx")
        assert "onnxruntime" in shown  # whatever IR version onnx writes
        assert shown.endswith("ok\n")


def test_sums_that_cancel_are_judged_by_what_was_summed(cli: Cli) -> None:
    """Counts of 0 are exactly 0 here; the reference adds +-0.1 and keeps some rounding."""
    weights = np.tile(np.float32([[0.1], [-0.1]]), (5, 1))
    weights = np.concatenate([weights, -weights])[np.random.default_rng(3).permutation(20)]
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["m"]),
        helper.make_node("Cast", ["m"], ["s"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["s", "w"], ["p"], "product"),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    initializers = [
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(weights, "w"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 20])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 1])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), "zeros.onnx")
    np.savez("ones.npz", x=np.ones((1, 3, 20), np.float32))
    done = cli("verify", "zeros.onnx", "--inputs", "ones.npz")
    assert (done.code, done.out.splitlines()[-1]) == (0, "ok")


def test_an_operator_that_no_reference_knows(cli: Cli) -> None:
    """qonnx is asked only for the domains that it knows."""
    names = ["low", "high"] * 2
    domain = "org.openvinotoolkit"
    node = helper.make_node("FakeQuantize", ["x", *names], ["q"], domain=domain, levels=2)
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 8]) for n in "xy")
    numbers = {"low": -1, "high": 1}
    constants = [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in numbers.items()]
    graph = helper.make_graph(
        [node, helper.make_node("Neg", ["q"], ["y"])], "g", [x], [y], constants
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), "fake.onnx")
    shown = cli.good("verify", "fake.onnx", "--runs", "1")
    assert "not independent" in shown
    assert shown.endswith("ok\n")


@pytest.mark.parametrize("operator", ["Identity", "Flatten", "Shape"])
def test_a_model_that_computes_nothing(cli: Cli, operator: str) -> None:
    """What only hands on its input, or a constant, has no kernel to compare."""
    onnx.save(model([node(operator, ["x"], ["y"])], {"x": [2, 3, 4]}), "still.onnx")
    assert cli.good("verify", "still.onnx").endswith("ok\n")


def test_json_has_every_problem_of_a_model_that_is_refused(cli: Cli) -> None:
    """The line of the error stops at the twentieth."""
    nodes = [node("Reluu", ["x"], [f"t{i}"], name=f"n{i}.") for i in range(30)]
    nodes += [node("Sum", [f"t{i}" for i in range(30)], ["y"])]
    onnx.save(model(nodes, {"x": [1, 3]}), "refused.onnx")
    done = cli("verify", "refused.onnx", "--json")
    assert done.code == 2
    assert len(json.loads(done.out)["problems"]) == 30
    assert "30 problems" in done.err
    assert "'n29.'" not in done.err
