"""`bnnc bench` and its tools; no test asserts a time."""

from __future__ import annotations

import itertools
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from cli_support import Cli

import bnnc
from bnnc.runtime.manifest import Tensor
from bnnc.tools.benchmarks import timing


def test_times_an_artifact(cli: Cli, tiny: Path) -> None:
    shown = cli.good("bench", tiny, "--runs", "20").splitlines()
    assert "one thread, batch 1" in shown[0]
    assert shown[1].split() == ["time", "of", "one", "call", "min", "median", "calls"]
    assert shown[2].startswith("bnnc ")
    assert shown[2].split()[-1] == "20"
    report = json.loads(cli.good("bench", tiny, "--runs", "20", "--batch", "5", "--json"))
    assert report["batch"] == 5
    assert report["bnnc"]["calls"] == 20
    assert 0 < report["bnnc"]["min"] <= report["bnnc"]["median"]
    assert (report["onnxruntime"], report["ratio"]) == (None, None)
    assert report["target"]["name"] == "baseline"


def test_compares_with_onnxruntime(cli: Cli, compiled: Path, mnist: Path) -> None:
    options = ("--model", mnist, "--seconds", "0.1")
    report = json.loads(cli.good("bench", compiled, *options, "--json"))
    peer = report["onnxruntime"]
    assert report["ratio"] == pytest.approx(peer["median"] / report["bnnc"]["median"])
    assert set(report["versions"]) == {"bnnc", "onnxruntime"}
    shown = cli.good("bench", compiled, *options)
    assert "onnxruntime" in shown
    assert "(ratio of medians)" in shown


def test_threads(cli: Cli, compiled: Path, mnist: Path) -> None:
    assert "2 threads, batch 3" in cli.good(
        "bench", compiled, "--threads", "2", "--batch", "3", "--runs", "5"
    )
    options = ("--model", mnist, "--runs", "5", "--threads", "2", "--json")
    report = json.loads(cli.good("bench", compiled, *options))
    assert report["threads"] == 2
    assert report["bnnc"]["calls"] == report["onnxruntime"]["calls"] == 5
    assert "threads" in cli.bad("bench", compiled, "--threads", "65")


def test_what_cannot_be_compared_is_one_line(cli: Cli, compiled: Path, tiny: Path) -> None:
    Path("bad.onnx").write_bytes(b"not an ONNX file")
    assert "onnxruntime cannot run" in cli.bad("bench", compiled, "--model", "bad.onnx")
    assert "nothere.onnx: No such file" in cli.bad("bench", compiled, "--model", "nothere.onnx")


def test_a_fixed_batch_stays(cli: Cli, mnist: Path) -> None:
    bnnc.compile(mnist, output="one.so", shapes={"image": (1, 1, 28, 28)})
    assert "fixed batch" in cli.bad("bench", "one.so", "--batch", "2")


def test_contenders_take_turns() -> None:
    order: list[str] = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    timed = timing.measure(calls, seconds=0.1)
    assert set(timed) == {"a", "b"}
    turns = sum(x != y for x, y in itertools.pairwise(order))
    assert turns >= 3
    counted = timing.measure(calls, seconds=1, calls=7)
    assert [t.calls for t in counted.values()] == [7, 7]


def test_pinning_is_undone() -> None:
    before = os.sched_getaffinity(0)
    with timing.pinned() as core:
        assert core is None or os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
def test_random_arrays_fit_the_manifest(dtype: str) -> None:
    array = timing.random_array(Tensor("x", dtype, ("2N", 3)), 4, seed=1)
    assert (array.shape, array.dtype) == ((8, 3), np.dtype(dtype))


def test_layers_of_an_artifact(cli: Cli, compiled: Path) -> None:
    report = json.loads(cli.good("bench", compiled, "--layers", "--runs", "3", "--json"))
    with bnnc.load(compiled) as model:
        expected = model.metadata["kernels"]
    assert isinstance(expected, list)
    for kernel, listed in zip(report["kernels"], expected, strict=True):
        assert {**kernel, **listed} == kernel
    for kernel in (*report["kernels"], report["bnnc"]):
        assert 0 <= kernel["min"] <= kernel["median"]
        assert kernel["calls"] == 3


def test_layers_as_text(cli: Cli, mnist: Path) -> None:
    shown = cli.good("bench", mnist, "--layers", "--runs", "2", "--batch", "2").splitlines()
    assert "one thread, batch 2" in shown[0]
    heads = re.split("  +", shown[1])
    assert heads[:4] == ["layer", "kernel", "output", "predicted cycles"]
    assert heads[4:] == ["measured", "cycles/ns", "share", "GMAC/s"]
    conv = next(line for line in shown if line.startswith("/conv2/Conv") and "binary_conv" in line)
    assert re.search(r"\d (us|ms|s) ", conv)
    assert any(line.startswith("total ") and " 100.0 % " in line for line in shown)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "x.onnx"], "--layers measures only the model; --model does not apply"),
        (["--threads", "2"], "--layers measures one thread; --threads does not apply"),
    ],
)
def test_layers_measures_one_thing(cli: Cli, tiny: Path, arguments: list[str], words: str) -> None:
    assert words in cli.bad("bench", tiny, "--layers", *arguments)


def test_an_artifact_with_other_steps_than_it_says(cli: Cli, tiny: Path) -> None:
    """Made by hand: its manifest lists a kernel, its code never calls ``parallel_for``."""
    assert "the code has 0 steps, its manifest 1" in cli.bad("bench", tiny, "--layers")
