"""``bnnc completion``: a script by which a shell completes the command."""

from __future__ import annotations

import argparse

from ..console import show_text

NAME = "completion"
HELP = "print a script that completes bnnc in a shell"
DESCRIPTION = """\
Print a script by which bash, zsh or fish complete commands, options and their values."""
EXAMPLES = """\
  source <(bnnc completion bash)                              (in ~/.bashrc)
  source <(bnnc completion zsh)                               (in ~/.zshrc, after compinit)
  bnnc completion fish > ~/.config/fish/completions/bnnc.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose script")


def run(arguments: argparse.Namespace) -> int:
    from ..completion import SHELLS

    script = SHELLS[arguments.shell]("bnnc", arguments.commands)
    show_text(script.rstrip("\n"))
    return 0
