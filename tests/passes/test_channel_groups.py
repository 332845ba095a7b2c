"""Groups of channels against a union-find over single channels."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.passes.support.channel_groups import Groups


@st.composite
def ties(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Sizes of groups side by side, and spans of channels (two starts and a length) to tie."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    total = sum(sizes)
    spans: list[tuple[int, int, int]] = []
    for _ in range(draw(st.integers(0, 4))):
        a, b = draw(st.integers(0, total - 1)), draw(st.integers(0, total - 1))
        spans.append((a, b, draw(st.integers(1, total - max(a, b)))))
    return sizes, spans


@settings(deadline=None)
@given(ties())
def test_groups_are_what_ties_leave_of_them(
    case: tuple[list[int], list[tuple[int, int, int]]],
) -> None:
    sizes, spans = case
    groups = Groups()
    row = [groups.new(size) for size in sizes]
    parent = list(range(sum(sizes)))

    def root(channel: int) -> int:
        while parent[channel] != channel:
            channel = parent[channel]
        return channel

    for a, b, size in spans:
        groups.tie(groups.part(row, a, size), groups.part(row, b, size))
        for offset in range(size):
            parent[root(b + offset)] = root(a + offset)
    channels = [(g, i) for g in groups.leaves(row) for i in range(groups.sizes[g])]
    assert len(channels) == sum(sizes)
    for x in range(len(channels)):
        for y in range(x):
            assert (channels[x] == channels[y]) == (root(x) == root(y))


def test_a_part_splits_every_place_of_a_group() -> None:
    groups = Groups()
    group = groups.new(6)
    first = groups.part((group, group), 0, 4)
    rest = groups.part((group, group), 4, 8)
    assert [groups.sizes[leaf] for leaf in first] == [4]
    assert [groups.sizes[leaf] for leaf in rest] == [2, 4, 2]
    assert groups.leaves((group,)) == (first[0], rest[0])
    assert groups.part((group,), 0, 6) == groups.leaves((group,))
    assert groups.part((group,), 0, 0) == ()


def test_a_part_is_found_at_once() -> None:
    """Slice after slice of one value: not by a walk over all before it."""
    looked = 0

    class Counting(Groups):
        def _now(self, group: int) -> int:
            nonlocal looked
            looked += 1
            return super()._now(group)

    groups = Counting()
    group = groups.new(1000)
    parts = [groups.part((group,), start, 1) for start in range(1000)]
    assert groups.leaves((group,)) == tuple(leaf for part in parts for leaf in part)
    assert looked < 10_000
