"""`bnnc compile --compress` and `bnnc expand`: the same library in less space, for every target."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from cli_support import Cli, files
from onnx import helper, numpy_helper

import bnnc
from bnnc.compression import compress
from bnnc.driver import build
from bnnc.options import Options
from bnnc.runtime.compressed import expand, read_contents

FLOAT = onnx.TensorProto.FLOAT
CHANNELS, SIZE = 64, 28


def clustered(flips: float) -> onnx.ModelProto:
    """Sign and convolution three times: output channels are a common kernel with some bits turned.

    Thresholds follow the first, floats the second, and the third is in groups.
    """
    random = np.random.default_rng(1)
    nodes, initializers, last = [], [], "x"
    for number, groups in enumerate((1, 1, 4)):
        centre = random.choice([-1.0, 1.0], (CHANNELS // groups, 3, 3))
        turned = random.random((CHANNELS, *centre.shape)) < flips
        turned[0] = False
        w = np.where(turned, -centre, centre).astype(np.float32)
        initializers.append(numpy_helper.from_array(w, f"w{number}"))
        nodes += [
            helper.make_node("Sign", [last], [f"s{number}"]),
            helper.make_node(
                "Conv", [f"s{number}", f"w{number}"], [f"c{number}"], pads=[1] * 4, group=groups
            ),
        ]
        last = f"c{number}"
        if number:
            nodes.append(helper.make_node("LeakyRelu", [last], [f"r{number}"]))
            last = f"r{number}"
    shape = ["N", CHANNELS, SIZE, SIZE]
    graph = helper.make_graph(
        nodes,
        "clustered",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info(last, FLOAT, shape)],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def model(cli: Cli) -> Path:
    path = cli.folder / "net.onnx"
    path.write_bytes(clustered(0.2).SerializeToString())
    return path


TARGETS = ("x86-64-v2", "x86-64-v3", "cascadelake", "x86-64-v4", "arm64")


@pytest.mark.sampled(per=("target",))
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("flips", "least", "most"), [(0.2, 0.7, 0.82), (0.5, 0.99, 1.0)])
def test_every_kernels_weights_are_stored_as_bits(
    target: str, flips: float, least: float, most: float
) -> None:
    """H(0.2) = 0.72 bits each; random ones take a full bit. The same library comes back."""
    compilation = build(clustered(flips), target, Options(), "net")
    packed = compress(compilation.data, compilation.schedule)
    assert expand(packed, "net.bnnc") == compilation.data
    entries = read_contents(packed, "net.bnnc").entries
    kernels = [kernel for kernel in compilation.manifest.kernels if kernel.weights]
    assert [kernel.op for kernel in kernels] == ["binary_conv"] * 3
    bits = 8 * sum(entry.nbytes for entry in entries) / sum(kernel.weights for kernel in kernels)
    assert least <= bits <= most


def test_python_reads_both_files(cli: Cli, model: Path) -> None:
    plain = cli.good("compile", model)
    shown = cli.good("compile", model, "--compress", "--header", "net.h")
    assert files(cli.folder) == ["net.bnnc", "net.h", "net.onnx", "net.so"]
    for text, low, high in ((plain, 1.0, 5.0), (shown, 0.7, 0.8)):
        match = re.search(r"([\d.]+) bits a binary weight", text)
        assert match is not None
        assert low <= float(match[1]) <= high
    small, large = Path("net.bnnc").stat().st_size, Path("net.so").stat().st_size
    assert small < 0.7 * large
    x = np.random.default_rng(0).normal(size=(2, CHANNELS, SIZE, SIZE)).astype(np.float32)
    with bnnc.load("net.bnnc") as one, bnnc.load("net.so") as other:
        assert one(x).tobytes() == other(x).tobytes()
        assert one.metadata == other.metadata
    before = Path("net.so").read_bytes()
    assert cli.good("expand", "net.bnnc", "-o", "again.so").startswith("again.so: ")
    assert Path("again.so").read_bytes() == before
    Path("net.so").unlink()
    cli.good("expand", "net.bnnc")
    assert Path("net.so").read_bytes() == before


def test_every_command_reads_it(cli: Cli, model: Path) -> None:
    cli.good("compile", model, "--compress")
    np.save("x.npy", np.ones((1, CHANNELS, SIZE, SIZE), np.float32))
    cli.good("run", "net.bnnc", "--input", "x.npy", "-o", "out.npz")
    cli.good("verify", "net.onnx", "net.bnnc")
    assert json.loads(cli.good("bench", "net.bnnc", "--json"))
    assert cli.good("bench", "net.bnnc", "--layers")


def test_inspect_says_bits_per_weight(cli: Cli, model: Path) -> None:
    cli.good("compile", model)
    cli.good("compile", model, "--compress")
    plain, packed = (
        json.loads(cli.good("inspect", path, "--json")) for path in ("net.so", "net.bnnc")
    )
    for inspected in (plain, packed):
        stored = inspected["stored_weights"]
        counts = [64 * 64 * 9, 64 * 64 * 9, 64 * 16 * 9]
        assert [kernel["weights"] for kernel in stored] == counts
        for kernel in stored:
            assert kernel["bits_per_weight"] == 8 * kernel["bytes"] / kernel["weights"]
        average = 8 * sum(kernel["bytes"] for kernel in stored) / sum(counts)
        assert inspected["bits_per_weight"] == pytest.approx(average)
    assert plain["bytes"] == plain["expanded_bytes"] == packed["expanded_bytes"]
    assert packed["bytes"] == Path("net.bnnc").stat().st_size
    assert plain["bits_per_weight"] >= 1 > 0.8 > packed["bits_per_weight"]
    assert {kernel["stored_as"] for kernel in plain["stored_weights"]} == {"constants"}
    assert {kernel["stored_as"] for kernel in packed["stored_weights"]} == {"tree"}
    text = cli.good("inspect", "net.bnnc")
    assert ", compressed from " in text
    assert re.search(r"^total +82\.9k +\S+ KB +0\.7\d$", text, re.MULTILINE)


def test_refusals(cli: Cli, model: Path) -> None:
    assert "only shared libraries are compressed" in cli.bad(
        "compile", model, "--compress", "--emit", "obj"
    )
    cli.good("compile", model)
    assert "nothing to expand" in cli.bad("expand", "net.so", "-o", "other.so")
    cli.good("compile", model, "--compress")
    assert "would overwrite" in cli.bad("expand", "net.bnnc", "-o", "net.bnnc")
    for path, reason in (("none.bnnc", "No such file"), ("", "No such file"), (".", "directory")):
        assert reason in cli.bad("expand", path)
    Path("half.bnnc").write_bytes(Path("net.bnnc").read_bytes()[:5000])
    for command in (["expand"], ["inspect"], ["bench"], ["run", "--input", "x.npy"]):
        assert "half.bnnc: the file is truncated or damaged" in cli.bad(*command, "half.bnnc")
