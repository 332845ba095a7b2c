"""Any order of channels and any signs, on random networks: outputs keep every bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from ir_support import ONE_KERNEL_EACH, assert_same, examples, random_inputs
from random_graphs import networks

from bnnc.ir import Graph, interpret, parse
from bnnc.ir.ops import BinaryConv, BinaryGemm, Const
from bnnc.passes import pipelines, run_passes
from bnnc.passes.mst_reorder import MstReorder
from bnnc.passes.support.channel_groups import trace
from bnnc.passes.support.channel_permutation import Changes, apply, takes_signs
from bnnc.passes.support.spanning_tree import Forest

SETTINGS = examples(100)


def lowered(graph: Graph) -> Graph:
    """Up to the pass."""
    steps = pipelines.default(exact_float=True)
    last = next(i for i, step in enumerate(steps) if isinstance(step, MstReorder))
    return run_passes(graph, steps[:last], ONE_KERNEL_EACH)


def shuffled(graph: Graph, seed: int) -> Changes:
    """Every group that may move in a random order, every layer that may with random signs."""
    rng = np.random.default_rng(seed)
    axes = trace(graph)
    fixed = {leaf for o in axes.obstacles if not o.undone for leaf in axes.groups.leaves(o.groups)}
    leaves = {leaf for value in axes.of for leaf in axes.leaves(value)} - fixed
    sizes = {leaf: axes.groups.sizes[leaf] for leaf in sorted(leaves)}
    orders = {leaf: rng.permutation(size) for leaf, size in sizes.items() if size > 1}
    forests = {
        node: _signs(node.op, rng)
        for node in graph.nodes
        if isinstance(node.op, BinaryConv)
        and isinstance(graph.producer_op(node.op.w), Const)
        and takes_signs(graph, node)
    }
    event("groups in another order", min(len(orders), 3))
    event("layers with signs", min(len(forests), 3))
    event("undone", bool(orders) and any(o.undone for o in axes.obstacles))
    return Changes(axes, orders, tuple(o for o in axes.obstacles if o.undone), forests)


def _signs(op: BinaryConv, rng: np.random.Generator) -> Forest:
    """A forest of roots, of which some are negated."""
    outputs = op.w.shape[0]
    bits = int(np.prod(op.w.shape[1:]))
    signs = rng.choice(np.array([-1, 1], np.int8), outputs)
    return Forest(np.full(outputs, -1), np.full(outputs, bits), signs)


@given(networks(dyadic=False), st.integers(0, 1 << 16))
@SETTINGS
def test_any_order_and_signs_keep_every_bit(graph: Graph, seed: int) -> None:
    graph = lowered(graph)
    after = apply(graph, shuffled(graph, seed))
    inputs = random_inputs(graph, 2, 7)
    expected, actual = interpret(graph, inputs), interpret(after, inputs)
    assert_same(expected, actual)
    assert all(expected[k].tobytes() == actual[k].tobytes() for k in expected)


@given(networks(dyadic=False), st.sampled_from([1, 2, 4]), st.integers(0, 3))
@SETTINGS
def test_small_blocks_keep_every_bit(graph: Graph, block: int, max_depth: int) -> None:
    graph = lowered(graph)
    after = run_passes(graph, (MstReorder(max_depth, block, True),), ONE_KERNEL_EACH)
    layers = [n.op for n in after.nodes if isinstance(n.op, (BinaryConv, BinaryGemm))]
    event("binary layers", min(len(layers), 3))
    inputs = random_inputs(graph, 2, 7)
    expected, actual = interpret(graph, inputs), interpret(after, inputs)
    assert all(expected[k].tobytes() == actual[k].tobytes() for k in expected)


TURNED = """
graph @turned binarized {{
  input %x: bits<1;-1,1>[N,2,{size},3]
  %w = const() data=[0, 1, 1, 0, 0, 1, 1, 0] element=bits<1;-1,1> : bits<1;-1,1>[4,2,1,1]
  %n = binary_conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=1 : i32[N,4,{size},3]
  %a = const() data={numbers} element=f32 : f32[{size}]
  %b = const() data={ones} element=f32 : f32[{size}]
  %t = const() data={numbers} element=i32 : i32[{size}]
  %f = const() data={truth} element=bool : bool[{size}]
  %rows = transpose(%n) perm=[0,2,3,1] : i32[N,{size},3,4]
  %s = threshold(%rows, %t, %f) : bits<1;-1,1>[N,{size},3,4]
  %d = decode(%s) : f32[N,{size},3,4]
  %c = cast(%rows) to=f32 : f32[N,{size},3,4]
  %m = batch_norm(%c, %a, %b, %a, %b) epsilon=0 : f32[N,{size},3,4]
  output %d as "signs"
  output %m as "normed"
}}
"""


@pytest.mark.parametrize("size", [2, 4])
def test_constants_of_another_axis_stay_in_order(size: int) -> None:
    """Thresholds and normalization run along axis 1, also where the channels are elsewhere."""
    numbers = list(range(-1, size - 1))
    truth = str([n > 0 for n in numbers]).lower()
    graph = parse(TURNED.format(size=size, numbers=numbers, ones=[1] * size, truth=truth))
    after = run_passes(graph, (MstReorder(0, 2, True),), ONE_KERNEL_EACH)
    assert len(after.nodes) > len(graph.nodes)  # channels are put back at the outputs
    inputs = random_inputs(graph, 2, 7)
    assert_same(interpret(graph, inputs), interpret(after, inputs))
