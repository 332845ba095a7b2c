"""Borders far wider than maps, taps far apart and rows far longer than others are no more code, and
no error.

`test_float_kernels` and `test_binary_kernels` have the values.
"""

from __future__ import annotations

from typing import Any

import pytest
from binary_cases import Conv
from library_support import scheduled
from sliced_cases import Layer

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.targets import TARGETS
from bnnc.driver import load_backend
from bnnc.ir import parse

NARROW, BROAD = 100, 3000


def float_layer(pad: int) -> str:
    """A convolution of floats along the rows."""
    return f"""
        input %x: f32[N,3,2,60]
        %w = const() data=random(1) element=f32 : f32[24,3,1,3]
        %y = fused([%x, %w]) kernel="" {{
          (%x: f32[N,3,2,60], %w: f32[24,3,1,3])
          %c = conv(%x, %w, none) strides=[1,1] pads=[0,{pad},0,{pad}] dilations=[1,1] groups=1
               : f32[N,24,2,{58 + 2 * pad}]
          yield %c
        }} : f32[N,24,2,{58 + 2 * pad}]
        output %y as "y"
    """


def binary_layer(pad: int) -> str:
    """One of bits."""
    return Conv(70, 24, (2, 60), (1, 3), pads=(0, pad, 0, pad)).text()


KINDS = {"float": float_layer, "binary": binary_layer}


def size(backend: str, target: str, body: str) -> int:
    """Lines of the code that a backend writes for a graph."""
    graph = scheduled(f"graph @g scheduled {{\n{body}\n}}")
    lowered: Any = load_backend(backend).lower(graph, TARGETS[target])
    return sum(text.count("\n") for text in (lowered.text, *lowered.foreign.values()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["x86-64-v3", "icelake-server", "arm64"])
def test_code_does_not_grow_with_the_border(backend: str, target: str, kind: str) -> None:
    broad, narrow = (size(backend, target, KINDS[kind](pad)) for pad in (BROAD, NARROW))
    assert broad < 2 * narrow  # what remains of a row differs


@pytest.mark.parametrize("zero", [0, 1])
@pytest.mark.parametrize("target", ["x86-64-v3", "icelake-server", "arm64"])
def test_code_does_not_grow_with_the_inputs(backend: str, target: str, zero: int) -> None:
    """Of a product of bits, whether zeros are looked for or not."""

    def pixel(words: int) -> str:
        return Conv(64 * words, 8, (1, 1), (1, 1), pads=(0, 0, 0, 0), zero=zero).text()

    long, longer = (size(backend, target, pixel(words)) for words in (1000, 9000))
    assert longer < 1.1 * long


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("distance", [65536, 163226])
def test_taps_far_apart_are_not_sliced(channels: int, distance: int) -> None:
    """A tile of that kernel reads all that lies between them."""
    pads = (distance, distance)
    layer = Layer(channels, 8, size=(4, 4), dilations=pads, pads=pads)
    op = parse(f"graph @g scheduled {{\n{layer.text()}\n}}").nodes[-1].op
    costs = PredictedCost(TARGETS["icelake-server"], load_backend("llvm").kernels)
    assert costs.choices(op) == ()
