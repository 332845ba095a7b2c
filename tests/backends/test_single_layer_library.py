"""Maps that are parts of a concatenation: regions write them where they belong, read them with the
distance between pixels of the whole, and no copy is left. Skips are replaced by their sums."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import WIDTHS, library
from library_support import random_inputs

from bnnc.ir import Graph, Slot, interpret, parse, verify
from bnnc.ir.ops import Concat
from bnnc.passes import run_passes
from bnnc.passes.memory_plan import MemoryPlan

A, B, C, D = (f"f32[N,{channels},5,6]@nhwc" for channels in (5, 19, 24, 40))
TEXT = f"""graph @dense scheduled {{
  input %x: f32[N,5,5,6]
  %w = const() data=random(1) element=f32 : f32[19,5,3,3]
  %v = const() data=random(2) element=f32 : f32[16,24,1,1]
  %u = const() data=random(3) element=f32 : f32[24,1,3,3]
  %s = const() data=random(4) element=f32 : f32[24,1,1]
  %m = relayout(%x) layout=nhwc : {A}
  %a = fused([%m]) kernel="" {{
    (%m: {A})
    %y = relu(%m) : {A}
    yield %y
  }} : {A}
  %b = fused([%a, %w]) kernel="" {{
    (%a: {A}, %w: f32[19,5,3,3])
    %y = conv(%a, %w, none) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1 : {B}
    yield %y
  }} : {B}
  %c = concat([%a, %b]) axis=1 : {C}
  %bits = fused([%c, %s]) kernel="" {{
    (%c: {C}, %s: f32[24,1,1])
    %y = mul(%c, %s) : {C}
    %z = binarize(%y) zero=1 : bits<1;-1,1>[N,24,5,6]@words
    yield %z
  }} : bits<1;-1,1>[N,24,5,6]@words
  %d = fused([%c, %v]) kernel="" {{
    (%c: {C}, %v: f32[16,24,1,1])
    %y = conv(%c, %v, none) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=1
       : f32[N,16,5,6]@nhwc
    yield %y
  }} : f32[N,16,5,6]@nhwc
  %e = concat([%c, %d]) axis=1 : {D}
  %f = fused([%c, %u]) kernel="" {{
    (%c: {C}, %u: f32[24,1,3,3])
    %y = conv(%c, %u, none) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=24 : {C}
    yield %y
  }} : {C}
  %g = fused([%f, %c]) kernel="" {{
    (%f: {C}, %c: {C})
    %y = add(%f, %c) : {C}
    yield %y
  }} : {C}
  %h = fused([%b]) kernel="" {{
    (%b: {B})
    %y = max_pool(%b) kernel=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1] ceil_mode=false
       : f32[N,19,3,3]@nhwc
    yield %y
  }} : f32[N,19,3,3]@nhwc
  %i = fused([%c]) kernel="" {{
    (%c: {C})
    %y = reduce_mean(%c) axes=[2,3] keepdims=false : f32[N,24]
    yield %y
  }} : f32[N,24]
  %j = fused([%bits]) kernel="" {{
    (%bits: bits<1;-1,1>[N,24,5,6]@words)
    %y = decode(%bits) : f32[N,24,5,6]
    yield %y
  }} : f32[N,24,5,6]
  %k = relayout(%e) layout=row : f32[N,40,5,6]
  %l = relayout(%g) layout=row : f32[N,24,5,6]
  %n = relayout(%h) layout=row : f32[N,19,3,3]
  output %j as "j"
  output %k as "k"
  output %l as "l"
  output %n as "n"
  output %i as "i"
}}"""


@pytest.fixture(scope="module")
def graph() -> Graph:
    planned = run_passes(parse(TEXT), (MemoryPlan(),))
    verify(planned)
    return planned


def test_parts_lie_in_the_last_concatenation(graph: Graph) -> None:
    slots = {v.name: v.slot for node in graph.nodes for v in node.results}
    joined = slots["e"]
    assert joined is not None
    starts = {"a": 0, "b": 5, "c": 0, "d": 24}
    expected = {n: Slot("batch", joined.offset, at, 40) for n, at in starts.items()}
    assert {n: slots[n] for n in starts} == expected
    assert slots["g"] == slots["f"], "a sum takes the place of its operand"
    assert sum(isinstance(node.op, Concat) for node in graph.nodes) == 2


@pytest.mark.parametrize("run", WIDTHS)
@pytest.mark.parametrize("batch", [1, 3])
def test_regions_read_and_write_parts(graph: Graph, run: tuple[str, str], batch: int) -> None:
    inputs = random_inputs(graph, batch)
    expected, got = interpret(graph, inputs), library(graph, *run).run(inputs, batch, 3)
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
