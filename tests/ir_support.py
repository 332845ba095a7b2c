"""Helpers of the tests on graphs: inputs for any graph, and what counts as the same result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import KernelDescriptor
from bnnc.backends.targets import Target, resolve
from bnnc.ir import Bits, Graph, Layout, Op, Scalar, interpret
from bnnc.ir.ops import BinaryConv, Fused, Relayout, Threshold
from bnnc.passes import Context

ULP = float(np.finfo(np.float32).eps)
_KERNELS = tuple(
    KernelDescriptor(c.mnemonic(), c, lambda *_: None, lambda *_: 1.0) for c in Op.REGISTRY.values()
)
ONE_KERNEL_EACH = Context(PredictedCost(resolve("x86-64-v3"), _KERNELS))
"""A target, and for every operator one kernel that is named like it and takes all."""


def _no_planes(op: Op, target: Target) -> str | None:
    values = (*op.operands, *(op.body.results if isinstance(op, Fused) else ()))
    planes = any(v.type.layout is Layout.PLANES for v in values)
    return "no planes" if planes and not isinstance(op, Relayout) else None


def _sliced(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    assert op.anchor is not None
    conv = op.anchor.op
    assert isinstance(conv, BinaryConv)
    if conv.x.type.layout is not Layout.PLANES or set(conv.strides) != {1}:
        return "only planes, stride 1"
    packs = any(v.type.layout is Layout.PLANES for v in op.body.results)
    thresholded = [type(node.op) for node in op.body.nodes] == [BinaryConv, Threshold]
    return "planes only after one threshold" if packs and not thresholded else None


def with_planes(kernels: tuple[KernelDescriptor, ...]) -> tuple[KernelDescriptor, ...]:
    """Kernels that know no planes but for relayouts, and a third of the cost of theirs for binary
    convolutions a kernel that knows nothing else."""

    def without(kernel: KernelDescriptor) -> KernelDescriptor:
        def refuses(op: Op, target: Target) -> str | None:
            return _no_planes(op, target) or kernel.refuses(op, target)

        if kernel.operator is BinaryConv:
            return replace(kernel, refuses=refuses, cycles=lambda *_: 3.0)
        return replace(kernel, refuses=refuses)

    sliced = KernelDescriptor("binary_conv_sliced", BinaryConv, _sliced, lambda *_: 1.0)
    return (*map(without, kernels), sliced)


WORDS_AND_PLANES = Context(PredictedCost(resolve("x86-64-v3"), with_planes(_KERNELS)))


def examples(count: int) -> settings:
    """Hypothesis draws this many examples, or as many as ``BNNC_EXAMPLES`` says."""
    drawn = int(os.environ.get("BNNC_EXAMPLES", str(count)))
    return settings(max_examples=drawn, suppress_health_check=list(HealthCheck), deadline=None)


def random_inputs(graph: Graph, batch: int = 2, seed: int = 0) -> dict[str, Any]:
    """An array for every graph input, of its type; floats have zeros of both signs among them."""
    generator = np.random.default_rng(seed)
    out: dict[str, Any] = {}
    for value in graph.inputs:
        shape, element = value.type.concrete(batch), value.element
        if isinstance(element, Bits):
            array = generator.integers(0, len(element.values), shape)
        elif isinstance(element, Scalar) and element.dtype.kind == "f":
            array = generator.standard_normal(shape) * (generator.random(shape) > 0.1)
        elif isinstance(element, Scalar) and element.dtype.kind in "ub":
            array = generator.integers(0, 2, shape)
        else:
            array = generator.integers(-1, 2, shape)
        out[value.name] = array.astype(element.dtype)
    return out


def assert_same(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    """Equal in every value (0.0 is -0.0, NaN is NaN), in data type and in shape."""
    assert list(expected) == list(actual)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        assert actual[name].shape == array.shape
        np.testing.assert_array_equal(actual[name], array, err_msg=f"output '{name}'")


def assert_close(expected: Mapping[str, Any], actual: Mapping[str, Any], ulps: float) -> None:
    """Within ``ulps`` units in the last place of the largest value of each output."""
    assert list(expected) == list(actual)
    for name, array in expected.items():
        scale = float(np.abs(array[np.isfinite(array)]).max(initial=1.0))
        np.testing.assert_allclose(
            actual[name], array, rtol=0, atol=ulps * ULP * scale, err_msg=f"output '{name}'"
        )


def assert_equivalent(
    before: Graph, after: Graph, ulps: float = 0, batch: int = 2, seed: int = 0
) -> None:
    """Both graphs compute the same on random inputs; ``ulps`` 0 asks for every bit."""
    inputs = random_inputs(before, batch, seed)
    expected, actual = interpret(before, inputs), interpret(after, inputs)
    if ulps:
        assert_close(expected, actual, ulps)
    else:
        assert_same(expected, actual)
