"""Every pass on random networks: `exact` passes keep every bit, `rounding` ones a few ulp.

``BNNC_EXAMPLES`` sets the number of networks a test draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st
from ir_support import ONE_KERNEL_EACH, ULP, assert_same, examples, random_inputs
from random_graphs import networks

from bnnc.ir import F32, Graph, Value, interpret, ops
from bnnc.ir.ops import BinaryConv, BinaryGemm, Conv, Gemm, Sign, Threshold
from bnnc.passes import Pass, pipelines, run_passes
from bnnc.passes.binarize import Binarize
from bnnc.passes.factor_out import FactorOut
from bnnc.passes.fold_scale import FoldScale
from bnnc.passes.fuse_conv_bn import FuseConvBn
from bnnc.passes.pack_weights import PackWeights
from bnnc.passes.support.queries import reaches_sign

SETTINGS = examples(100)


def default(exact_float: bool = False) -> tuple[Pass, ...]:
    """The default passes; however small a layer is, its weights are packed."""
    steps = pipelines.default(exact_float)
    return tuple(replace(s, least=1) if isinstance(s, PackWeights) else s for s in steps)


def inputs_of(graph: Graph, dyadic: bool) -> dict[str, Any]:
    """Inputs; halves for dyadic networks, zeros among them."""
    inputs = random_inputs(graph, 2, 7)
    return {k: np.round(v * 2) / np.float32(2) for k, v in inputs.items()} if dyadic else inputs


def trace(graph: Graph, inputs: dict[str, Any]) -> dict[str, Any]:
    """Every value by name."""
    seen: dict[str, Any] = {}

    def observe(value: Value, array: Any) -> Any:
        seen[value.name] = array
        return array

    interpret(graph, inputs, observe)
    return seen


def stages(graph: Graph, passes: tuple[Pass, ...]) -> list[tuple[Pass, Graph, Graph]]:
    """Each pass with the graph before and after it."""
    out: list[tuple[Pass, Graph, Graph]] = []
    current = graph
    for step in passes:
        after = run_passes(current, (step,), ONE_KERNEL_EACH)
        out.append((step, current, after))
        current = after
    return out


def assert_same_after(step: Pass, expected: dict[str, Any], actual: dict[str, Any]) -> None:
    """`assert_same`, naming the pass."""
    try:
        assert_same(expected, actual)
    except AssertionError as error:
        raise AssertionError(f"after {step}: {error}") from error


@given(networks(dyadic=True))
@SETTINGS
def test_numbers_of_few_bits_stay_exact(graph: Graph) -> None:
    """Where float32 arithmetic is exact, every pass keeps every bit, from import to schedule."""
    inputs = inputs_of(graph, dyadic=True)
    expected = interpret(graph, inputs)
    for step, _, after in stages(graph, default(exact_float=True)):
        assert_same_after(step, expected, interpret(after, inputs))
    report(after)


@given(networks(dyadic=False))
@SETTINGS
def test_exact_passes_keep_every_bit(graph: Graph) -> None:
    """On any numbers; binarize, with the factors that make way for it, is judged by
    `test_binarize_layer_by_layer`."""
    inputs = inputs_of(graph, dyadic=False)
    expected = interpret(graph, inputs)
    for step, _, after in stages(graph, default(exact_float=True)):
        actual = interpret(after, inputs)
        if isinstance(step, (FactorOut, Binarize)):
            expected = actual
        assert_same_after(step, expected, actual)
    report(after)


@given(networks(dyadic=False))
@SETTINGS
def test_binarize_layer_by_layer(graph: Graph) -> None:
    """Each value from the reference's own operands: float sums of ±alpha against integer sums."""
    steps = (s for s in pipelines.recognition() if not isinstance(s, FactorOut))
    graph = run_passes(graph, steps, ONE_KERNEL_EACH)
    after = run_passes(graph, (FactorOut(), Binarize()), ONE_KERNEL_EACH)
    inputs = inputs_of(graph, dyadic=False)
    expected = trace(graph, inputs)
    largest = 1.0 + max(float(np.abs(a).max(initial=0)) for a in expected.values())

    def observe(value: Value, array: Any) -> Any:
        if value.name not in expected:
            return array
        reference = expected[value.name]
        if reference.dtype == array.dtype == np.float32:
            np.testing.assert_allclose(array, reference, rtol=0, atol=8 * ULP * largest)
            return reference
        return array

    interpret(after, inputs, observe)


@given(networks(dyadic=False), st.sampled_from([FuseConvBn(), FoldScale()]))
@SETTINGS
def test_rounding_passes(graph: Graph, step: Pass) -> None:
    """Outputs move by some ulp, and no value before a sign moves at all."""
    graph = run_passes(graph, (*pipelines.recognition(), Binarize()), ONE_KERNEL_EACH)
    after = run_passes(graph, (step,), ONE_KERNEL_EACH)
    inputs = inputs_of(graph, dyadic=False)
    old, new = trace(graph, inputs), trace(after, inputs)
    signs = [n.result.name for n in graph.nodes if isinstance(n.op, (Sign, ops.Binarize))]
    before_sign = [v.name for v in reaches_sign(graph)]
    for name in (*signs, *before_sign):
        if name in new and new[name].shape == old[name].shape:
            np.testing.assert_array_equal(new[name], old[name], err_msg=f"%{name}")
    largest = 1.0 + max(float(np.abs(a).max(initial=0)) for a in old.values())
    expected, actual = interpret(graph, inputs), interpret(after, inputs)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=0, atol=256 * ULP * largest)


@given(networks(dyadic=False))
@SETTINGS
def test_default_pipeline_keeps_signs(graph: Graph) -> None:
    """With rounding allowed, outputs move by some ulp of the largest value and no bit flips."""
    binarized = run_passes(graph, (*pipelines.recognition(), Binarize()), ONE_KERNEL_EACH)
    after = run_passes(graph, default(), ONE_KERNEL_EACH)
    inputs = inputs_of(graph, dyadic=False)
    largest = 1.0 + max(float(np.abs(a).max(initial=0)) for a in trace(binarized, inputs).values())
    expected, actual = interpret(binarized, inputs), interpret(after, inputs)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=0, atol=512 * ULP * largest)


def report(graph: Graph) -> None:
    """Say in ``--hypothesis-show-statistics`` what the networks came to."""
    inner = [m.op for n in graph.nodes for m in getattr(getattr(n.op, "body", None), "nodes", ())]
    event("binary layers", min(3, sum(isinstance(o, (BinaryConv, BinaryGemm)) for o in inner)))
    codes = (isinstance(o, (Conv, Gemm)) and o.w.element != F32 for o in inner)
    event("float layers of codes", min(3, sum(codes)))
    event("thresholds", min(3, sum(isinstance(o, Threshold) for o in inner)))
