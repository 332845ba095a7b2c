"""Dense blocks, whose layers read all parts that came before: exact from end to end, and no pass
over the growing map."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from ir_support import random_inputs
from kernel_cases import each
from library_support import X86_PATHS, Library, present
from missing_instructions import runnable

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.targets import Target
from bnnc.driver import load_backend
from bnnc.ir import Graph, Layout, interpret, parse
from bnnc.ir.ops import Fused
from bnnc.passes import Context, pipelines, run_passes

FIRST = 40
GROWTH = (64, 24, 70, 130)
SIZE = "9,11"
WINDOW = "strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1"


def block() -> str:
    """A pool, layers of a normalization, a sign and a convolution whose results are joined to what
    they read, and a scale and a pool behind them."""
    lines: list[str] = []
    channels, joined = FIRST, "p"
    for i, growth in enumerate(GROWTH):
        here, shape = f"f32[N,{channels},{SIZE}]", f"f32[N,{growth},{SIZE}]"
        total = f"f32[N,{channels + growth},{SIZE}]"
        lines += [
            f"%k{i} = const() data=random({4 * i + 1}) element=f32 : f32[{channels},1,1]",
            f"%b{i} = const() data=random({4 * i + 2}) element=f32 : f32[{channels},1,1]",
            f"%l{i} = const() data=random({4 * i + 3}) element=f32 : f32[{growth},{channels},3,3]",
            f"%w{i} = sign(%l{i}) zero=1 : f32[{growth},{channels},3,3]",
            f"%m{i} = mul(%{joined}, %k{i}) : {here}",
            f"%a{i} = add(%m{i}, %b{i}) : {here}",
            f"%s{i} = sign(%a{i}) zero=1 : {here}",
            f"%c{i} = conv(%s{i}, %w{i}, none) {WINDOW} : {shape}",
            f"%j{i} = concat([%{joined}, %c{i}]) axis=1 : {total}",
        ]
        channels, joined = channels + growth, f"j{i}"
    shape = f"f32[N,{FIRST},{SIZE}]"
    return f"""
        graph @dense imported {{
          input %x: {shape}
          %p = max_pool(%x) kernel=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
               ceil_mode=false : {shape}
          {chr(10).join(lines)}
          %k = const() data=random(99) element=f32 : f32[{channels},1,1]
          %m = mul(%{joined}, %k) : f32[N,{channels},{SIZE}]
          %y = max_pool(%m) kernel=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
               ceil_mode=false : f32[N,{channels},4,5]
          output %y as "y"
        }}
    """


@cache
def imported() -> Graph:
    return parse(block())


def compiled(target: Target, backend: str) -> Graph:
    context = Context(PredictedCost(target, load_backend(backend).kernels))
    return run_passes(imported(), pipelines.default(exact_float=True), context)


@pytest.mark.parametrize("run", each(*X86_PATHS))
def test_a_dense_block_bit_for_bit(run: tuple[str, str]) -> None:
    path, backend = run
    target = X86_PATHS[path]
    if not present(runnable(target)):
        pytest.skip(f"not executed here: this machine cannot run {path}")
    inputs = random_inputs(imported(), 3, 7)
    got = Library(compiled(target, backend), target, backend=backend).run(inputs, 3, pieces=2)
    np.testing.assert_array_equal(got["y"], interpret(imported(), inputs)["y"])


@pytest.mark.parametrize("path", X86_PATHS)
def test_parts_make_what_later_layers_read(path: str) -> None:
    regions = [n.op for n in compiled(X86_PATHS[path], "llvm").nodes if isinstance(n.op, Fused)]
    assert [region for region in regions if region.anchor is None] == []
    packed = [sum(r.type.layout is Layout.WORDS for r in region.body.results) for region in regions]
    assert sorted(packed, reverse=True)[: len(GROWTH)] == [4, 3, 2, 1]
