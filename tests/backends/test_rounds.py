"""Steps that run in rounds give the bits that they give for an entire batch."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ir_support import examples, random_inputs
from library_support import Library
from random_graphs import networks

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.single_layer_library import piece
from bnnc.backends.targets import native
from bnnc.driver import load_backend
from bnnc.ir import Graph, nodes_in_rounds, parse
from bnnc.passes import Context, pipelines, run_passes
from bnnc.passes.memory_plan import MemoryPlan
from bnnc.runtime import artifact
from bnnc.runtime.step_timer import StepTimer

TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
SMALL = 600
"""Bytes of a second-level cache that holds one or a few samples of the networks here."""


def planned(graph: Graph, l2: int) -> tuple[Library, Graph]:
    """The library of a graph planned for a cache, with the kernels of one without bounds."""
    target = native()
    kernels = load_backend("llvm").kernels
    *before, last = pipelines.default()
    assert isinstance(last, MemoryPlan)
    graph = run_passes(graph, before, Context(PredictedCost(replace(target, l2=1 << 40), kernels)))
    small = replace(target, l2=l2)
    graph = run_passes(graph, [last], Context(PredictedCost(small, kernels)))
    return Library(graph, small), graph


@examples(12)
@given(networks(dyadic=False), st.sampled_from([SMALL, 4 * SMALL]))
def test_rounds_and_threads_change_no_bit(graph: Graph, l2: int) -> None:
    assume(graph.inputs[0].type.symbolic)
    whole, plan = planned(graph, 1 << 40)
    assert nodes_in_rounds(plan) == 0
    rounds, _ = planned(graph, l2)
    inputs = random_inputs(graph, 7, 3)
    expected = whole.run(inputs, 7)
    alone = {name: value[: len(value) // 7] for name, value in inputs.items()}
    for name, first in rounds.run(alone, 1).items():
        np.testing.assert_array_equal(first, expected[name][: len(first)], err_msg=name)
    for threads, pieces in ((1, 0), (2, 3), (3, 1)):
        got = rounds.run(inputs, 7, pieces=pieces, threads=threads)
        for name, want in expected.items():
            np.testing.assert_array_equal(got[name], want, err_msg=f"{name}, {threads} threads")


LAYERS = """graph @g imported {
  input %x: f32[N,8,6,6]
  input %u: f32[8]
  %r = relu(%x) : f32[N,8,6,6]
  %h = softmax(%r) axis=1 : f32[N,8,6,6]
  %f = reshape(%h) shape=[4N,72] : f32[4N,72]
  %s = softmax(%f) axis=1 : f32[4N,72]
  %t = softmax(%u) axis=0 : f32[8]
  %b = reshape(%s) shape=[N,8,36] : f32[N,8,36]
  %c = reshape(%t) shape=[8,1] : f32[8,1]
  %y = mul(%b, %c) : f32[N,8,36]
  output %y as "y"
  output %h as "h"
  output %t as "t"
}"""


@pytest.mark.parametrize(("batch", "threads", "rounds"), [(1, 1, 1), (5, 1, 5), (5, 2, 3)])
def test_each_round_sees_its_own_samples(batch: int, threads: int, rounds: int) -> None:
    """Inputs, outputs, several rows a sample, and values without a batch."""
    graph = parse(LAYERS)
    library, plan = planned(graph, SMALL)
    assert nodes_in_rounds(plan) > 4
    inputs = random_inputs(graph, batch, 1)
    whole, _ = planned(graph, 1 << 40)

    def counted(library: Library, threads: int) -> tuple[dict[str, np.ndarray], int]:
        calls = list[int]()

        def share(task: int, frame: int, count: int) -> None:
            calls.append(count)
            TASK(task)(frame, 0, count)

        return library.run(inputs, batch, share=share, threads=threads), len(calls)

    got, steps = counted(library, threads)
    expected, once = counted(whole, 1)
    for name, want in expected.items():
        np.testing.assert_array_equal(got[name], want, err_msg=name)
    assert steps == rounds * once


def test_the_clock_adds_up_the_rounds_of_each_kernel() -> None:
    target = replace(native(), l2=SMALL)
    _, plan = planned(parse(LAYERS), SMALL)
    data = piece(plan, load_backend("llvm"), target)
    manifest = artifact.read_manifest(data, "rounds")
    inputs = [value.astype(np.float32) for value in random_inputs(plan, 5, 1).values()]
    timer = StepTimer(data, manifest, "rounds", inputs, 5)
    timer.run()
    assert manifest.workspace.rounds.count(5, 1) == 5
    assert [len(times) for times in timer.seconds()] == [1] * len(manifest.kernels)
