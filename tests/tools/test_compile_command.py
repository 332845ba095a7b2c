"""`bnnc compile`: files as asked for, the same bytes every time, and no file after an error."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from cli_support import Cli, check_bad, files
from onnx import helper, numpy_helper

import bnnc
from bnnc import ir
from bnnc.backends.codegen.module import KernelBackend
from bnnc.errors import LoweringError
from bnnc.passes import pipelines
from bnnc.tools.command_line import console

TERMINAL = {**os.environ, "TERM": "xterm"}
FLOAT = onnx.TensorProto.FLOAT


@pytest.fixture
def model(cli: Cli) -> Path:
    """A small model as a file: sign, product with ±2, Relu."""
    return save(cli.folder / "net.onnx", small())


def save(path: Path, proto: onnx.ModelProto) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def small(
    nodes: list[onnx.NodeProto] | None = None, weights: np.ndarray | None = None, opset: int = 17
) -> onnx.ModelProto:
    """x [N, 4] by way of ``nodes``, which may read the weights w [4, 3], to y [N, 3]."""
    if weights is None:
        weights = np.where(np.arange(12).reshape(4, 3) % 5 < 2, 2, -2).astype(np.float32)
    nodes = nodes or [
        helper.make_node("Sign", ["x"], ["s"], "sign"),
        helper.make_node("MatMul", ["s", "w"], ["m"], "product"),
        helper.make_node("Relu", ["m"], ["y"], "relu"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", FLOAT, ["N", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("custom", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def test_writes_beside_the_model(cli: Cli, model: Path) -> None:
    (cli.folder / "folder").mkdir()
    model = model.rename(cli.folder / "folder" / model.name)
    shown = cli.good("compile", model)
    assert re.fullmatch(
        r"(\S+)net\.so: 1 of 1 layers on bits, [\d.]+ KB, no smaller than 64 B of float32 weights, "
        r"[\d.]+ bits a binary weight, native \(\S+\), [\d.]+ s\n",
        shown,
    )
    assert files(cli.folder) == ["folder", "folder/net.onnx", "folder/net.so"]
    x = np.array([[1, -2, 0, 3]], np.float32)
    weights = numpy_helper.to_array(small().graph.initializer[0])
    with bnnc.load("folder/net.so") as loaded:
        np.testing.assert_array_equal(loaded(x), np.maximum(np.sign(x) @ weights, 0))


def test_compiles_mnist(cli: Cli, mnist: Path, data_dir: Path) -> None:
    shown = cli.good("compile", mnist, "-o", "m.so", "-v", "--header", "m.h", "--prefix", "digit")
    lines = shown.splitlines()
    assert lines[0].startswith("m.so: 4 of 6 layers on bits, ")
    # All 250,400 weights as floats, however the file has them.
    assert "x smaller than 1 MB of float32 weights, " in lines[0]
    # Tables of sums, on CPUs that do not count bits, take two for a bit.
    assert re.search(r", [12]\.00 bits a binary weight, ", lines[0])
    assert lines[1].split()[:3] == ["layer", "on", "bits"]
    assert len([line for line in lines if not line.startswith(" ")]) == 1 + 1 + 6 + 1
    assert "int digit_run(const digit_args *args);" in Path("m.h").read_text()
    with np.load(data_dir / "mnist" / "test200.npz") as data:
        images, labels = data["images"], data["labels"]
    np.save("images.npy", images[:, None].astype(np.float32) / np.float32(255))
    cli.good("run", "m.so", "--input", "images.npy", "-o", "scores.npz")
    with np.load("scores.npz") as scores:
        right = int((scores["logits"].argmax(1) == labels).sum())
    assert right >= 196


@pytest.mark.parametrize(
    ("emit", "suffix"), [("obj", "o"), ("asm", "s"), ("llvm", "ll"), ("ir", "bnn")]
)
def test_emits(cli: Cli, model: Path, emit: str, suffix: str) -> None:
    cli.good("compile", model, "--emit", emit)
    path = cli.folder / f"net.{suffix}"
    assert files(cli.folder) == sorted(["net.onnx", path.name])
    if emit == "obj":
        assert json.loads(cli.good("inspect", path, "--json"))["prefix"] == "net"
    elif emit == "ir":
        graph = ir.load(path)
        assert graph.stage is ir.Stage.SCHEDULED
        assert ir.print_graph(graph) == path.read_text()
    else:
        assert "net_run" in path.read_text()


@pytest.mark.parametrize("target", ["x86-64-v2", "arm64", "aarch64-unknown-linux-gnu:cortex-a55"])
def test_compiles_for_others(cli: Cli, model: Path, target: str) -> None:
    shown = cli.good("compile", model, "--target", target, "-o", "net.so")
    assert f", {target}, " in shown
    inspected = json.loads(cli.good("inspect", "net.so", "--json"))
    assert inspected["target"]["name"] == target
    machine = "x86_64" if target.startswith("x86") else "aarch64"
    assert inspected["target"]["machine"] == machine


def test_a_shape_fixes_the_batch(cli: Cli, model: Path) -> None:
    cli.good("compile", model, "--shape", "x=2x4")
    inspected = json.loads(cli.good("inspect", "net.so", "--json"))
    assert inspected["inputs"][0]["shape"] == [2, 4]
    assert inspected["options"]["shapes"] == ["x=2x4"]


def test_sign_zero_is_the_users_choice(cli: Cli, model: Path) -> None:
    x = np.zeros((1, 4), np.float32)
    results = []
    for choice in ("exact", "+1"):
        cli.good("compile", model, "--sign-zero", choice)
        with bnnc.load("net.so") as loaded:
            results.append(loaded(x))
    weights = numpy_helper.to_array(small().graph.initializer[0])
    np.testing.assert_array_equal(results[0], np.zeros((1, 3), np.float32))
    np.testing.assert_array_equal(results[1], np.maximum(np.ones((1, 4)) @ weights, 0))


def test_almost_binary_weights_are_reported(cli: Cli) -> None:
    weights = numpy_helper.to_array(small().graph.initializer[0]).copy()
    weights[:, 1] *= np.linspace(1, 1.001, 4)  # four values; three run on bits too
    save(cli.folder / "net.onnx", small(weights=weights))
    done = cli("compile", "net.onnx")
    assert done.code == 0
    assert "net.so: 0 of 1 layers on bits" in done.out
    assert done.err.startswith("bnnc: note: layer product (gemm) stays float: weights of channel 1")


def test_dumps_the_ir_after_each_pass(cli: Cli, mnist: Path) -> None:
    cli.good("compile", mnist, "-o", "m.so", "--dump-ir", "a/b")
    names = [str(step.name()) for step in pipelines.default()]
    texts = sorted(Path("a/b").glob("*.bnn"))
    want = [f"{i:02d}-{name}.bnn" for i, name in enumerate(["imported", *names])]
    assert [path.name for path in texts] == want
    for before, after, step in zip(texts, texts[1:], pipelines.default(), strict=False):
        out = cli.good("opt", before, "--passes", str(step), "--target", "native")
        assert out == after.read_text(), f"bnnc opt {before.name} --passes {step}"


def test_the_same_model_gives_the_same_bytes(cli: Cli, mnist: Path) -> None:
    libraries = []
    for folder, seed in (("one", "1"), ("two/deeper", "2")):
        (cli.folder / folder).mkdir(parents=True)
        copy = cli.folder / folder / "m.onnx"
        copy.write_bytes(mnist.read_bytes())
        done = cli.process(
            "compile", "m.onnx", cwd=copy.parent, env={"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"}
        )
        assert done.code == 0, done
        libraries.append((copy.parent / "m.so").read_bytes())
    proto = onnx.load_model(mnist)
    libraries.append(bnnc.compile(proto, output=cli.folder / "m.so").read_bytes())
    assert libraries[0] == libraries[1] == libraries[2]
    assert str(cli.folder).encode() not in libraries[0]


def cyclic() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Add", ["x", "b"], ["a"], "first"),
        helper.make_node("Relu", ["a"], ["b"], "second"),
        helper.make_node("MatMul", ["a", "w"], ["y"], "product"),
    ]


def unsupported() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Frobnicate", ["x"], ["a"], "odd1", domain="custom"),
        helper.make_node("Twiddle", ["a"], ["b"], "odd2", domain="custom"),
        helper.make_node("MatMul", ["b", "w"], ["y"], "product"),
    ]


def missing_weights() -> list[onnx.NodeProto]:
    return [helper.make_node("MatMul", ["x", "nowhere"], ["y"], "product")]


def external(location: str) -> bytes:
    proto = small()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto.SerializeToString()


def wrong_size() -> bytes:
    proto = small()
    proto.graph.initializer[0].raw_data = bytes(20)
    return proto.SerializeToString()


def huge() -> bytes:
    proto = small()
    proto.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]
    return proto.SerializeToString()


INFINITE = np.where(np.arange(12).reshape(4, 3) == 7, np.inf, 1).astype(np.float32)
BAD_MODELS = {
    "text": (b"this is no model\n", "bad.onnx: is not an ONNX file"),
    "empty": (b"", "bad.onnx: is empty"),
    "truncated": (small().SerializeToString()[:-60], "bad.onnx: is not an ONNX"),
    "unknown opset": (small(opset=99).SerializeToString(), "opset 99 is unknown"),
    "cycle": (small(cyclic()).SerializeToString(), "cycl"),
    "missing initializer": (small(missing_weights()).SerializeToString(), "nowhere"),
    "missing external file": (external("weights.bin"), "weights.bin"),
    "external file outside": (external("../../etc/passwd"), "outside"),
    "infinity": (small(weights=INFINITE).SerializeToString(), "infinity"),
    "size of a tensor": (wrong_size(), "'w'"),
    "huge tensor": (huge(), "'w'"),
}


@pytest.mark.parametrize("kind", BAD_MODELS)
def test_a_bad_model_is_one_line(cli: Cli, kind: str) -> None:
    content, words = BAD_MODELS[kind]
    Path("bad.onnx").write_bytes(content)
    said = cli.bad("compile", "bad.onnx", "--header", "bad.h")
    assert said.startswith("bnnc: bad.onnx: ")
    assert words in said


def test_unsupported_operators_are_all_named(cli: Cli) -> None:
    save(cli.folder / "bad.onnx", small(unsupported()))
    said = cli.bad("compile", "bad.onnx")
    for word in ("odd1", "Frobnicate", "odd2", "Twiddle"):
        assert word in said


@pytest.mark.parametrize("path", ["nothere.onnx", ".", "/dev/null", ""])
def test_a_model_that_cannot_be_read_is_one_line(cli: Cli, path: str) -> None:
    assert f"bnnc: {path}: " in cli.bad("compile", path, "-o", "out.so")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "z80"], "unknown target 'z80'"),
        (["--target", "no-such-triple:nothing"], "nothing"),
        (["--target", "aarch64-unknown-linux-gnu:z80"], "z80"),
        (["-o", "nothere/net.so"], "the folder nothere does not exist"),
        (["-o", "."], "is a directory"),
        (["-o", "/proc/net.so"], "/proc/net.so: cannot write"),
        (["-o", "net.onnx"], "would overwrite the model"),
        (["--header", "nothere/net.h"], "the folder nothere does not exist"),
        (["--header", "net.onnx"], "would overwrite the model"),
        (["-o", "net.x", "--header", "net.x"], "same file"),
        (["--dump-ir", "net.onnx"], "net.onnx: cannot write"),
        (["--prefix", "9 lives"], "'9 lives' is not a C identifier"),
        (["--prefix", "p" * 101], "is not a C identifier of up to 100 letters"),
        (["--shape", "y=1x4"], "'y'"),
        (["--shape", "x=1x5"], "net.onnx"),
        (["--shape", "x=1x4x1"], "net.onnx"),
        (["--linker", "no-such-linker"], "no-such-linker"),
        (["--linker", "'"], "--linker"),
        (["--tune-trials", "4"], "--tune-trials is for --tune"),
        (["--tune-tracker", "a:1/b"], "--tune-tracker is for --tune"),
        (["--tune", "--tune-tracker", "a:1/b"], "--tune-tracker is for the tvm backend"),
        pytest.param(
            ["--backend", "tvm", "--tune", "--tune-tracker", "a"],
            "expected HOST:PORT/KEY",
            marks=pytest.mark.tvm,
        ),
    ],
)
def test_a_bad_option_is_one_line(cli: Cli, model: Path, options: list[str], words: str) -> None:
    before = model.read_bytes()
    assert words in cli.bad("compile", model.name, *options)
    assert model.read_bytes() == before


@pytest.mark.parametrize("backend", ["tvm", "auto"])
def test_without_tvm_the_extra_is_named(cli: Cli, model: Path, backend: str) -> None:
    """As where ``pip install bnnc[compiler]`` is all there is."""
    code = (
        "import sys; sys.modules['tvm'] = None; "
        "from bnnc.tools.command_line.cli import main; sys.exit(main())"
    )
    before = files(cli.folder)
    done = cli.process("compile", model, "--backend", backend, start=("-c", code))
    check_bad(done)
    assert done.err == f"bnnc: the {backend} backend needs tvm; install bnnc[tvm]\n"
    assert files(cli.folder) == before


@pytest.mark.parametrize("name", ["a\udcff", "x\ny", "é ü", "n" * 240])
def test_odd_names_are_names(cli: Cli, model: Path, name: str) -> None:
    odd = model.rename(cli.folder / f"{name}.onnx")
    cli.good("compile", odd)
    assert (cli.folder / f"{name}.so").exists()
    assert json.loads(cli.good("inspect", f"{name}.so", "--json"))["prefix"].isidentifier()


@pytest.mark.parametrize("emit", ["so", "obj", "asm", "llvm", "ir"])
def test_a_full_disk_leaves_no_file(cli: Cli, mnist: Path, emit: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    options = ("--emit", emit, "-o", "m.out", "--target", "x86-64-v2")
    done = cli.process("compile", mnist, *options, preexec_fn=limit, env={"TMPDIR": "."})
    check_bad(done)
    assert "cannot write" in done.err
    assert "File too large" in done.err
    assert files(cli.folder) == []


def test_a_full_disk_leaves_no_part_of_a_dump(cli: Cli, mnist: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    done = cli.process("compile", mnist, "-o", "m.so", "--dump-ir", "dump", preexec_fn=limit)
    check_bad(done)
    assert "00-imported.bnn.npz: cannot write: File too large" in done.err
    assert files(cli.folder) == ["dump"]


def test_an_old_artifact_stays_when_the_new_one_cannot_be_made(cli: Cli, model: Path) -> None:
    cli.good("compile", model)
    before = Path("net.so").read_bytes()
    model.write_bytes(b"")
    cli.bad("compile", model)
    assert Path("net.so").read_bytes() == before


def test_no_file_of_the_linker_stays_behind(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = cli.folder / "tmp"
    temporary.mkdir()
    done = cli.process("compile", model, env={"TMPDIR": str(temporary)})
    assert done.code == 0, done
    assert files(temporary) == []


def test_progress_shows_on_a_terminal_alone(cli: Cli, model: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bnnc", "compile", str(model)]
    shown = b""
    with (
        open("out.txt", "w") as out,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=theirs, env=TERMINAL
        ) as process,
    ):
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux ends a terminal without writers with EIO
            while part := os.read(ours, 65536):
                shown += part
    os.close(ours)
    assert process.returncode == 0, shown
    assert b"importing" in shown
    assert Path("out.txt").read_text().count("\n") == 1


def test_progress_elsewhere_is_a_line_now_and_then(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SPARSELY", 0.0)
    done = cli("compile", model)
    assert "bnnc: importing ...\n" in done.err
    total = len(pipelines.default())
    assert f"bnnc: rewriting, {total} of {total} passes done ...\n" in done.err
    assert cli("compile", model, "--quiet") == (0, "", "")
    assert "not allowed with" in cli.bad("compile", model, "-q", "-v")


def test_quiet_keeps_warnings(cli: Cli, mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cli.folder / "cache"))
    kept = cli.folder / "cache" / "bnnc" / "tuning.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("damaged")
    command = ("compile", mnist, "-o", "m.so", "--tune", "--tune-seconds", "0.001", "-q")
    done = cli(*command)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("bnnc: warning: ")
    assert done.err.count("\n") == 1


def test_tune(cli: Cli, mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cli.folder / "cache"))
    kept = cli.folder / "cache" / "bnnc" / "tuning.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("damaged")
    command = ("compile", mnist, "-o", "m.so", "--tune", "--tune-seconds", "0.001")
    done = cli(*command)
    assert done.code == 0
    assert f"warning: {kept}: not a tuning cache (" in done.err
    assert json.loads(kept.read_text())["entries"]
    assert "warning" not in cli(*command).err
    assert "--tune-seconds is the time of --tune" in cli.bad(
        "compile", mnist, "-o", "n.so", "--tune-seconds", "1"
    )
    assert "cannot tune for cortex-a72 here" in cli.bad(
        "compile", mnist, "-o", "n.so", "--target", "cortex-a72", "--tune"
    )


def test_what_no_kernel_computes_names_the_file(
    cli: Cli, mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LoweringError("node 'x' (Conv): no kernel computes it")

    monkeypatch.setattr(KernelBackend, "lower", refuse)
    said = cli.bad("compile", mnist, "-o", "m.so")
    assert said == f"bnnc: {mnist}: node 'x' (Conv): no kernel computes it\n"
