"""The layouts that `choose-layouts` finds are the cheapest of all, on chains and on graphs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from ir_support import assert_equivalent

from bnnc.backends.cost_model import NO_CONSTANTS, Constants, PredictedCost, Priced
from bnnc.backends.interface import Choice, KernelDescriptor
from bnnc.backends.targets import Target, resolve
from bnnc.errors import PassError
from bnnc.ir import Graph, Layout, Op, parse
from bnnc.ir.ops import BinaryConv, Fused, Relayout
from bnnc.passes import Context, run_passes
from bnnc.passes.choose_layouts import ChooseLayouts

WORDS, PLANES = Layout.WORDS, Layout.PLANES
BITS = "bits<1;-1,1>"
WINDOW = "strides=[1] pads=[0,0] dilations=[1] groups=1"
HEAD = f"""graph @g packed {{
  input %x: f32[N,8,9]
  %w = const() data=random(1) element={BITS} : {BITS}[8,8,1]
  %t = const() data=splat(1) element=i32 : i32[8]
  %f = const() data=splat(false) element=bool : bool[8]
  %x0 = fused([%x]) kernel="" {{
    (%x: f32[N,8,9])
    %x0 = binarize(%x) zero=1 : {BITS}[N,8,9]@words
    yield %x0
  }} : {BITS}[N,8,9]@words
"""


def region(number: int, source: int) -> str:
    """Region ``number`` reads the bits of region ``source`` and writes bits."""
    return f"""  %x{number} = fused([%x{source}, %w, %t, %f]) kernel="" {{
    (%x{source}: {BITS}[N,8,9]@words, %w: {BITS}[8,8,1], %t: i32[8], %f: bool[8])
    %n = binary_conv(%x{source}, %w) {WINDOW} : i32[N,8,9]@nhwc
    %x{number} = threshold(%n, %t, %f) : {BITS}[N,8,9]@words
    yield %x{number}
  }} : {BITS}[N,8,9]@words
"""


def decode(source: int) -> str:
    return f"""  %y{source} = fused([%x{source}]) kernel="" {{
    (%x{source}: {BITS}[N,8,9]@words)
    %y{source} = decode(%x{source}) : f32[N,8,9]
    yield %y{source}
  }} : f32[N,8,9]
  output %y{source} as "y{source}"
"""


def network(sources: Mapping[int, int]) -> Graph:
    """Regions by number and source; those that no other reads are decoded."""
    ends = [n for n in sources if n not in sources.values()]
    text = "".join(region(n, source) for n, source in sources.items())
    return parse(HEAD + text + "".join(map(decode, ends)) + "}")


@dataclass
class Costs:
    """Random costs of regions, by number and layouts, and of relayouts; None: no kernel."""

    seed: int
    regions: dict[tuple[int, Layout, Layout], float | None] = field(default_factory=dict)
    relayouts: dict[tuple[int, Layout], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def region(self, number: int, x: Layout, y: Layout) -> float | None:
        key = (number, x, y)
        if key not in self.regions:
            missing = (x, y) != (WORDS, WORDS) and self.random.random() < 0.2
            self.regions[key] = None if missing else float(self.random.randint(1, 9))
        return self.regions[key]

    def relayout(self, number: int, to: Layout) -> float:
        return self.relayouts.setdefault((number, to), float(self.random.randint(0, 4)))

    def context(self) -> Context:
        def of(op: Op) -> float | None:
            assert isinstance(op, Fused)
            (result,) = op.body.results
            return self.region(number(result.name), op.xs[0].type.layout, result.type.layout)

        def moved(op: Op, target: Target, choice: Choice) -> float:
            assert isinstance(op, Relayout)
            return self.relayout(number(op.x.name), op.layout)

        def plain(op: Op, target: Target) -> str | None:
            assert isinstance(op, Fused)
            values = (*op.xs, *op.body.results)
            return "planes" if any(v.type.layout is PLANES for v in values) else None

        def refuses(op: Op, target: Target) -> str | None:
            return "no" if of(op) is None else None

        kernels = (
            KernelDescriptor("conv", BinaryConv, refuses, lambda op, *_: of(op) or 0.0),
            KernelDescriptor("pointwise", Fused, plain, lambda *_: 1.0),
            KernelDescriptor("relayout", Relayout, lambda *_: None, moved),
        )
        return Context(CostByName(resolve("x86-64-v3"), kernels))


class CostByName(PredictedCost):
    """Asks the kernels about each operator anew: they tell equal ones apart by their values."""

    def cheapest(self, op: Op, constants: Constants = NO_CONSTANTS) -> Priced | None:
        return PredictedCost(self.target, self.kernels).cheapest(op, constants)


def number(name: str) -> int:
    return int(name.partition(".")[0].removeprefix("x"))


def total(graph: Graph, costs: Costs) -> float:
    """What a graph in its layouts costs."""
    spent = 0.0
    for node in graph.nodes:
        if isinstance(node.op, Relayout):
            spent += costs.relayout(number(node.op.x.name), node.op.layout)
        elif isinstance(node.op, Fused) and node.op.anchor is not None:
            x, y = node.op.xs[0].type.layout, node.result.type.layout
            cycles = costs.region(number(node.result.name), x, y)
            assert cycles is not None
            spent += cycles
    return spent


def least(sources: Mapping[int, int], costs: Costs) -> float:
    """The least cost, over every combination of ways."""
    ways = list(itertools.product((WORDS, PLANES), repeat=2))
    best = float("inf")
    for chosen in itertools.product(ways, repeat=len(sources)):
        layouts = dict(zip(sources, chosen, strict=True))
        cycles = [costs.region(n, *layouts[n]) for n in sources]
        if any(c is None for c in cycles):
            continue
        spent = sum(c for c in cycles if c is not None)
        for value in range(len(sources) + 1):
            written = layouts[value][1] if value in layouts else WORDS
            wanted = {layouts[n][0] for n, source in sources.items() if source == value}
            wanted |= {WORDS} if value in layouts and value not in sources.values() else set()
            spent += sum(costs.relayout(value, layout) for layout in wanted - {written})
        best = min(best, spent)
    return best


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "sources",
    [{1: 0}, {1: 0, 2: 1, 3: 2, 4: 3}, {1: 0, 2: 1, 3: 1, 4: 2}, {1: 0, 2: 0, 3: 0, 4: 1}],
    ids=["one", "chain", "tree", "three readers"],
)
def test_nothing_is_cheaper(sources: Mapping[int, int], seed: int) -> None:
    graph, costs = network(sources), Costs(seed)
    after = run_passes(graph, (ChooseLayouts(),), costs.context())
    assert total(after, costs) == least(sources, costs)
    assert_equivalent(graph, after)


def test_a_value_with_many_readers() -> None:
    """More than can be looked at together: still a graph that computes the same."""
    graph = network({1: 0, **dict.fromkeys(range(2, 16), 1)})
    after = run_passes(graph, (ChooseLayouts(),), Costs(1).context())
    assert_equivalent(graph, after)


def test_a_long_chain() -> None:
    costs = Costs(3)
    after = run_passes(
        network({n: n - 1 for n in range(1, 60)}), (ChooseLayouts(),), costs.context()
    )
    layouts = {v.type.layout for node in after.nodes for v in node.results}
    assert {WORDS, PLANES} <= layouts


def test_it_needs_a_target() -> None:
    with pytest.raises(PassError, match="choose-layouts needs a target"):
        run_passes(network({1: 0}), (ChooseLayouts(),))
