"""`bnnc opt`: passes on text, from files and from stdin."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from cli_support import Cli

from bnnc import ir
from bnnc.passes import pass_types

SMALL = """\
graph @small imported {
  input %x: f32[N,2]
  %w = const() data=[2, -2] element=f32 : f32[1,2]
  %s = sign(%x) zero=1 : f32[N,2]
  %y = gemm(%s, %w, none) : f32[N,1] from "Gemm_0"
  %unused = sign(%y) zero=1 : f32[N,1]
  output %y as "y"
}
"""
LARGE = """\
graph @large imported {
  input %x: f32[N,64]
  %w = const() data=random(1) element=f32 : f32[4,64]
  %y = gemm(%x, %w, none) : f32[N,4]
  output %y as "y"
}
"""


@pytest.fixture
def small(cli: Cli) -> Path:
    path = cli.folder / "small.bnn"
    path.write_text(SMALL)
    return path


def test_prints_the_result(cli: Cli, small: Path) -> None:
    shown = cli.good("opt", small, "--passes", "dead-code")
    assert shown == "".join(line for line in SMALL.splitlines(True) if "unused" not in line)
    bits = cli.good("opt", small, "--passes", "dead-code, binarize")
    assert "binary_gemm" in bits
    assert bits.startswith("graph @small binarized {")


def test_writes_a_file(cli: Cli, small: Path) -> None:
    assert cli.good("opt", small, "--passes", "dead-code", "-o", "out.bnn") == ""
    assert Path("out.bnn").read_text() == cli.good("opt", small, "--passes", "dead-code")


def test_reads_stdin(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    assert cli.good("opt", "-", "--passes", "none") == SMALL


def test_large_constants_stand_beside_the_text(cli: Cli) -> None:
    graph = ir.parse(LARGE)
    ir.save(graph, Path("in.bnn"))
    cli.good("opt", "in.bnn", "--passes", "none", "-o", "out.bnn")
    assert ir.print_graph(ir.load(Path("out.bnn"))) == ir.print_graph(graph)
    with np.load("out.bnn.npz") as archive:
        (array,) = archive.values()
        np.testing.assert_array_equal(array, graph.nodes[0].op.data.array)
    Path("out.bnn.npz").unlink()
    assert "contents of constant" in cli.bad("opt", "out.bnn", "--passes", "none")


def test_lists_every_pass(cli: Cli) -> None:
    shown = cli.good("opt", "--list").splitlines()
    assert [line.split()[0] for line in shown[1:]] == list(pass_types())
    for line, kind in zip(shown[1:], pass_types().values(), strict=True):
        assert kind.exactness in line
        assert (kind.__doc__ or "").split()[0] in line


@pytest.mark.parametrize(
    ("text", "passes", "words"),
    [
        (SMALL, "no-such-pass", "unknown pass 'no-such-pass'; known: "),
        (SMALL, "dead-code{depth=3}", "has no option 'depth'"),
        (SMALL, "fold-scale{exact=maybe}", "exact cannot be 'maybe'"),
        (SMALL, "dead-code;binarize", "cannot read the pipeline"),
        (SMALL, "memory-plan", "pass memory-plan takes scheduled graphs, got imported"),
        ("", "none", "in.bnn:1: expected 'graph'"),
        (SMALL.replace("%w, none", "%v, none"), "none", "in.bnn:5: %v is not defined"),
        (SMALL.replace("gemm(", "gem("), "none", "in.bnn:5: unknown operator 'gem'"),
        (SMALL.replace("f32[N,1] from", "f32[N,9] from"), "none", "Gemm_0"),
        (
            LARGE.replace("random(1)", "#0123456789abcdef"),
            "none",
            "the contents of constant #0123456789abcdef are missing",
        ),
        ("\x00\x01", "none", "in.bnn:1: unexpected"),
    ],
)
def test_bad_text_is_one_line(cli: Cli, text: str, passes: str, words: str) -> None:
    Path("in.bnn").write_text(text)
    assert words in cli.bad("opt", "in.bnn", "--passes", passes)


def test_what_cannot_be_read_is_one_line(cli: Cli) -> None:
    Path("bytes.bnn").write_bytes(b"\xff\xfe")
    for file in ("nothere.bnn", ".", "bytes.bnn"):
        assert cli.bad("opt", file, "--passes", "none").startswith(f"bnnc: {file}: ")


def test_an_output_that_cannot_be_written_is_one_line(cli: Cli, small: Path) -> None:
    assert "does not exist" in cli.bad("opt", small, "--passes", "none", "-o", "nothere/o.bnn")


def test_a_pass_that_needs_a_target_says_so(cli: Cli, small: Path) -> None:
    passes = "dead-code,binarize,pack-bits,fuse-epilogue,select-kernels"
    assert "needs a target" in cli.bad("opt", small, "--passes", passes)
    assert "unknown target 'z80'" in cli.bad("opt", small, "--passes", passes, "--target", "z80")
