"""Shells complete what the commands take."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from cli_support import Cli
from optional_tools import missing

from bnnc.tools.command_line.commands import COMMANDS
from bnnc.tools.command_line.completion import fish


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["bnnc", "comp"], ["compile", "completion"]),
        (["bnnc", "--v"], ["--version"]),
        (["bnnc", "compile", "--opt"], ["--optimize"]),
        (["bnnc", "compile", "m.onnx", "--optimize", "s"], ["speed", "size"]),
        (["bnnc", "compile", "m.onnx", "--target", "rpi"], ["rpi3", "rpi4", "rpi5"]),
        (["bnnc", "inspect", "--target", "x86-64-v"], ["x86-64-v2", "x86-64-v3", "x86-64-v4"]),
        (["bnnc", "completion", ""], ["bash", "zsh", "fish"]),
        (["bnnc", "compile", "-o", ""], []),
        (["bnnc", "compile", ""], []),
        (["bnnc", "run", "--opt"], []),
    ],
)
def test_bash_completes(cli: Cli, words: list[str], completed: list[str]) -> None:
    """Where it completes nothing, bash offers files."""
    if shutil.which("bash") is None:
        missing("BASH", "bash", "apt-get install bash")
    script = cli.good("completion", "bash")
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _bnnc; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(
        ["bash", "-uc", f"{script}\n{ask}"], capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (completed, "")


def test_zsh_runs_the_function_of_bash(cli: Cli) -> None:
    first, rest = cli.good("completion", "zsh").split("\n", 1)
    assert first == "autoload -U +X bashcompinit && bashcompinit"
    assert rest == cli.good("completion", "bash")


def test_fish_has_a_line_for_each_option(cli: Cli) -> None:
    lines = cli.good("completion", "fish").splitlines()
    start = "complete -c bnnc -n '__fish_seen_subcommand_from compile'"
    assert f"{start} -s v -l verbose -d 'list the layers'" in lines
    assert any(
        line.startswith(f"{start} -l optimize -x -a 'balanced speed size' -d ") for line in lines
    )
    assert f"{start} -l header -r -d 'also write the C header'" in lines
    assert sum("__fish_use_subcommand" in line for line in lines) == len(COMMANDS)


def test_quotes_are_kept_from_fish() -> None:
    class Quoting:
        NAME, HELP = "say", "a command's \\ help"

        def add_arguments(self, parser: object) -> None:
            """None."""

    (line, _) = fish("p", [Quoting()]).splitlines()
    assert line.endswith("-d 'a command\\'s \\\\ help'")
