"""Running commands in tests: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bnnc.tools.command_line.cli import main


class Done(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class Cli:
    """Runs commands; ``folder`` is where they are started."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *arguments: object) -> Done:
        """A command in this process."""
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Done(code, *self._capsys.readouterr())

    def good(self, *arguments: object) -> str:
        """What a command printed that must succeed and say nothing else."""
        done = self(*arguments)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def bad(self, *arguments: object) -> str:
        """The one line of a command that must find its input or environment bad."""
        before = files(self.folder)
        done = self(*arguments)
        check_bad(done)
        assert files(self.folder) == before, "a refused command leaves no file behind"
        return done.err

    def process(self, *arguments: object, **settings: Any) -> Done:
        """A command in a process of its own, which Python ``start``s as bnnc; ``settings`` go to
        subprocess.run."""
        start = settings.pop("start", ("-m", "bnnc"))
        done = subprocess.run(
            [sys.executable, *start, *map(str, arguments)],
            cwd=settings.pop("cwd", self.folder),
            env={**os.environ, **settings.pop("env", {})},
            capture_output=True,
            text=True,
            check=False,
            stdin=settings.pop("stdin", subprocess.DEVNULL),
            **settings,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def check_bad(done: Done) -> None:
    """Exit code 2, one line on stderr, nothing on stdout."""
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.startswith("bnnc: ")
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")


def files(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
