"""How much speed a byte is worth: what ``--optimize`` makes of a cost model.

Ways to compute a binary layer differ in the constants that they need, from one bit a weight to more
than eight. Of all ways to compute a graph in T cycles with S bytes, ``balanced`` looks for the one
with the least

    T * S ** EXCHANGE,    EXCHANGE = ln(1 / 0.95) / ln(1.5)

so that a library of 1.5 times the size of the smallest is at least 5 % faster, one of twice its
size 8 %, of 4 times 16 %, of 8 times 23 %. Layers are chosen by sums, so the product is brought
down in steps: with bytes at the price EXCHANGE * T / S, at which the sum T + price * S is the
product's tangent, the least sum gives the next T and S. Each step lowers the product, whose
logarithm is concave. They begin at the smallest library and at the fastest, so that the result is
no worse than either.
"""

from __future__ import annotations

import math
from typing import Literal

from ..backends.cost_model import CostModel, WeighedCost, constants_of
from ..ir import Graph
from ..ir.ops import Const
from .choose_layouts import ChooseLayouts
from .manager import Context

EXCHANGE = math.log(1 / 0.95) / math.log(1.5)
"""Percents of speed that one percent of size is worth."""
_LEAST = 12_000
"""Bytes of a library beside its constants, at least."""
_BYTES_FIRST = 1e6
"""A price at which no speed is worth a byte; cycles decide between ways of equal size."""


def weighed(
    graph: Graph, costs: CostModel, optimize: Literal["balanced", "speed", "size"]
) -> CostModel:
    """The cost model by which layouts and kernels of a packed graph are to be chosen."""
    if optimize == "speed":
        return costs
    if optimize == "size":
        return WeighedCost(costs, _BYTES_FIRST)
    ends = (_descent(graph, WeighedCost(costs, price)) for price in (_BYTES_FIRST, 0.0))
    return min(ends, key=lambda end: end[0])[1]


def _descent(graph: Graph, start: WeighedCost) -> tuple[float, WeighedCost]:
    """The least product on the way down from a price, and the model that gives it."""
    best, model, least = start, start, math.inf
    while True:
        cost, nbytes = _totals(graph, model)
        product = cost * nbytes**EXCHANGE
        if product >= least:
            return least, best
        best, least = model, product
        model = model.priced(EXCHANGE * cost / nbytes)


def _totals(graph: Graph, model: WeighedCost) -> tuple[float, int]:
    """What the graph costs that is the cheapest by a model, without the price of its bytes, and
    those of its library. Nodes that no kernel takes are left to the pass that names them."""
    laid_out = ChooseLayouts().run(graph, Context(model))
    constants = constants_of(laid_out)
    chosen = [
        way
        for node in laid_out.nodes
        if not isinstance(node.op, Const) and (way := model.cheapest(node.op, constants))
    ]
    nbytes = sum(way.nbytes for way in chosen)
    return sum(way.cost for way in chosen) - model.byte * nbytes, nbytes + _LEAST
