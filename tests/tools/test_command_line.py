"""What holds for every command: help, exit codes, one line for what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from cli_support import Cli
from frontend_support import model, node

import bnnc
from bnnc.errors import ModelError
from bnnc.tools.command_line import commands, console

COMMANDS = {
    "compile": (
        "MODEL.onnx --target -o --backend --emit --header --prefix --shape --sign-zero "
        "--exact-float --linker --dump-ir -v"
    ),
    "run": "ARTIFACT --input -o",
    "verify": (
        "MODEL.onnx ARTIFACT --inputs --runs --seed --rtol --atol --target --shape --sign-zero"
    ),
    "bench": "ARTIFACT --model --json --runs --seconds --batch",
    "inspect": "MODEL.onnx|ARTIFACT --json",
    "opt": "FILE --passes -o --target --list",
    "targets": "--json",
    "completion": "bash zsh fish",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_argument_and_shows_examples(cli: Cli, command: str) -> None:
    shown = cli.good(command, "--help")
    for argument in COMMANDS[command].split():
        assert re.search(rf"(?<![\w-]){re.escape(argument)}(?![\w-])", shown), argument
    assert f"  bnnc {command}" in shown.partition("examples:")[2]


def test_help_names_every_command_and_exit_code(cli: Cli) -> None:
    shown = cli.good("--help")
    for command in COMMANDS:
        assert re.search(rf"^ +{command}\s+\w", shown, re.MULTILINE)
    for code in ("0 done", "1 verify", "2 bad input", "70 internal", "130 interrupted"):
        assert code in shown


def test_quiet_prints_only_results(
    cli: Cli, mnist: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SPARSELY", 0.0)
    np.save("x.npy", np.zeros((1, 1, 28, 28), np.float32))
    bench = ("bench", mnist, "--layers", "--runs", "1")
    written = (
        ("compile", mnist, "--compress", "-o", "mnist.bnnc"),
        ("expand", "mnist.bnnc", "-o", "mnist.so"),
        ("run", "mnist.so", "--input", "x.npy", "-o", "y.npz"),
        ("inspect", "mnist.so", "--html", "page.html"),
    )
    for command in written:
        assert cli(*command, "-q") == (0, "", ""), command
        assert Path(command[-1]).stat().st_size
    assert cli("verify", mnist, compiled, "--runs", "1", "--quiet") == (0, "ok\n", "")
    assert cli("inspect", compiled).out.count("    why ") == 6
    bare = cli.good("inspect", compiled, "-q")
    assert not re.search("^    (op|by|why) ", bare, re.MULTILINE)
    assert re.search(r"^/conv1/Conv +yes .* 1.81M +1.81M ", bare, re.MULTILINE)
    done = cli(*bench, "-q")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("whole calls: ")
    assert cli(*bench).err


def test_version(cli: Cli) -> None:
    assert cli.good("--version") == f"bnnc {bnnc.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND; see bnnc --help"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["compile"], "required: MODEL.onnx; see bnnc compile --help"),
        (["compile", "m.onnx", "--emit", "dll"], "invalid choice: 'dll'"),
        (["compile", "m.onnx", "--backend", "gcc"], "invalid choice: 'gcc'"),
        (["compile", "m.onnx", "--sign-zero", "-1"], "--sign-zero"),
        (["compile", "m.onnx", "--targ", "native"], "unrecognized arguments: --targ"),
        (["compile", "m.onnx", "--shape", "3x3"], "expected NAME=1x3x32x32, got '3x3'"),
        (["compile", "m.onnx", "--shape", "x=3xN"], "N first leaves the batch open"),
        (["compile", "m.onnx", "--shape", "x=3x0"], "sizes are from 1"),
        (["compile", "m.onnx", "--shape", "x=99999999999999999999"], "expected sizes"),
        (["compile", "m.onnx", "--shape", "x=1x2", "--shape", "x=2x2"], "'x' two shapes"),
        (["run", "m.so"], "required: --input"),
        (["bench", "m.so", "--batch", "0"], "integer from 1"),
        (["bench", "m.so", "--seconds", "nan"], "expected seconds"),
        (["verify", "m.onnx", "--rtol", "-1"], "--rtol"),
        (["verify", "m.onnx", "--atol", "inf"], "from 0 up"),
        (["opt"], "expected FILE and --passes"),
    ],
)
def test_wrong_arguments_are_one_line(cli: Cli, arguments: list[str], words: str) -> None:
    assert words in cli.bad(*arguments)


def test_an_internal_error_is_one_line_and_70(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: object) -> int:
        raise KeyError("lost")

    monkeypatch.setattr(commands.targets, "run", broken)
    done = cli("targets")
    assert done.code == 70
    said = "bnnc: internal error: KeyError: 'lost'; BNNC_DEBUG=1 shows the traceback\n"
    assert done.err == said
    monkeypatch.setenv("BNNC_DEBUG", "1")
    done = cli("targets")
    assert done.code == 70
    assert "Traceback" in done.err
    assert done.err.endswith(said)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ModelError("m.onnx:\nnode '\x1b[0m': odd"), 2, "m.onnx: node '\\x1b[0m': odd"),
        (OSError(28, "No space left on device", "a.so"), 2, "a.so: No space left on device"),
        (OSError("odd"), 2, "odd"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_goes_wrong_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    def broken(arguments: object) -> int:
        raise error

    monkeypatch.setattr(commands.targets, "run", broken)
    assert cli("targets") == (code, "", f"bnnc: {line}\n")


# A shell that runs the tests in the background leaves interrupts ignored, also for children.
SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from bnnc.tools.command_line import cli, commands
def sleep(arguments):
    print("ready", flush=True)
    time.sleep(60)
commands.targets.run = sleep
sys.exit(cli.main(["targets"]))
"""


