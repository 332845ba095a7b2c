"""Golden tests of the passes: each ``<pass>/<case>.bnn`` is a graph with what shall become of it.

    // RUN: threshold                   the pipeline, as on the command line
    // CHECK: %s = threshold(           FileCheck lines on the printed result, or
    // EXPECT-ERROR: needs a target     the message with which the pass refuses

A line that speaks of CHECK and is no well-formed check would test nothing: it is an error. What a
pass makes must verify, print and parse to the same text, and compute what the graph computed.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser
from ir_support import assert_equivalent, with_planes

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import KernelDescriptor
from bnnc.backends.targets import Target, resolve
from bnnc.errors import BnncError
from bnnc.ir import Op, parse, print_graph, verify
from bnnc.ir.ops import Conv, Fused, Softmax
from bnnc.ir.text import constants
from bnnc.passes import Context, Pass, parse_pipeline, pass_types, run_passes

FOLDER = Path(__file__).resolve().parent
FILES = sorted(p for p in FOLDER.glob("*/*.bnn") if p.parent.name != "pipeline")
_RUN = re.compile(r"// RUN: (\S.*)")
_ERROR = re.compile(r"// EXPECT-ERROR: (\S.*)")
_CHECK = re.compile(r"// CHECK(?:-(NEXT|NOT|SAME|DAG|EMPTY|COUNT-\d+))?(?:\{LITERAL\})?: +\S.*")
_DIRECTIVE = re.compile(r"CHECK|RUN\b|EXPECT|ERROR")


class Malformed(Exception):
    """A golden file does not say what it expects."""


@dataclass(frozen=True)
class Case:
    """What a golden file asks for: the pipeline, and an error's message or checks."""

    pipeline: str
    error: str | None
    checks: int


def read_case(text: str) -> Case:
    """The directives of a golden file; raises Malformed at the first line that would be ignored."""
    runs: list[str] = []
    errors: list[str] = []
    checks = 0
    for number, line in enumerate(text.splitlines(), 1):
        comment = line[line.find("//") :].rstrip() if "//" in line else ""
        if match := _RUN.fullmatch(comment):
            runs.append(match[1])
        elif match := _ERROR.fullmatch(comment):
            errors.append(match[1])
        elif match := _CHECK.fullmatch(comment):
            checks += match[1] != "NOT"
        elif _DIRECTIVE.search(comment):
            raise Malformed(f"line {number}: {comment!r} is no well-formed directive")
    if len(runs) != 1:
        raise Malformed(f"expected one '// RUN: pass', got {len(runs)}")
    if len(errors) > 1 or bool(errors) == bool(checks):
        raise Malformed("expected '// CHECK' lines that must match, or one '// EXPECT-ERROR'")
    return Case(runs[0], errors[0] if errors else None, checks)


def filecheck(path: Path, text: str) -> None:
    """Run the checks of ``path`` over ``text``."""
    options = Options(match_filename=str(path), input_file="the result")
    matcher = Matcher(options, FInput("the result", text), Parser.from_opts(options))
    matcher.stderr = io.StringIO()
    if matcher.run():
        pytest.fail(f"{matcher.stderr.getvalue()}\n{text}", pytrace=False)


def kernels() -> tuple[KernelDescriptor, ...]:
    """Two kernels for conv, one of them only for 3x3, none for softmax, one for all others."""

    def only_3x3(op: Op, target: Target) -> str | None:
        anchor = op.anchor if isinstance(op, Fused) else None
        conv = anchor.op if anchor else op
        assert isinstance(conv, Conv)
        return None if conv.w.shape[2:] == (3, 3) else "only for 3x3"

    def make(name: str, cls: type[Op], cycles: float, refuses: object) -> KernelDescriptor:
        return KernelDescriptor(name, cls, refuses, lambda *_: cycles)  # type: ignore[arg-type]

    others = [cls for cls in Op.REGISTRY.values() if cls not in (Conv, Softmax)]
    return (
        make("conv_any", Conv, 9, lambda op, target: None),
        make("conv_3x3", Conv, 1, only_3x3),
        *(make(cls.mnemonic(), cls, 1, lambda op, target: None) for cls in others),
    )


def context() -> Context:
    """What every pass may ask for: a target and kernels, one of which knows planes."""
    return Context(PredictedCost(resolve("x86-64-v3"), with_planes(kernels())))


def rounds(step: Pass) -> bool:
    """True when a pass may move floats by some ulp."""
    return step.exactness == "rounding" and not getattr(step, "exact", False)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_golden(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    case = read_case(text)
    steps = parse_pipeline(case.pipeline)
    graph = parse(text, file=path.name)
    verify(graph)
    if case.error is not None:
        with pytest.raises(BnncError) as caught:
            run_passes(graph, steps, context())
        assert str(caught.value) == case.error
        return
    after = run_passes(graph, steps, context())
    printed = print_graph(after)
    filecheck(path, printed)
    assert print_graph(parse(printed, constants(after))) == printed
    assert_equivalent(graph, after, ulps=8 if any(map(rounds, steps)) else 0)


@pytest.mark.parametrize("name", pass_types())
def test_every_pass_has_goldens(name: str) -> None:
    """One where it fires, and one where it must not fire or refuses."""
    assert len(list((FOLDER / name).glob("*.bnn"))) >= 2


def test_goldens_name_the_pass_of_their_folder() -> None:
    for path in FILES:
        steps = parse_pipeline(read_case(path.read_text(encoding="utf-8")).pipeline)
        assert path.parent.name in [step.name() for step in steps], path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected one '// RUN: pass', got 0"),
        ("// RUN: dead-code\n", "expected '// CHECK' lines that must match"),
        ("// RUN: dead-code\n// CHECK %x", "is no well-formed directive"),
        ("// RUN: dead-code\n// CHECK: %x\n// CHECK-NEXT %y", "is no well-formed directive"),
        ("// RUN: dead-code\n// CHECKNEXT: %x", "is no well-formed directive"),
        ("// RUN: dead-code\n//CHECK: %x", "is no well-formed directive"),
        ("// RUN: dead-code\n// CHECK:", "is no well-formed directive"),
        ("// RUN: dead-code\n// CHECK-NTO: %x", "is no well-formed directive"),
        ("// RUN: dead-code\n// CHECK-NOT: %x", "expected '// CHECK' lines that must match"),
        ("// RUN: dead-code\n// EXPECT-ERROR message", "is no well-formed directive"),
        ("// RUN: dead-code\n// EXPECT-ERROR: a\n// CHECK: b", "expected '// CHECK' lines"),
        ("// RUN dead-code\n// CHECK: b", "is no well-formed directive"),
        ("// RUN: a\n// RUN: b\n// CHECK: b", "expected one '// RUN: pass', got 2"),
    ],
)
def test_a_golden_that_tests_nothing_is_an_error(text: str, message: str) -> None:
    with pytest.raises(Malformed, match=re.escape(message)):
        read_case(text)


def test_filecheck_fails_where_the_text_differs(tmp_path: Path) -> None:
    path = tmp_path / "case.bnn"
    path.write_text("// CHECK: %a\n// CHECK-NEXT: %b\n// CHECK-NOT: %c\n")
    filecheck(path, "%a\n%b\n")
    for text in ("%a\n", "%a\n%x\n%b\n", "%a\n%b\n%c\n"):
        with pytest.raises(pytest.fail.Exception):
            filecheck(path, text)
