"""The pattern rewriter: what rules are shown, how often they are asked, and what they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from ir_support import ONE_KERNEL_EACH, assert_equivalent, examples
from random_graphs import networks

from bnnc.errors import PassError
from bnnc.ir import Builder, Graph, Node, Value, parse, print_graph, verify
from bnnc.ir.ops import Abs, Add, MaxPool, Neg, Relu, Sign
from bnnc.ir.rewriting import Rewriter, Rule, drop_dead, rewrite
from bnnc.passes import (
    canonicalize,
    concat_last,
    fold_scale,
    fuse_conv_bn,
    integer_products,
    pack_bits,
    pack_weights,
    parse_pipeline,
    pass_types,
    pipelines,
    run_passes,
)

RELU = 'graph @g imported { input %x: f32[N,2] %y = relu(%x) : f32[N,2] output %y as "y" }'
PASSES = (
    canonicalize,
    concat_last,
    fold_scale,
    fuse_conv_bn,
    integer_products,
    pack_bits,
    pack_weights,
)
NAMES = (
    "canonicalize",
    "concat-last",
    "fold-scale",
    "fuse-conv-bn",
    "integer-products",
    "pack-weights",
)
GOLDENS = sorted((Path(__file__).parents[1] / "passes").glob("*/*.bnn"))


def chain(count: int, line: Callable[[int], str]) -> str:
    """A graph's text: ``line(i)`` of %v<i> is %v<i+1>; the last value is the output."""
    type_ = "f32[N,1,4,4]"
    lines = [f"%v{i + 1} = {line(i)} : {type_}" for i in range(count)]
    body = "\n".join(lines)
    return f'graph @g imported {{ input %v0: {type_}\n{body}\noutput %v{count} as "y" }}'


class _Walk(Rewriter):
    """A walk that knows where the values of earlier ones come from, as `rewrite` does."""

    ancestors: dict[Value, Value]

    def ancestor(self, value: Value) -> Value:
        return self.ancestors.get(value, value)

    def fire(self, node: Node, rules: Sequence[Rule]) -> Value | None:
        start = len(self.nodes)
        new = super().fire(node, rules)
        for added in self.nodes[start:] if new is not None else ():
            self.ancestors.update((v, self.ancestor(node.result)) for v in added.results)
        return new


