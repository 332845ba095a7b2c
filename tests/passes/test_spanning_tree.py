"""Spanning trees against slow ones: loops over bits, Kruskal, all roots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from bnnc.passes.support import spanning_tree as st

Array = np.ndarray[Any, np.dtype[Any]]


@hs.composite
def weights(draw: hs.DrawFn) -> Array:
    """Rows of ±1 near a few centres: ties, duplicates and complements are common."""
    outputs, bits = draw(hs.integers(1, 24)), draw(hs.integers(1, 20))
    rng = np.random.default_rng(draw(hs.integers(0, 1 << 20)))
    centres = rng.integers(0, 2, (draw(hs.integers(1, 4)), bits))
    rows = centres[rng.integers(0, len(centres), outputs)]
    rows ^= rng.random(rows.shape) < draw(hs.sampled_from([0.0, 0.1, 0.5]))
    rows ^= rng.integers(0, 2, (outputs, 1))
    return 2 * rows - 1


def slow_distances(rows: Array, negated: bool) -> list[list[int]]:
    distances: list[list[int]] = []
    for a in rows:
        apart = [sum(int(p != q) for p, q in zip(a, b, strict=True)) for b in rows]
        distances.append([min(d, rows.shape[1] - d) if negated else d for d in apart])
    return distances


def kruskal(distances: list[list[int]]) -> int:
    """Weight of a minimum spanning tree."""
    count = len(distances)
    part = list(range(count))
    total = 0
    edges = ((distances[a][b], a, b) for a in range(count) for b in range(a))
    for d, i, j in sorted(edges):
        if part[i] != part[j]:
            total += d
            part = [part[i] if p == part[j] else p for p in part]
    return total


def eccentricity(parents: list[int], root: int) -> int:
    ahead, seen = [(root, 0)], {root}
    for vertex, depth in ahead:
        near = [v for v, p in enumerate(parents) if p == vertex] + [parents[vertex]]
        ahead.extend((v, depth + 1) for v in near if v >= 0 and v not in seen)
        seen.update(near)
    return ahead[-1][1]


def check_forest(rows: Array, forest: st.Forest) -> None:
    """Distances are those of the stored rows, and parents end at roots."""
    stored = rows * forest.signs[:, None]
    for channel, parent in enumerate(forest.parents.tolist()):
        apart = rows.shape[1] if parent < 0 else int((stored[channel] != stored[parent]).sum())
        assert forest.distances[channel] == apart
        assert parent >= 0 or forest.signs[channel] == 1
    assert sorted(st.breadth_first(forest.parents)) == list(range(len(rows)))


@settings(deadline=None)
@given(weights(), hs.booleans())
def test_the_whole_tree_is_minimal(rows: Array, negated: bool) -> None:
    metric = st.Metric.of(rows, negated)
    expected = slow_distances(rows, negated)
    assert metric.distances.tolist() == expected
    tree = st.whole_tree(metric)
    check_forest(rows, tree)
    assert tree.operations == rows.shape[1] + kruskal(expected)
    assert negated or (tree.signs == 1).all()


@settings(deadline=None)
@given(weights())
def test_the_root_is_the_centre(rows: Array) -> None:
    parents = st.whole_tree(st.Metric.of(rows)).parents.tolist()
    furthest = [eccentricity(parents, v) for v in range(len(parents))]
    assert parents.index(-1) == furthest.index(min(furthest))
    assert parents.count(-1) == 1


@settings(deadline=None)
@given(weights(), hs.booleans(), hs.integers(0, 4), hs.integers(1, 9))
def test_reuse(rows: Array, negated: bool, max_depth: int, block: int) -> None:
    """The order is one, blocks are closed, no tree is too deep, and no block has a lighter tree."""
    reuse = st.reuse(rows, negated, True, max_depth, block)
    assert sorted(reuse.order.tolist()) == list(range(len(rows)))
    ordered = rows[reuse.order]
    check_forest(ordered, reuse.forest)
    check_forest(rows, reuse.tree)
    inner = reuse.forest.parents >= 0
    assert (reuse.forest.parents // block == np.arange(len(rows)) // block)[inner].all()
    if max_depth:
        assert max(reuse.forest.depth, reuse.tree.depth) <= max_depth
        return
    parts = [ordered[i : i + block] for i in range(0, len(rows), block)]
    least = sum(rows.shape[1] + kruskal(slow_distances(part, negated)) for part in parts)
    assert reuse.forest.operations == least
    same = st.reuse(rows, negated, False, max_depth, block)
    assert reuse.forest.operations <= same.forest.operations


@settings(deadline=None)
@given(weights())
def test_duplicates(rows: Array) -> None:
    reuse = st.reuse(rows)
    distinct = {tuple(row) for row in rows.tolist()}
    up_to_sign = {max(row, tuple(-v for v in row)) for row in distinct}
    assert reuse.duplicates == len(rows) - len(distinct)
    assert reuse.negated_duplicates == len(distinct) - len(up_to_sign)
    free = int((reuse.tree.distances == 0).sum())
    assert free == reuse.duplicates + reuse.negated_duplicates


def test_a_depth_bound_makes_new_roots() -> None:
    """A chain of eight channels, each one weight from the next."""
    rows = 2 * np.tri(8, 7, -1, dtype=np.int64) - 1
    chain = st.reuse(rows, negated=False)
    assert chain.tree.parents.tolist() == [1, 2, 3, -1, 3, 4, 5, 6]
    assert (chain.tree.depth, chain.tree.operations) == (4, 7 + 7)
    cut = st.reuse(rows, negated=False, max_depth=2)
    assert cut.tree.parents.tolist() == [-1, 2, 3, -1, 3, 4, -1, 6]
    assert (cut.tree.depth, cut.tree.operations) == (2, 3 * 7 + 5)
    assert st.reuse(rows, negated=False, max_depth=1 << 80).tree.depth == 4


def test_blocks_gather_what_is_close() -> None:
    """Two clusters that alternate fill a block each; what is gathered already stays as it is."""
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2, (2, 200))
    rows = centres[np.arange(128) % 2] ^ (rng.random((128, 200)) < 0.02)
    reuse = st.reuse(rows)
    assert all(len({c % 2 for c in part}) == 1 for part in reuse.order.reshape(2, 64).tolist())
    assert reuse.forest.operations < st.reuse(rows, reordered=False).forest.operations
    again = st.reuse(rows[reuse.order])
    assert again.order.tolist() == list(range(128))


def test_random_weights_stay_in_order() -> None:
    """Their tree is the floor that shares are compared with: nearly half of all terms."""
    rows = np.random.default_rng(3).integers(0, 2, (256, 1152))
    assert st.reuse(rows).order.tolist() == list(range(256))
    assert st.random_share(256, 1152) == pytest.approx(0.459, abs=0.001)


def test_many_channels() -> None:
    """Distances of 4,096 channels: one product, every sum exact."""
    rows = np.random.default_rng(1).integers(0, 2, (4096, 333))
    apart = st.differing(rows)
    assert apart[17, 4001] == (rows[17] != rows[4001]).sum()
    assert (apart == apart.T).all()
