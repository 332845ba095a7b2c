"""Scripts that complete the command in bash, zsh and fish, made from the commands' own arguments.

A script knows the commands, the options of each and the values of those that have a list; anything
else completes as a file name. Targets are listed, though others of LLVM may be named.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ...backends.targets import ALIASES, NATIVE, TARGETS

_TARGETS = (NATIVE, *TARGETS, *ALIASES)


class Command(Protocol):
    """What completion needs of a command's module."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments to a parser."""


class _Recorder(argparse.ArgumentParser):
    """A parser that remembers its arguments, those of groups too."""

    def __init__(self) -> None:
        self.seen: list[argparse.Action] = []
        super().__init__()

    def _add_action(self, action: argparse.Action) -> argparse.Action:
        self.seen.append(action)
        return super()._add_action(action)


def _arguments(command: Command) -> list[argparse.Action]:
    recorder = _Recorder()
    command.add_arguments(recorder)
    return recorder.seen


def _values(action: argparse.Action) -> Sequence[str]:
    """All values that an argument may have, none where they are not listed."""
    if "--target" in action.option_strings:
        return _TARGETS
    return [str(value) for value in action.choices or ()]


def bash(program: str, commands: Sequence[Command]) -> str:
    """A function that looks at the command and at the word before; bash completes file names where
    it finds nothing."""
    cases: list[str] = []
    for command in commands:
        arguments = _arguments(command)
        for action in arguments:
            if action.option_strings and action.nargs != 0:
                names = "|".join(f"'{command.NAME} {name}'" for name in action.option_strings)
                cases.append(f"    {names}) words='{' '.join(_values(action))}';;")
        options = " ".join(name for action in arguments for name in action.option_strings)
        others = (value for a in arguments if not a.option_strings for value in _values(a))
        cases.append(
            f"    '{command.NAME} '*) case $word in -*) words='{options}';; "
            f"*) words='{' '.join(others)}';; esac;;"
        )
    every = "\n".join(cases)
    return f"""\
_{program}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words=
  case "${{COMP_WORDS[1]}} ${{COMP_WORDS[COMP_CWORD-1]}}" in
    *' {program}') words='{" ".join(c.NAME for c in commands)} --help --version';;
{every}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _{program} {program}
"""


def zsh(program: str, commands: Sequence[Command]) -> str:
    """The same function: zsh runs those of bash."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash(program, commands)}"


def fish(program: str, commands: Sequence[Command]) -> str:
    """A line for each command and each option."""
    lines = [
        f"complete -c {program} -n __fish_use_subcommand -f -a {c.NAME} -d {_quoted(c.HELP)}"
        for c in commands
    ]
    for command in commands:
        start = f"complete -c {program} -n '__fish_seen_subcommand_from {command.NAME}'"
        for action in _arguments(command):
            values = _quoted(" ".join(_values(action)))
            parts = [
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in action.option_strings
            ]
            if parts and action.nargs != 0:
                parts.append(f"-x -a {values}" if _values(action) else "-r")
            elif not parts and _values(action):
                parts.append(f"-f -a {values}")
            if parts:
                said = _quoted((action.help or "").replace("%%", "%"))
                lines.append(" ".join([start, *parts, "-d", said]))
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A word for fish, where only these two are special between quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


SHELLS: Mapping[str, Callable[[str, Sequence[Command]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