def walks(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """What `rewrite` computes, by walks over all nodes."""
    ancestors: dict[Value, Value] = {}
    graph = drop_dead(graph)
    fired = True
    while fired:
        walk = _Walk.over(graph)
        assert isinstance(walk, _Walk)
        walk.ancestors = ancestors
        graph, fired = walk.walk(rules)
    return graph


def both(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """`rewrite`, which must give the nodes, names and order that walks give."""
    after = rewrite(graph, rules)
    assert print_graph(after) == print_graph(walks(graph, rules))
    return after


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_rounds_give_what_walks_give(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = parse(path.read_text("utf-8"))
    for module in PASSES:
        monkeypatch.setattr(module, "rewrite", both)
    for name in NAMES:
        if graph.stage in pass_types()[name].requires:
            run_passes(graph, parse_pipeline(name), ONE_KERNEL_EACH)


@given(networks(dyadic=False))
@examples(60)
def test_rounds_give_what_walks_give_on_networks(graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in PASSES:
            patch.setattr(module, "rewrite", both)
        run_passes(graph, pipelines.default(), ONE_KERNEL_EACH)


def test_a_sign_moves_past_hundreds_of_pools() -> None:
    pool = "kernel=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1]"
    text = chain(250, lambda i: f"max_pool(%v{i}) {pool}" if i < 249 else f"sign(%v{i}) zero=1")
    graph = parse(text)
    after = run_passes(graph, parse_pipeline("canonicalize"), ONE_KERNEL_EACH)
    kinds = [type(node.op) for node in after.nodes]
    assert kinds == [Sign] + [MaxPool] * 249
    scheduled = run_passes(graph, pipelines.default(), ONE_KERNEL_EACH)
    assert_equivalent(graph, scheduled)


def test_only_what_changed_is_looked_at_again() -> None:
    """A sign that moves up past 40 operators costs some visits each, whatever else there is."""
    text = chain(300, lambda i: f"relu(%v{i})" if i < 299 else f"sign(%v{i}) zero=1")
    seen: Counter[str] = Counter()

    def up(rw: Rewriter, node: Node) -> Value | None:
        seen[node.result.name] += 1
        relu = rw.op(node.op.x, Relu) if isinstance(node.op, Sign) else None
        if not isinstance(node.op, Sign) or relu is None or node.result.name.count(".") == 40:
            return None
        sign = rw.add(Sign(relu.x, 1), node.result.name + ".s", node.origin)
        return rw.add(Relu(sign), node.result.name, node.origin)

    after = rewrite(parse(text), (up,))
    assert [type(node.op) for node in after.nodes[257:261]] == [Relu, Relu, Sign, Relu]
    assert sum(seen.values()) < 300 + 4 * 40
    assert {seen[f"v{i}"] for i in range(1, 250)} == {1}


def test_who_asked_for_readers_is_asked_again_when_one_goes() -> None:
    """%a has two readers until %b, which drops out, has gone."""
    text = """graph @g imported { input %x: f32[N,2] %a = neg(%x) : f32[N,2]
        %y = relu(%a) : f32[N,2] %b = abs(%a) : f32[N,2] %z = relu(%b) : f32[N,2]
        output %y as "y" output %z as "z" }"""

    def no_abs(rw: Rewriter, node: Node) -> Value | None:
        return rw.add(Relu(node.op.operands[0]), "n") if node.result.name == "b" else None

    def of_input(rw: Rewriter, node: Node) -> Value | None:
        below = rw.op(node.op.operands[0], Neg)
        return below.x if node.result.name == "n" and below else None

    def alone(rw: Rewriter, node: Node) -> Value | None:
        below = rw.op(node.op.operands[0], Neg) if isinstance(node.op, Relu) else None
        if below is None or not rw.only_use(node.op.operands[0]):
            return None
        return rw.add(Abs(below.x), node.result.name)

    after = both(parse(text), (no_abs, of_input, alone))
    assert [type(node.op) for node in after.nodes] == [Abs, Relu]
    assert [output.value.name for output in after.outputs] == ["y", "z"]


def test_who_looked_upstream_is_asked_again_when_that_changes() -> None:
    """%y looks two nodes up; what is there turns into a Neg in the second round only."""
    text = """graph @g imported { input %x: f32[N,2] %a = relu(%x) : f32[N,2]
        %b = relu(%a) : f32[N,2] %y = relu(%b) : f32[N,2] output %y as "y" }"""

    def down(rw: Rewriter, node: Node) -> Value | None:
        chosen = {"a": ("abs.1", Abs), "abs.1": ("neg.1", Neg)}.get(node.result.name)
        return rw.add(chosen[1](node.op.operands[0]), chosen[0]) if chosen else None

    def far(rw: Rewriter, node: Node) -> Value | None:
        relu = rw.op(node.op.operands[0], Relu)
        return relu.x if relu and node.result.name == "y" and rw.op(relu.x, Neg) else None

    after = both(parse(text), (down, far))
    assert [node.result.name for node in after.nodes] == ["neg.1"]


def test_rules_that_never_settle_are_an_error() -> None:
    def again(rw: Rewriter, node: Node) -> Value | None:
        return rw.add(Relu(node.op.operands[0]), node.result.name)

    with pytest.raises(PassError, match="did not settle: 202 rules in a row led to %y"):
        rewrite(parse(RELU), (again,))


def test_a_replacement_takes_the_name_and_others_stay_unique() -> None:
    def once(rw: Rewriter, node: Node) -> Value | None:
        if not isinstance(node.op, Relu) or node.result.name != "y":
            return None
        inner = rw.add(Relu(node.op.x), "x")
        return rw.add(Relu(inner), "z")

    graph = rewrite(parse(RELU), (once,))
    assert [n.result.name for n in graph.nodes] == ["x.1", "z"]


def test_a_rule_that_gives_up_leaves_no_node_and_no_name() -> None:
    def gives_up(rw: Rewriter, node: Node) -> Value | None:
        rw.add(Neg(node.op.operands[0]), node.result.name)
        rw.add(Neg(node.op.operands[0]), "n")
        return None

    def fires(rw: Rewriter, node: Node) -> Value | None:
        return rw.add(Abs(node.op.operands[0]), "n") if isinstance(node.op, Add) else None

    text = RELU.replace("output", "%z = add(%y, %y) : f32[N,2] output").replace("%y as", "%z as")
    graph = rewrite(parse(text), (fires, gives_up))
    assert [n.result.name for n in graph.nodes] == ["y", "n"]
    verify(graph)


def test_nothing_fires_and_the_graph_is_the_same() -> None:
    graph = parse(RELU)
    assert rewrite(graph, (lambda rw, node: None,)) is graph


def test_outputs_and_readers_follow_a_replacement() -> None:
    text = """graph @g imported { input %x: f32[N,4] %a = relu(%x) : f32[N,4]
        %b = neg(%a) : f32[N,4] %dead = relu(%b) : f32[N,4]
        output %b as "y" output %a as "a" output %a as "again" }"""

    def to_abs(rw: Rewriter, node: Node) -> Value | None:
        return rw.add(Abs(node.op.operands[0]), "b") if isinstance(node.op, Relu) else None

    after = both(parse(text), (to_abs,))
    assert [type(node.op) for node in after.nodes] == [Abs, Neg]
    assert [(o.name, o.value.name) for o in after.outputs] == [
        ("y", "b"),
        ("a", "b.1"),
        ("again", "b.1"),
    ]
    verify(after)


def test_naming_looks_at_each_name_once() -> None:
    class Names(set[str]):
        looked = 0

        def __contains__(self, name: object) -> bool:
            Names.looked += 1
            return super().__contains__(name)

    builder = Builder(names=Names({"v", "v.2"}))
    assert [builder.unique("v") for _ in range(4)] == ["v.1", "v.3", "v.4", "v.5"]
    for _ in range(1000):
        builder.unique("w")
    assert Names.looked < 2100
