"""What Python has of bnnc: the names of the package, loaded when they are first asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cli_support import Cli
from conftest import ROOT

import bnnc
from bnnc.errors import InputError

NAMES = [
    *("Options", "__version__", "benchmark", "compile", "errors", "inspect", "load", "runtime"),
    *("targets", "verify"),
]


def test_the_package_shows_its_names_alone() -> None:
    assert dir(bnnc) == sorted(bnnc.__all__) == NAMES
    for name in NAMES:
        assert getattr(bnnc, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'kompile'"):
        bnnc.kompile  # type: ignore[attr-defined] # noqa: B018


def test_importing_loads_only_errors() -> None:
    code = "import sys, bnnc; print(*sorted(n for n in sys.modules if n.startswith('bnnc')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert done.stdout.split() == ["bnnc", "bnnc.errors", "bnnc.version"]


def test_inspect_returns_what_the_command_prints(cli: Cli, mnist: Path, compiled: Path) -> None:
    for file in (mnist, compiled):
        told = json.loads(cli.good("inspect", file, "--json"))
        assert json.loads(json.dumps(bnnc.inspect(file))) == told
        assert told["binarized"] == 4


@pytest.mark.parametrize(
    ("keywords", "flag"),
    [
        ({"target": "arm64"}, "--target"),
        ({"shapes": {"input": (1, 1, 28, 28)}}, "--shape"),
        ({"sign_zero": "+1"}, "--sign-zero"),
    ],
)
def test_inspect_does_not_pass_over_what_an_artifact_cannot_have(
    compiled: Path, keywords: dict[str, Any], flag: str
) -> None:
    with pytest.raises(InputError, match=f"is compiled already; {flag} is for models, leave it"):
        bnnc.inspect(compiled, **keywords)


def test_targets_are_values(cli: Cli) -> None:
    listed = bnnc.targets()
    told = json.loads(cli.good("targets", "--json"))
    assert json.loads(json.dumps([asdict(target) for target in listed])) == told
    names = {target.name: target.aliases for target in listed}
    assert names["cortex-a76"] == ("rpi5", "pixel")
    assert names["native"] == ()


def test_verify_returns_a_report(mnist: Path, compiled: Path) -> None:
    report = bnnc.verify(str(mnist), str(compiled), runs=1)
    assert (report.verdict, report.mismatch) == ("ok", False)
    assert report.runs == {"equal": 1, "near-tie": 0, "wrong": 0}


def test_benchmark_returns_seconds(mnist: Path, compiled: Path) -> None:
    times = bnnc.benchmark(compiled, mnist, runs=3)
    assert set(times.times) == {"bnnc", "onnxruntime"}
    assert times.times["bnnc"].calls == 3
    assert times.ratio == times.times["onnxruntime"].median / times.times["bnnc"].median
    assert times.json()["bnnc"] == times.times["bnnc"].json()
    alone = bnnc.benchmark(compiled, runs=1, batch=4)
    assert (alone.ratio, alone.batch, alone.json()["onnxruntime"]) == (None, 4, None)
