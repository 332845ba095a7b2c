"""Merging of equal values: what is hashed, and what is told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from ir_support import assert_equivalent, examples
from random_graphs import networks

from bnnc.ir import Data, Graph, parse, verify
from bnnc.ir.common_subexpressions import merge_equal
from bnnc.ir.ops import Const
from bnnc.ir.rewriting import Rewriter


def graph_of(lines: str) -> Graph:
    return parse(f'graph @g imported {{ input %x: f32[N,2]\n{lines}\noutput %y as "y" }}')


def test_constants_alone_in_their_shape_and_type_are_not_hashed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = graph_of("""
        %a = const() data=[1, 2] element=f32 : f32[2]
        %b = const() data=[1, 3] element=f32 : f32[2]
        %c = const() data=[7] element=f32 : f32[1]
        %d = const() data=[1, 2] element=i32 : i32[2]
        %p = add(%x, %a) : f32[N,2]
        %q = add(%p, %b) : f32[N,2]
        %r = add(%q, %c) : f32[N,2]
        %e = cast(%d) to=f32 : f32[2]
        %y = add(%r, %e) : f32[N,2]""")
    hashed: list[list[float]] = []

    def digest(data: Data) -> str:
        hashed.append(data.array.tolist())
        return str(data.array)

    monkeypatch.setattr(Data, "digest", property(digest))
    assert merge_equal(graph) is graph
    assert {tuple(array) for array in hashed} == {(1.0, 2.0), (1.0, 3.0)}


def test_not_a_number_equals_itself_as_it_is_stored() -> None:
    constants = [np.array([np.nan, 1], np.float32), np.array([np.nan, 1], np.float32)]
    constants.append(np.array([-np.nan, 1], np.float32))
    keys = [Const.of(array) for array in constants]
    assert keys[0] == keys[1] != keys[2]


@given(networks(dyadic=False))
@examples(30)
def test_a_graph_beside_itself_becomes_one(graph: Graph) -> None:
    """Every node twice, under other names: each stays once, and the results stay the same."""
    once = merge_equal(graph)
    doubled = _doubled(once)
    merged = merge_equal(doubled)
    verify(merged)
    assert [n.result.name for n in merged.nodes] == [n.result.name for n in once.nodes]
    assert_equivalent(doubled, merged)


def _doubled(graph: Graph) -> Graph:
    rw = Rewriter.over(graph)
    for node in graph.nodes:
        rw.copy(node)
    for node in graph.nodes:
        rw.put(node.result, rw.add(node.op.map_operands(rw.get), node.result.name, node.origin))
    return rw.finish(graph)
