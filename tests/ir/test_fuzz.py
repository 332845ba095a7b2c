"""Mutated text: the parser and the verifier refuse it with their own errors, or it is a graph that
prints, reads back and can be computed."""

from __future__ import annotations

import os
import re
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ir_support import random_inputs
from operator_examples import EXAMPLES

from bnnc.errors import ParseError, VerifyError
from bnnc.ir import Graph, interpret, parse, print_graph, verify
from bnnc.ir.text import constants

EXAMPLES_PER_TEST = int(os.environ.get("BNNC_FUZZ_EXAMPLES", "400"))
_TOKEN = re.compile(r'\s+|[%@][\w.]+|"[^"]*"|-?[\d.]+(?:e-?\d+)?N?|\w+|.', re.DOTALL)
STRANGE = [
    *"0 -1 1 2 3 7 0N 2N 99999999999 1e999 nan -inf none true [ ] ( ) { } , : = @ %x %y %z".split(),
    *"f32 f16 i64 bool ternary bits<1;-1,1> bits<2;0,1,2,3> f32[N] f32[] [N,3] [0,0] []".split(),
    *"@nhwc @words splat(3) random(5) #0123456789abcdef graph input yield fused concat".split(),
    *("9" * 400, '"', '"\\u12"', " in batch+0", ' from "a"', "[1,2,3,4]", "\x00"),
]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """One or two examples with a few tokens lost, doubled, swapped or replaced."""
    names = draw(st.lists(st.sampled_from(sorted(EXAMPLES)), min_size=1, max_size=1))
    tokens = _TOKEN.findall("".join(EXAMPLES[n] for n in names))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        kind = draw(st.sampled_from("lose double swap replace insert take".split()))
        other = draw(st.integers(0, len(tokens) - 1))
        if kind == "lose" and len(tokens) > 1:
            del tokens[at]
        elif kind == "double":
            tokens.insert(at, tokens[at])
        elif kind == "swap":
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == "replace":
            tokens[at] = draw(st.sampled_from(STRANGE))
        elif kind == "insert":
            tokens.insert(at, draw(st.sampled_from(STRANGE)))
        else:
            tokens[at] = tokens[other]
    return "".join(tokens)


def small(graph: Graph) -> bool:
    """True when computing the graph takes little memory whatever its attributes say."""
    values = [*graph.inputs, *(v for n in graph.nodes for v in n.results)]
    numbers = [int(n) for n in re.findall(r"(?<![#\w.])\d+(?!\w)", print_graph(graph))]
    return max(numbers, default=0) < 200 and all(
        v.type.elements_per_sample() < 10**5 for v in values
    )


def read(text: str) -> Graph | None:
    """The verified graph, or None when the text was refused as it should be."""
    try:
        graph = parse(text)
        verify(graph)
    except (ParseError, VerifyError):
        return None
    return graph


@given(mutants())
@settings(max_examples=EXAMPLES_PER_TEST, suppress_health_check=list(HealthCheck))
def test_mutated_text(text: str) -> None:
    graph = read(text)
    if graph is None:
        return
    printed = print_graph(graph)
    assert print_graph(parse(printed, constants(graph))) == printed
    if small(graph):
        out = interpret(graph, random_inputs(graph))
        for output in graph.outputs:
            assert out[output.name].shape == output.value.type.concrete(2)
            assert out[output.name].dtype == output.value.element.dtype


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
@settings(max_examples=100)
def test_any_text(text: str) -> None:
    read(text)
    read("graph @g imported {" + text + "}")


@pytest.mark.parametrize(
    "body",
    [
        "%c = const() data=splat(1) element=f32 : f32[1099511627776]",
        "%c = const() data=random(1) element=f64 : f64[999999,999999]",
        "%c = const() data=[1] element=f32 : f32[9999999999]",
        """input %x: f32[N,1,999999999] input %w: f32[1,1,9999999]
           %y = conv(%x, %w, none) strides=[1] pads=[99999999,0] dilations=[3] groups=1 : f32[N]""",
        """input %x: f32[N,999999999]
           %y = pad(%x) before=[0,9999999999] after=[0,0] value=0.0 : f32[N,10999999998]""",
        "input %x: f32[" + "(" * 30000 + "]",
        '"' * 30001,
        "%" + "a" * 60000,
        "input %x: f32[" + "1," * 30000 + "1]",
        "%c = const() data=[" + "1," * 30000 + "1] element=f32 : f32[30001]",
        "input %x: bits<1;" + "1," * 30000 + "1>[2]",
        "input %x: f32[2] " + "\n" * 30000,
    ],
    ids=range(12),
)
def test_absurd_sizes_cost_nothing(body: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    read(f"graph @g imported {{ {body} }}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20
    assert time.process_time() - began < 20
