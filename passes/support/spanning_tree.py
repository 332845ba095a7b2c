"""Which output channels are best computed from which: spanning trees over the weights' bits.

Channels are the vertices of a complete graph. Two of them that differ in d of their K weights are d
apart, or K - d where one may be computed from the other's complement. With D the weights that
differ from the parent's,

    matches(child) = matches(parent) - d + 2 * sum over D of match(child)

so a channel costs d terms instead of K, and all of them the weight of a minimum spanning tree
instead of O * K (MST-compression: Vo et al., ICCV 2023). A kernel computes blocks of channels that
stand side by side, each without the others: `tight_order` gathers in a block what is close,
`block_forest` finds the tree of each. Plain NumPy; ties are settled by index, so that equal bits
give equal trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ...ir import Array
from ...ir.ops.binary import BLOCK

_FAR = np.iinfo(np.int32).max
"""Further apart than any two rows of bits: no edge."""
WORTH = 0.03
"""Part of all terms that another order of the channels must save: of random weights it saves a
hundredth."""


@dataclass(frozen=True)
class Metric:
    """How far the channels of one layer are apart.

    ``differing``: int32 [O, O], the weights in which two channels differ; ``bits``: K; ``negated``:
    whether a channel may be computed from another one's complement.
    """

    differing: Array
    bits: int
    negated: bool

    @classmethod
    def of(cls, rows: Array, negated: bool = True) -> Metric:
        """The metric of weights [O, K]: positive numbers are +1, all others -1."""
        return cls(differing(rows), rows.shape[1], negated)

    @property
    def distances(self) -> Array:
        """int32 [O, O]: the terms that computing one channel from another takes."""
        if not self.negated:
            return self.differing
        return np.minimum(self.differing, self.bits - self.differing)


@dataclass(frozen=True)
class Forest:
    """Which channel is computed from which.

    ``parents``: int64 [O], -1 for roots; ``distances``: int64 [O], the terms of each channel (K at
    roots); ``signs``: int8 [O], -1 for channels that are stored negated, so that they are
    ``distances`` away from their stored parent.
    """

    parents: Array
    distances: Array
    signs: Array

    @property
    def operations(self) -> int:
        """Terms of all channels together."""
        return int(self.distances.sum())

    @property
    def depth(self) -> int:
        """Edges from a root to the furthest channel."""
        return int(depths(self.parents).max(initial=0))


@dataclass(frozen=True)
class Reuse:
    """What a layer's channels have in common, in bit-operations (terms of sums).

    ``order``: int64 [O], the channel of the layer as it was at each place; ``forest``: of the
    blocks, in that order; ``tree``: of all channels together, in the order as it was.
    """

    bits: int
    order: Array
    forest: Forest
    tree: Forest
    duplicates: int
    negated_duplicates: int

    @property
    def full(self) -> int:
        """Without reuse: O * K. A kernel that shares its first level has half of it to do."""
        return len(self.order) * self.bits


def reuse(
    rows: Array,
    negated: bool = True,
    reordered: bool = True,
    max_depth: int = 0,
    block: int = BLOCK,
) -> Reuse:
    """Trees of weights [O, K] (positive: +1, all others -1), their channels in order or, if that
    is tighter, ``reordered``; ``negated`` lets channels be computed from complements of others;
    ``max_depth`` bounds the edges from a root (0: any number)."""
    metric = Metric.of(rows, negated)
    order = tight_order(metric.distances, metric.bits, block)[0] if reordered else None
    return reuse_of(metric, order, max_depth, block)


def reuse_of(
    metric: Metric, order: Array | None = None, max_depth: int = 0, block: int = BLOCK
) -> Reuse:
    """Trees of a metric with its channels in an order, or in the one they have."""
    if order is None:
        order = np.arange(len(metric.differing))
    ordered = replace(metric, differing=metric.differing[np.ix_(order, order)])
    earlier = np.tri(len(order), k=-1, dtype=np.bool_)
    equal = ((metric.differing == 0) & earlier).any(1)
    opposite = ((metric.differing == metric.bits) & earlier).any(1) & ~equal
    return Reuse(
        metric.bits,
        order,
        block_forest(ordered, max_depth, block),
        whole_tree(metric, max_depth),
        int(equal.sum()),
        int(opposite.sum()),
    )


@cache
def random_share(outputs: int, bits: int) -> float:
    """The tree over all channels of random weights (of one seed) as a part of O * K: the floor that
    every share is compared with."""
    rows = np.random.default_rng(0).integers(0, 2, (outputs, bits))
    return whole_tree(Metric.of(rows)).operations / max(outputs * bits, 1)


def differing(rows: Array) -> Array:
    """int32 [O, O]: in how many of K places two rows of [O, K] differ in sign.

    By words of 64 places. A product of ±1 floats takes as long for large layers, but for small ones
    BLAS starts threads that wait for each other a hundred times longer than they compute.
    """
    outputs = len(rows)
    packed = np.packbits(rows > 0, axis=1)
    words = np.pad(packed, [(0, 0), (0, -packed.shape[1] % 8)]).view(np.uint64)
    apart = np.zeros((outputs, outputs), np.int32)
    for column in words.T:
        apart += np.bitwise_count(column[:, None] ^ column)
    return apart


def minimum_spanning_trees(weights: Array) -> Array:
    """Parents int64 [B, n] of minimum spanning trees of graphs [B, n, n], rooted at 0 (Prim).

    Of equally near vertices the one of least index comes first, and stays with the parent that was
    there first.
    """
    graphs, count = weights.shape[:2]
    every = np.arange(graphs)
    parents = np.full((graphs, count), -1)
    nearest = np.full((graphs, count), _FAR, np.int64)
    outside = np.ones((graphs, count), np.bool_)
    taken = np.zeros(graphs, np.int64)
    for _ in range(count - 1):
        outside[every, taken] = False
        reached = weights[every, taken]
        closer = outside & ((reached < nearest) | (parents < 0))
        np.copyto(nearest, reached, where=closer)
        np.copyto(parents, taken[:, None], where=closer)
        taken = np.where(outside, nearest, _FAR + 1).argmin(1)
    return parents


def rooted_at_centre(parents: Array) -> Array:
    """The same tree rooted at the vertex from which the furthest one is nearest, in edges."""
    neighbours = _neighbours(parents)
    degree = [len(others) for others in neighbours]
    leaves = [v for v, count in enumerate(degree) if count <= 1]
    left = len(parents)
    while left > 2:
        left -= len(leaves)
        inner: list[int] = []
        for leaf in leaves:
            for other in neighbours[leaf]:
                degree[other] -= 1
                if degree[other] == 1:
                    inner.append(other)
        leaves = inner
    return _rooted_at(min(leaves), neighbours)


def _neighbours(parents: Array) -> list[list[int]]:
    neighbours: list[list[int]] = [[] for _ in parents]
    for vertex, parent in enumerate(parents.tolist()):
        if parent >= 0:
            neighbours[vertex].append(parent)
            neighbours[parent].append(vertex)
    return [sorted(others) for others in neighbours]


def _rooted_at(root: int, neighbours: Sequence[Sequence[int]]) -> Array:
    parents = np.full(len(neighbours), -1)
    ahead = [root]
    for vertex in ahead:
        for other in neighbours[vertex]:
            if other != parents[vertex]:
                parents[other] = vertex
                ahead.append(other)
    return parents


def breadth_first(parents: Array) -> list[int]:
    """Vertices with parents first, roots and siblings by index."""
    children: list[list[int]] = [[] for _ in parents]
    ahead: list[int] = []
    for vertex, parent in enumerate(parents.tolist()):
        (ahead if parent < 0 else children[parent]).append(vertex)
    for vertex in ahead:
        ahead.extend(children[vertex])
    return ahead


def depths(parents: Array) -> Array:
    """int64: edges from its root to each vertex."""
    edges = np.zeros(len(parents), np.int64)
    for vertex in breadth_first(parents):
        if parents[vertex] >= 0:
            edges[vertex] = edges[parents[vertex]] + 1
    return edges


def bounded(parents: Array, max_depth: int) -> Array:
    """The forest with every vertex at most ``max_depth`` edges deep (0: as it is): the first one
    that is deeper becomes a root, from which counting begins anew."""
    if not 0 < max_depth < len(parents):
        return parents
    cut = depths(parents) % (max_depth + 1) == 0
    return np.where(cut, -1, parents)


def _forest(metric: Metric, parents: Array, max_depth: int) -> Forest:
    """Distances and signs along parents, cut at the depth bound and where there is no edge."""
    every, distances = np.arange(len(parents)), metric.distances
    parents = np.where(distances[every, parents] > metric.bits, -1, parents)
    parents = bounded(parents, max_depth)
    roots = parents < 0
    apart = np.where(roots, metric.bits, distances[every, parents]).astype(np.int64)
    opposed = ~roots & (metric.differing[every, parents] != apart)
    signs = np.ones(len(parents), np.int8)
    for vertex in breadth_first(parents):
        if not roots[vertex]:
            signs[vertex] = -signs[parents[vertex]] if opposed[vertex] else signs[parents[vertex]]
    return Forest(parents, apart, signs)


def whole_tree(metric: Metric, max_depth: int = 0) -> Forest:
    """The minimum spanning tree of all channels, rooted at its centre."""
    parents = minimum_spanning_trees(metric.distances[None])[0]
    return _forest(metric, rooted_at_centre(parents), max_depth)


def block_forest(metric: Metric, max_depth: int = 0, block: int = BLOCK) -> Forest:
    """The minimum spanning tree of each aligned block of channels, rooted at its centre."""
    count = len(metric.differing)
    trees = minimum_spanning_trees(_blocks(metric.distances, block))
    parents = np.full(count, -1)
    for number, first in enumerate(range(0, count, block)):
        tree = rooted_at_centre(trees[number, : count - first])
        parents[first : first + block] = np.where(tree < 0, -1, tree + first)
    return _forest(metric, parents, max_depth)


def _blocks(distances: Array, block: int) -> Array:
    """[B, block, block]: distances within each block; what fills the last one up is far away, so
    that it comes last and is no parent."""
    count = len(distances)
    blocks = -(-count // block)
    padded = np.full((blocks, block, block), _FAR, np.int64)
    for number in range(blocks):
        part = distances[number * block : (number + 1) * block, number * block :][:, :block]
        padded[number, : len(part), : len(part)] = part
    return padded


def tight_order(
    distances: Array, bits: int, block: int = BLOCK, worth: float = WORTH
) -> tuple[Array, int]:
    """An order of channels in which aligned blocks hold what is close, parents first: int64 [O],
    and the terms that it saves.

    Subtrees of the minimum spanning tree are gathered from the leaves up, a block as soon as there
    are enough; then breadth first through the tree of each block. The present order stays unless
    the part ``worth`` of its terms (``bits`` for each block's root) is saved.
    """
    count = len(distances)
    if count <= block:
        return np.arange(count), 0
    tree = rooted_at_centre(minimum_spanning_trees(distances[None])[0])
    order = np.array(_carved(tree, block))
    gathered = distances[np.ix_(order, order)]
    trees = minimum_spanning_trees(_blocks(gathered, block))
    roots = len(trees) * bits
    before = roots + _weight(distances, minimum_spanning_trees(_blocks(distances, block)), block)
    after = roots + _weight(gathered, trees, block)
    if after >= (1 - worth) * before:
        return np.arange(count), 0
    parts = [order[first : first + block] for first in range(0, count, block)]
    within = [
        part[breadth_first(rooted_at_centre(tree[: len(part)]))]
        for part, tree in zip(parts, trees, strict=True)
    ]
    return np.concatenate(within), before - after


def _weight(distances: Array, trees: Array, block: int) -> int:
    """Sum of the edges of the blocks' trees."""
    place = np.arange(trees.size).reshape(trees.shape)
    inner = (trees >= 0) & (place < len(distances))
    parents = trees + (place // block) * block
    return int(distances[place[inner], parents[inner]].sum(dtype=np.int64))


def _carved(parents: Array, block: int) -> list[int]:
    """All vertices, each ``block`` of them from one subtree where one has that many left over."""
    children: list[list[int]] = [[] for _ in parents]
    leftover: list[list[int]] = [[] for _ in parents]
    order: list[int] = []
    for vertex in reversed(breadth_first(parents)):
        gathered: list[int] = []
        for child in sorted(children[vertex], key=lambda v: (-len(leftover[v]), v)):
            gathered += leftover[child]
            if len(gathered) >= block:
                order += gathered[:block]
                gathered = gathered[block:]
        gathered.append(vertex)
        if len(gathered) == block:
            order += gathered
            gathered = []
        leftover[vertex] = gathered
        if parents[vertex] >= 0:
            children[parents[vertex]].append(vertex)
        else:
            order += gathered
    return order
