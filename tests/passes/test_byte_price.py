"""What a byte is worth: libraries grow only for the speed that they gain."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import pytest

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import Choice, KernelDescriptor
from bnnc.backends.targets import Target, resolve
from bnnc.ir import Graph, Op, parse
from bnnc.ir.ops import Fused
from bnnc.passes import Context
from bnnc.passes.byte_price import _LEAST, EXCHANGE, weighed
from bnnc.passes.select_kernels import SelectKernels

Ways = tuple[tuple[float, int], ...]
"""Cycles and bytes of each way to compute a layer."""
REGION = """
  %y{n} = fused([%x{n}]) kernel="" {{
    (%x{n}: f32[N,{n}])
    %y{n} = relu(%x{n}) : f32[N,{n}]
    yield %y{n}
  }} : f32[N,{n}]
  output %y{n} as "y{n}"
"""


@dataclass(frozen=True)
class Net:
    """Layers that can be told apart by their size, each with its ways."""

    layers: tuple[Ways, ...]

    def graph(self) -> Graph:
        numbers = range(1, len(self.layers) + 1)
        inputs = "".join(f"  input %x{n}: f32[N,{n}]\n" for n in numbers)
        regions = "".join(REGION.format(n=n) for n in numbers)
        return parse(f"graph @g packed {{\n{inputs}{regions}}}")

    def costs(self) -> PredictedCost:
        most = max(map(len, self.layers))
        kernels = tuple(self._kernel(number) for number in range(most))
        return PredictedCost(resolve("x86-64-v3"), kernels)

    def _kernel(self, number: int) -> KernelDescriptor:
        def ways(op: Op) -> Ways:
            return self.layers[op.operands[0].type.elements_per_sample() - 1]

        def refuses(op: Op, target: Target) -> str | None:
            return None if number < len(ways(op)) else "fewer ways"

        def cycles(op: Op, target: Target, choice: Choice) -> float:
            return ways(op)[number][0]

        def extra(op: Op, target: Target, choice: Choice) -> int:
            return ways(op)[number][1]

        return KernelDescriptor(f"way{number}", Fused, refuses, cycles, extra_bytes=extra)

    def chosen(self, optimize: str) -> tuple[int, ...]:
        """The number of each layer's way."""
        model = weighed(self.graph(), self.costs(), optimize)  # type: ignore[arg-type]
        graph = SelectKernels().run(self.graph(), Context(model))
        kernels = [node.op.kernel for node in graph.nodes if isinstance(node.op, Fused)]
        return tuple(int(kernel.removeprefix("way")) for kernel in kernels)

    def total(self, ways: tuple[int, ...]) -> tuple[float, int]:
        """Cycles, and bytes of the library."""
        taken = [layer[way] for layer, way in zip(self.layers, ways, strict=True)]
        return sum(cycles for cycles, _ in taken), sum(size for _, size in taken) + _LEAST

    def product(self, ways: tuple[int, ...]) -> float:
        cycles, size = self.total(ways)
        return cycles * size**EXCHANGE


MB = 10**6


@pytest.mark.parametrize(
    ("larger", "balanced"),
    [
        ((0.96, 1.5), 0),
        ((0.94, 1.5), 1),
        ((0.93, 2), 0),
        ((0.91, 2), 1),
        ((0.85, 4), 0),
        ((0.83, 4), 1),
        ((0.93, 8), 0),
        ((0.70, 8), 1),
        ((1.0, 0.9), 1),
    ],
)
def test_one_layer(larger: tuple[float, float], balanced: int) -> None:
    cycles, size = larger
    net = Net((((MB, MB), (cycles * MB, int(size * MB))),))
    assert net.chosen("balanced") == (balanced,)
    assert net.chosen("speed") == (int(cycles < 1),)
    assert net.chosen("size") == (int(size < 1),)


def test_equal_sizes_are_decided_by_cycles() -> None:
    net = Net((((2.0, MB), (1.0, MB)),))
    assert [net.chosen(name) for name in ("size", "balanced", "speed")] == [(1,)] * 3


def test_a_layer_counts_by_its_share_of_the_network() -> None:
    """A fifth faster is worth it where the time is, not where the bytes are."""
    slow: Ways = ((10.0 * MB, 10_000), (8.0 * MB, 40_000))
    large: Ways = ((0.1 * MB, MB), (0.08 * MB, 4 * MB))
    assert Net((slow, large)).chosen("balanced") == (1, 0)
    assert Net((slow, large)).chosen("speed") == (1, 1)


@pytest.mark.parametrize("seed", range(12))
def test_no_worse_than_the_smallest_and_the_fastest(seed: int) -> None:
    """And near the best of all combinations, which steps from both ends need not find."""
    source = random.Random(seed)

    def ways() -> Ways:
        cycles, size = source.uniform(1, 9) * MB, source.randint(10, 900) * 1000
        more = ((cycles * source.uniform(0.5, 1), size * source.randint(1, 8)) for _ in range(2))
        return ((cycles, size), *more)

    net = Net(tuple(ways() for _ in range(5)))
    got = net.product(net.chosen("balanced"))
    ends = [net.chosen("size"), net.chosen("speed")]
    assert got <= min(map(net.product, ends)) * (1 + 1e-12)
    best = min(net.product(combined) for combined in itertools.product(range(3), repeat=5))
    assert got <= best * 1.02
    (slow, least), (cycles, size) = net.total(ends[0]), net.total(net.chosen("balanced"))
    grown = math.log(size / least) * EXCHANGE
    assert math.log(slow / cycles) >= grown - 1e-9, "bytes are paid for with speed"