def test_a_signal_interrupts_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "bnnc: interrupted\n")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bnnc", "targets"],
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_under_stdout_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bnnc", "targets"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    said = "bnnc: stdout: cannot write: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_output_survives_a_terminal_without_unicode(cli: Cli) -> None:
    done = cli.process("opt", "--list", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.code == 0, done
    assert "\\xb1alpha" in done.out


def test_the_command_line_loads_no_library() -> None:
    """Not even NumPy: commands import what they need when they run."""
    code = (
        "import sys; import bnnc.tools.command_line.cli;"
        "print(*sorted({'numpy', 'onnx', 'llvmlite', 'rich', 'bnnc.driver', 'bnnc.ir'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("command", [["compile"], ["verify"], ["inspect"], ["opt", "--list"]])
def test_a_missing_extra_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(console, "COMPILER_LIBRARIES", ("a_library_that_nobody_has",))
    Path("m.onnx").write_bytes(b"\x08\x08")
    said = cli.bad(command[0], "m.onnx", *command[1:])
    assert "a_library_that_nobody_has" in said
    assert "bnnc[compiler]" in said


def test_targets(cli: Cli) -> None:
    shown = cli.good("targets").splitlines()
    targets = json.loads(cli.good("targets", "--json"))
    assert [line.split()[0] for line in shown[1:]] == [target["name"] for target in targets]
    native, *rest = targets
    assert native["name"] == "native"
    assert native["runs_here"]
    for target in rest:
        assert target["triple"].startswith(target["machine"])
        assert target["vector_bits"] in (128, 256, 512)
        assert target["runs_here"] == (target["why_not"] == "")
    assert {target["machine"] for target in rest} == {"x86_64", "aarch64"}
    for target in rest:
        if target["machine"] != native["machine"]:
            assert target["why_not"] == f"this machine is {native['machine']}"


@pytest.mark.parametrize(
    "command",
    [
        "inspect RED.onnx", "inspect RED.onnx --json", "inspect RED.onnx --mst", "inspect RED.so",
        "inspect RED.so --json", "compile RED.onnx -v", "verify RED.onnx RED.so",
        "verify RED.onnx --json", "run RED.so --input x.npy", "run RED.so --input x.npy -o RED.npz",
        "bench RED.so --runs 2", "bench RED.so --layers --runs 2", "opt RED.bnn --passes none",
        "expand RED.so", "compile RED.none", "opt RED.none --passes none", "run RED.none --input x",
    ],
)  # fmt: skip
def test_no_name_reaches_the_terminal_raw(cli: Cli, red: Path, command: str) -> None:
    """Colours, a bell, C1 codes and overridden directions in the names of a model and its file."""
    shutil.copytree(red, cli.folder, dirs_exist_ok=True)
    done = cli(*command.replace("RED", RED).split())
    assert done.code in (0, 2)
    for line in (done.out + done.err).split("\n"):
        assert line.isprintable(), line
    if "--json" in command:
        assert json.loads(done.out).get("name", RED) == RED


RED = "\x1b[31m\a\x9b\u202e"


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its artifact and its IR, whose names are what a terminal obeys."""
    folder = tmp_path_factory.mktemp("red")
    nodes = [node("Sign", [RED], ["s"], name=f"{RED}\n"), node("Gemm", ["s", "w"], [f"{RED}y"])]
    weights = {"w": np.ones((64, 64), np.float32)}
    proto = model(nodes, {RED: ["N", 64]}, {f"{RED}y": ["N", 64]}, weights)
    proto.producer_name = proto.graph.name = RED
    onnx.save(proto, folder / f"{RED}.onnx")
    bnnc.compile(folder / f"{RED}.onnx", output=folder / f"{RED}.bnn", emit="ir")
    bnnc.compile(folder / f"{RED}.onnx", output=folder / f"{RED}.so")
    np.save(folder / "x.npy", np.ones((2, 64), np.float32))
    return folder
