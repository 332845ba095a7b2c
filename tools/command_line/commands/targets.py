"""``bnnc targets``: the targets that code can be generated for."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..console import show, show_json, table

if TYPE_CHECKING:
    from ....backends.targets import Target

NAME = "targets"
HELP = "list the targets"
DESCRIPTION = """\
List the targets: the LLVM triple and CPU, the width of vectors, how bits are counted, and whether
this machine can run the code. `--target TRIPLE:CPU` names any other that LLVM knows."""
EXAMPLES = """\
  bnnc targets
  bnnc targets --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, with features")


def run(arguments: argparse.Namespace) -> int:
    targets = _targets()
    if arguments.json:
        show_json(targets)
        return 0
    rows: list[tuple[str, ...]] = [("target", "triple", "cpu", "vector", "popcount", "runs here")]
    for target in targets:
        here = "yes" if target["runs_here"] else f"no: {target['why_not']}"
        vector = f"{target['vector_bits']} bits" if target["vector_bits"] else "-"
        known = (str(target[key] or "-") for key in ("name", "triple", "cpu"))
        rows.append((*known, vector, str(target["popcount"] or "-"), here))
    show(*table(rows, left=range(6)))
    return 0


def _targets() -> list[dict[str, object]]:
    """One row for each target, ``native`` first."""
    from ....backends import targets
    from ....errors import TargetError

    rows: list[dict[str, object]] = []
    for name in (targets.NATIVE, *targets.TARGETS):
        try:
            target = targets.resolve(name)
        except TargetError as error:
            rows.append(_row(name, None, str(error)))
        else:
            rows.append(_row(name, target, _why_not(target)))
    return rows


def _row(name: str, target: Target | None, why_not: str) -> dict[str, object]:
    return {
        "name": name,
        "triple": target and target.triple,
        "machine": target and target.machine,
        "cpu": target and target.cpu,
        "vector_bits": target and target.vector_bits,
        "popcount": target and target.has.popcount,
        "features": list(target.host_features) if target else [],
        "runs_here": not why_not,
        "why_not": why_not,
    }


def _why_not(target: Target) -> str:
    """The reason why this machine cannot run code for a target; empty when it can."""
    from ....runtime.cpu import host_machine, missing_features

    if sys.platform != "linux":
        return f"compiled models run on Linux, this is {sys.platform}"
    machine = host_machine()
    if machine != target.machine:
        return f"this machine is {machine}"
    missing = missing_features(target.host_features)
    return f"this CPU lacks {', '.join(missing)}" if missing else ""
