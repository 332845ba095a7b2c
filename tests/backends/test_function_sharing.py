"""Equal layers share their functions, and only those: without sharing the module is the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from ir_support import examples, random_inputs
from kernel_cases import joined
from library_support import Library, present, scheduled
from operator_examples import EXAMPLES
from random_graphs import networks
from sliced_cases import Layer
from under_test import MARKS

from bnnc.backends.codegen.constant_contents import Reading
from bnnc.backends.codegen.function_sharing import Recipe, Recipes
from bnnc.backends.codegen.kernel_interface import Job
from bnnc.backends.codegen.module import LoweredModule
from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import Choice
from bnnc.backends.targets import TARGETS
from bnnc.driver import load_backend
from bnnc.errors import LoweringError
from bnnc.ir import Array, Graph, Node, Output, TensorType, Value, interpret, parse
from bnnc.ir.ops import Add, Const
from bnnc.passes import Context, pipelines, run_passes

RUNS = [
    pytest.param(backend, target, marks=MARKS[backend])
    for backend, targets in {
        "llvm": ("x86-64-v3", "cascadelake", "arm64"),
        "tvm": ("x86-64-v3",),
    }.items()
    for target in targets
]
DRAWN = {"llvm": 8, "tvm": 3}
"""Random networks."""


def twins(graph: Graph) -> Graph:
    """A graph beside one of the same structure and other constants, on the same inputs."""
    new: dict[Value, Value] = {value: value for value in graph.inputs}
    nodes = list(graph.nodes)
    for node in graph.nodes:
        op = node.op.map_operands(lambda v: new[v])
        if isinstance(op, Const) and op.array.ndim:
            op = Const.of(op.array[::-1], op.element)
        results = tuple(replace(v, name=f"{v.name}.twin") for v in node.results)
        new.update(zip(node.results, results, strict=True))
        nodes.append(Node(op, results))
    shown = [Output(f"{o.name}.twin", new[o.value]) for o in graph.outputs]
    return graph.replace(nodes=tuple(nodes), outputs=(*graph.outputs, *shown))


def ready(graph: Graph, backend: str, target: str) -> Graph:
    """The graph through the default passes."""
    context = Context(PredictedCost(TARGETS[target], load_backend(backend).kernels))
    return run_passes(graph, pipelines.default(), context)


def contents(lowered: LoweredModule) -> tuple[object, ...]:
    """All that an artifact comes from."""
    weights = [
        (node.steps, [(w.bits.tobytes(), w.data, w.layout) for w in node.weights])
        for node in lowered.schedule
    ]
    return lowered.text, lowered.pool.contents(), dict(lowered.foreign), weights


def shared(graph: Graph, backend: str, target: str) -> int:
    """How many nodes used functions that were there; without sharing, the same module comes out."""
    hits = 0
    get = Recipes.get

    def counted(self: Recipes, structure: str, reading: Reading) -> Recipe | None:
        nonlocal hits
        recipe = get(self, structure, reading)
        hits += recipe is not None
        return recipe

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recipes, "get", counted)
        once = load_backend(backend).lower(graph, TARGETS[target])
        patch.setattr(Recipes, "get", lambda *_: None)
        apart = load_backend(backend).lower(graph, TARGETS[target])
    assert isinstance(once, LoweredModule)
    assert isinstance(apart, LoweredModule)
    assert contents(once) == contents(apart)
    return hits


def constants(text: str) -> str:
    """An example whose operands without a batch are constants."""
    drawn = r"%\1 = const() data=random(3) element=\2 : \2[\3]"
    return re.sub(r"input %(\w+): (\w+)\[([\d,]+)\]", drawn, text)


@pytest.mark.sampled(per=("backend",))
@pytest.mark.parametrize(("backend", "target"), RUNS)
def test_operators(backend: str, target: str) -> None:
    """The example of every operator, twice, the second time on other constants."""
    texts = {n: constants(t) for n, t in EXAMPLES.items() if " imported {" in t}
    graphs: dict[str, Graph] = {}
    for name, text in texts.items():
        try:
            graphs[name] = ready(twins(parse(text)), backend, target)
        except LoweringError:
            continue  # refused: no kernel computes it on this target
    assert len(graphs) > len(texts) // 2
    for graph in graphs.values():
        shared(graph, backend, target)


@pytest.mark.sampled(per=("backend",))
@pytest.mark.parametrize(("backend", "target"), RUNS)
def test_random_networks(backend: str, target: str) -> None:
    hits: list[int] = []

    @examples(DRAWN[backend])
    @given(graph=networks(dyadic=False))
    def check(graph: Graph) -> None:
        hits.append(shared(ready(twins(graph), backend, target), backend, target))

    check()
    assert any(hits)


SLICED = {
    "majorities": Layer(20, 17, size=(7, 7)),
    "zeros": Layer(33, 20, ternary=True),
    "lanes": Layer(9, 20, size=(9, 7), lanes=True),
    "tree": Layer(20, 17, size=(7, 7), tree=True),
    "tree_zeros": Layer(33, 70, ternary=True, tree=True),
}


@pytest.mark.parametrize("name", SLICED)
def test_pixel_sliced_layers(name: str) -> None:
    texts = {
        f"l{seed}": SLICED[name].text().replace("random(5)", f"random({seed})") for seed in "567"
    }
    graph = scheduled(joined(texts), strict=False)
    hits = shared(graph, "llvm", "x86-64-v3")
    assert hits >= 2 or SLICED[name].tree


def test_words_in_the_code_are_told_apart() -> None:
    """Layers of the same words share a function, those of others or of negated ones do not."""
    layer = Layer(2, 4, size=(5, 7), kernel=(1, 2))
    text = (
        layer.text()
        .replace("groups=1", "groups=1 codewords=2")
        .replace("bits=128", "codebook=1 bits=128")
    )
    words = {
        "a": "[0,0,0,1,0,1,0,0,0,0,0,1,0,1,0,0]",
        "b": "[0,1,0,0,0,1,0,0,0,0,0,1,0,1,0,1]",
        "c": "[1,0,0,0,0,0,1,0,1,0,0,0,0,0,1,0]",
    }
    graph = scheduled(
        joined({k: text.replace("random(5)", w) for k, w in words.items()}), strict=False
    )
    assert shared(graph, "llvm", "x86-64-v3") == 1


LAYER = """
%w{n} = const() data=random({seed}) element=f32 : f32[16,16,3,3]
%s{n} = sign({x}) zero=1 : f32[N,16,6,6]
%v{n} = sign(%w{n}) zero=1 : f32[16,16,3,3]
%c{n} = conv(%s{n}, %v{n}, none) strides=[1,1] pads=[{pads}] {rest} : f32[N,16,6,6]
%m{n} = const() data=random({seed}) element=f32 : f32[16,1,1]
%a{n} = mul(%c{n}, %m{n}) : f32[N,16,6,6]
%b{n} = const() data=random({shift}) element=f32 : f32[16,1,1]
%d{n} = add(%a{n}, %b{n}) : f32[N,16,6,6]
%y{n} = clip(%d{n}) low={low} high=inf : f32[N,16,6,6]
"""
CHANGES: Mapping[str, dict[str, object]] = {
    "equal": {},
    "weights": {"seed": 8},
    "shift": {"shift": 9},
    "pads": {"pads": "0,0,2,2"},
    "low": {"low": "-0.25"},
    "zero": {"low": "-0.0"},
}


def network(changes: list[dict[str, object]]) -> Graph:
    """Layers one after another, all shown."""
    lines, x = ["input %x: f32[N,16,6,6]"], "%x"
    for n, change in enumerate(changes):
        parts = {"seed": 1, "shift": 2, "pads": "1,1,1,1", "low": "0.0", **change}
        parts["rest"] = "dilations=[1,1] groups=1"
        lines.append(LAYER.format(n=n, x=x, **parts))
        x = f"%y{n}"
    shown = [f'output %y{n} as "y{n}"' for n in range(len(changes))]
    return parse("\n".join(["graph @g imported {", *lines, *shown, "}"]))


@pytest.mark.parametrize("row", ["x86-64-v3", "x86-64-v2"])
def test_layers_that_differ_a_little_compute_what_they_are(backend: str, row: str) -> None:
    """Weights, thresholds, pads and bounds of equal shapes: each layer has its own numbers."""
    target = TARGETS[row]
    if not present(target):
        pytest.skip(f"not executed here: this machine cannot run {row}")
    graph = network([{}, *CHANGES.values(), {}])
    inputs = random_inputs(graph, 2, 3)
    expected = interpret(graph, inputs)
    got = Library(ready(graph, backend, row), target, backend=backend).run(inputs, 2, pieces=3)
    for name, array in expected.items():
        np.testing.assert_allclose(got[name], array, rtol=0, atol=1e-4, err_msg=name)


def functions(graph: Graph, backend: str) -> int:
    """Kernel functions that were written."""
    count = 0
    keep = Recipes.keep

    def counted(self: Recipes, *args: object) -> None:
        nonlocal count
        count += 1
        keep(self, *args)  # pyright: ignore[reportArgumentType]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recipes, "keep", counted)
        load_backend(backend).lower(ready(graph, backend, "x86-64-v3"), TARGETS["x86-64-v3"])
    return count


def test_equal_layers_are_written_once(backend: str) -> None:
    """However many there are, and whatever their weights."""
    few, many = (
        functions(network([{"seed": seed, "shift": seed} for seed in range(n)]), backend)
        for n in (4, 12)
    )
    assert few == many


def test_questions_part_layers_by_their_answers() -> None:
    """What a kernel asks about contents is part of what its functions are known by."""
    x = Value("x", TensorType((2,)))
    values = [Value(f"c{n}", TensorType((2,))) for n in range(3)]
    arrays = [np.array(a, np.float32) for a in ([1, 2], [1, 5], [3, 2])]
    nodes = [Node(Add(x, c), (Value(f"y{n}", x.type),)) for n, c in enumerate(values)]
    constants = dict(zip(values, arrays, strict=True))

    def job(node: Node) -> Job:
        return Job(node, Choice("k"), TARGETS["arm64"], constants, _none, _none)

    recipes = Recipes()
    first = job(nodes[0])
    assert first.ask(first.contents(values[0]).map(_first)) == 1
    recipe = Recipe(nodes[0], ())
    recipes.keep("s", first.reading, first.asked, recipe)
    assert recipes.get("s", job(nodes[1]).reading) is recipe
    assert recipes.get("s", job(nodes[2]).reading) is None
    assert recipes.get("t", job(nodes[1]).reading) is None


def _none(*_: object) -> None:
    raise AssertionError("writes nothing")


def _first(array: Array) -> float:
    return float(array[0])
