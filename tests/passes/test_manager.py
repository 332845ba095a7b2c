"""Passes by name, pipelines as text, and the manager that runs them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from bnnc.errors import PassError, VerifyError
from bnnc.ir import Builder, Graph, Stage, parse
from bnnc.passes import Context, Pass, parse_pipeline, pass_types, pipelines, run_passes
from bnnc.passes.select_kernels import SelectKernels

GRAPH = 'graph @g imported { input %x: f32[N,2] %y = relu(%x) : f32[N,2] output %y as "y" }'


def test_passes_are_found_by_file() -> None:
    names = "binarize canonicalize constant-fold dead-code fold-scale fuse-conv-bn fuse-epilogue"
    assert set(f"{names} memory-plan pack-bits select-kernels threshold".split()) <= set(
        pass_types()
    )
    for name, cls in pass_types().items():
        assert cls.name() == name
        assert cls.requires


def test_pipelines_read_back() -> None:
    for exact in (True, False):
        steps = pipelines.default(exact)
        assert parse_pipeline(",".join(map(str, steps))) == steps
    (step,) = parse_pipeline(" fold-scale{ exact=true } ")
    assert str(step) == "fold-scale{exact=true}"
    assert parse_pipeline("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frob", "unknown pass 'frob'; known: binarize, canonicalize"),
        ("dead-code canonicalize", "cannot read the pipeline at 'dead-code canonicalize'"),
        ("dead-code,,canonicalize", "cannot read the pipeline at ',canonicalize'"),
        ("fold-scale{exact=true", "cannot read the pipeline"),
        ("fold-scale{exact=maybe}", "option exact cannot be 'maybe'"),
        ("fold-scale{speed=9}", "has no option 'speed'; it has ['exact']"),
        ("dead-code{x=1}", "pass dead-code has no option 'x'; it has none"),
    ],
)
def test_pipelines_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(PassError, match=re.escape(message)):
        parse_pipeline(text)


def test_results_are_observed_in_order() -> None:
    seen: list[tuple[int, str, Stage]] = []
    run_passes(
        parse(GRAPH),
        parse_pipeline("dead-code,canonicalize,binarize"),
        observe=lambda number, step, graph: seen.append((number, step.name(), graph.stage)),
    )
    assert seen == [
        (1, "dead-code", Stage.IMPORTED),
        (2, "canonicalize", Stage.IMPORTED),
        (3, "binarize", Stage.BINARIZED),
    ]


def test_stages_are_checked_before_each_pass() -> None:
    with pytest.raises(PassError, match="pass binarize takes imported graphs, got binarized"):
        run_passes(parse(GRAPH), parse_pipeline("binarize,binarize"))


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    @dataclass(frozen=True)
    class Breaks(Pass):
        def run(self, graph: Graph, context: Context) -> Graph:
            return graph.replace(nodes=())

    with pytest.raises(VerifyError, match=r"after pass .*: output 'y' shows a value that nothing"):
        run_passes(parse(GRAPH), (Breaks(),))


def test_kernels_need_a_target() -> None:
    graph = parse(GRAPH.replace("imported", "packed"))
    with pytest.raises(PassError, match="select-kernels needs a target"):
        run_passes(graph, (SelectKernels(),))


def test_unique_names() -> None:
    builder = Builder.over(parse(GRAPH))
    assert [builder.unique("x"), builder.unique("x"), builder.unique("z")] == ["x.1", "x.2", "z"]
