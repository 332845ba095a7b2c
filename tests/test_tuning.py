"""Tuning measures what the cost model estimates; it never changes what a model computes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc import tuning
from bnnc.backends.cost_model import Constants, PredictedCost, Priced, constants_of
from bnnc.backends.interface import Choice
from bnnc.backends.llvm import LlvmBackend
from bnnc.backends.targets import resolve
from bnnc.ir import Graph, Node, parse
from bnnc.ir.ops import Const
from bnnc.tuning import NANOSECONDS, Cache, signature, tuned_cost

SECONDS = 1e-3


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of measurements, in a cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bnnc" / "tuning.json"


@pytest.fixture
def mnist(data_dir: Path) -> Path:
    return data_dir / "mnist" / "mnist_bnn.onnx"


def outputs(artifact: Path) -> np.ndarray:
    images = np.random.default_rng(1).standard_normal((3, 1, 28, 28)).astype(np.float32)
    with bnnc.load(artifact) as model:
        return np.asarray(model(images))


def kernels(artifact: Path) -> list[str]:
    with bnnc.load(artifact) as model:
        listed: Any = model.metadata["kernels"]
    return [kernel["kernel"] for kernel in listed]


def tuned(model: Path, output: Path) -> Path:
    return bnnc.compile(model, output=output, tune=True, tune_seconds=SECONDS)


def test_each_layer_is_measured_once(
    mnist: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = bnnc.compile(mnist, output=tmp_path / "plain.so")
    first = tuned(mnist, tmp_path / "first.so")
    kept = json.loads(cache.read_text())
    assert kept["entries"]
    times = [time for entry in kept["entries"].values() for time in entry["times"].values()]
    assert min(times) >= 0 < max(times)  # what takes no longer than the clock takes 0

    def measured_again(*_: Any) -> dict[str, float]:
        raise AssertionError("measured again")

    monkeypatch.setattr(tuning, "measure", measured_again)
    second = tuned(mnist, tmp_path / "second.so")
    assert json.loads(cache.read_text()) == kept
    assert kernels(first) == kernels(second)
    np.testing.assert_array_equal(outputs(plain), outputs(first))
    with bnnc.load(second) as model:
        options: Any = model.metadata["options"]
    assert options["tuned"] is True


@pytest.mark.parametrize("place", [0, 1, -1])
def test_the_fastest_is_kept_and_computes_the_same(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Whichever candidate that is: the first, the second or the last of each operator."""
    seen: dict[str, str] = {}

    def measure(op: Any, choices: Sequence[Choice], *_: Any) -> dict[str, float]:
        fastest = str(choices[min(place, len(choices) - 1)])
        seen[str(op)] = fastest
        return {str(choice): 1.0 + (str(choice) != fastest) for choice in choices}

    monkeypatch.setattr(tuning, "measure", measure)
    plain = bnnc.compile(mnist, output=tmp_path / "plain.so")
    artifact = tuned(mnist, tmp_path / "tuned.so")
    assert set(kernels(artifact)) & set(seen.values())
    np.testing.assert_array_equal(outputs(plain), outputs(artifact))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"format":0}',
        b'{"format":1}',
        b'{"format":1,"entries":{"a":3}}',
        b'{"format":1,"entries":{"a":{"times":{"conv":"fast"}}}}',
        b'{"format":1,"entries":{"a":{"times":{"conv":NaN}}}}',
        b'{"format":1,"entries":{"a":{"times":{"conv":-1.0}}}}',
        pytest.param(
            b'{"format":1,"entries":{"a":{"times":{"conv":1' + b"0" * 400 + b"}}}}", id="large"
        ),
        pytest.param(b"[" * 100000, id="deep"),
    ],
)
def test_a_damaged_cache_is_begun_anew(cache: Path, content: bytes) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    warnings: list[str] = []
    loaded = Cache.load(cache, "here", warnings.append)
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{cache}: not a tuning cache (")
    assert warnings[0].endswith("); measuring anew")
    loaded.keep("layer", "title", {"conv": 1.5})
    again = Cache.load(cache, "here", warnings.append)
    assert (again.times("layer"), len(warnings)) == ({"conv": 1.5}, 1)
    assert Cache.load(cache, "elsewhere", warnings.append).times("layer") == {}


def test_a_cache_that_cannot_be_written_is_warned_of_once(cache: Path) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file in place of the folder")
    warnings: list[str] = []
    unsaved = Cache.load(cache, "here", warnings.append)
    for layer in ("layer", "other"):
        unsaved.keep(layer, "title", {"conv": 1.5})
        assert unsaved.times(layer) == {"conv": 1.5}
    assert warnings == [f"{cache}: File exists; measurements are not kept for the next time"]


def test_users_without_a_home_keep_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert tuning.cache_file() is None
    unsaved = Cache.load(None, "here", lambda _: None)
    unsaved.keep("layer", "title", {"conv": 1.5})
    assert unsaved.times("layer") == {"conv": 1.5}


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert tuning.cache_file() == tmp_path / ".cache" / "bnnc" / "tuning.json"


LAYER = """
graph @g packed {
  input %NAME: f32[N,8,9]
  %w = const() data=random(SEED) element=f32 : f32[CHANNELS,8,1]
  %y = fused([%NAME, %w]) kernel="" {
    (%NAME: f32[N,8,9], %w: f32[CHANNELS,8,1])
    %n = conv(%NAME, %w, none) WINDOW : f32[N,CHANNELS,9]@nhwc
    %y = relu(%n) : f32[N,CHANNELS,9]@nhwc
    yield %y
  } : f32[N,CHANNELS,9]@nhwc
  %out = relayout(%y) layout=row : f32[N,CHANNELS,9]
  output %out as "y"
}
"""


def signed(name: str = "x", seed: int = 1, channels: int = 4, constant: bool = True) -> str:
    window = "strides=[1] pads=[0,0] dilations=[1] groups=1"
    text = LAYER.replace("NAME", name).replace("SEED", str(seed)).replace("WINDOW", window)
    graph: Graph = parse(text.replace("CHANNELS", str(channels)))
    constants = {n.result: n.op for n in graph.nodes if isinstance(n.op, Const)}
    (layer,) = [n for n in graph.nodes if n.result.name == "y"]
    return signature(layer.op, constants if constant else {})


def test_signatures_know_shapes_and_nothing_of_names_and_weights() -> None:
    assert signed() == signed("another", 7)
    assert len({signed(), signed(channels=5), signed(constant=False)}) == 3


def test_a_measured_cost_is_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(op: Any, choices: Sequence[Choice], *_: Any) -> dict[str, float]:
        return {str(choice): 5.0 for choice in choices}

    monkeypatch.setattr(tuning, "measure", measure)
    costs = tuned_cost(LlvmBackend(), resolve("native"), "test", SECONDS, trials=1)
    graph = parse(
        """graph @g packed {
  input %x: f32[N,64,8]
  %s = fused([%x]) kernel="" {
    (%x: f32[N,64,8])
    %s = binarize(%x) zero=1 : bits<1;-1,1>[N,64,8]@words
    yield %s
  } : bits<1;-1,1>[N,64,8]@words
  %r = relayout(%x) layout=nhwc : f32[N,64,8]@nhwc
}"""
    )
    nodes: dict[str, Node] = {node.result.name: node for node in graph.nodes}
    choice_of_layout = Priced(Choice("pointwise"), 5.0)
    assert costs.cheapest(nodes["s"].op) == choice_of_layout
    only = PredictedCost(costs.target, costs.kernels).cheapest(nodes["r"].op)
    assert only is not None
    (way,) = costs.ways(nodes["r"].op)
    assert way == Priced(Choice("relayout"), only.cost * NANOSECONDS), "the only way: not measured"


def test_tuning_says_how_far_it_is(
    cache: Path, mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all that is not in the cache, and when it will be done."""

    def measure(op: Any, choices: Sequence[Choice], *_: Any) -> dict[str, float]:
        return dict.fromkeys(map(str, choices), 1.0)

    monkeypatch.setattr(tuning, "measure", measure)
    said: list[str] = []
    for name in ("a.so", "b.so"):
        bnnc.compile(mnist, output=tmp_path / name, tune=True, progress=said.append)
    steps = [re.match(r"tuning (\d+) of (\d+): .*, about \d+ s left$", text) for text in said]
    counted = [(int(step[1]), int(step[2])) for step in steps if step]
    assert [number for number, _ in counted] == list(range(1, len(counted) + 1))
    assert len(counted) > 4
    assert counted[0][1] <= len(counted)
    assert counted[-1][0] == counted[-1][1], "the second time all is known"


@pytest.mark.parametrize(("gain", "kept"), [(0.99, True), (0.9, False)])
def test_another_way_is_faster_by_more_than_noise(
    monkeypatch: pytest.MonkeyPatch, gain: float, kept: bool
) -> None:
    """Or the prediction's favourite stays; the measurement gets the constants with the question."""
    given: list[Constants] = []

    def measure(op: Any, choices: Sequence[Choice], constants: Constants, *_: Any) -> Any:
        given.append(constants)
        return {str(c): 1.0 if c.kernel == favourite.choice.kernel else gain for c in choices}

    bits = "bits<1;-1,1>"
    graph = parse(
        f"""graph @g packed {{
  input %x: {bits}[N,64,9,9]@words
  %w = const() data=random(1) element={bits} : {bits}[64,64,3,3]
  %n = fused([%x, %w]) kernel="" {{
    (%x: {bits}[N,64,9,9]@words, %w: {bits}[64,64,3,3])
    %n = binary_conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=1
         : i32[N,64,7,7]@nhwc
    yield %n
  }} : i32[N,64,7,7]@nhwc
}}"""
    )
    monkeypatch.setattr(tuning, "measure", measure)
    backend, target = LlvmBackend(), resolve("native")
    costs = tuned_cost(backend, target, "test", SECONDS, trials=1)
    op, constants = graph.nodes[-1].op, constants_of(graph)
    favourite = PredictedCost(target, backend.kernels).cheapest(op)
    assert favourite is not None
    priced = costs.cheapest(op, constants)
    assert priced is not None
    assert (priced.choice.kernel == favourite.choice.kernel) == kept
    assert given == [constants]
    assert list(constants) == [op.operands[1]]


@pytest.mark.tvm
@pytest.mark.sampled(per=())
@pytest.mark.parametrize("backend", ["tvm", "auto"])
def test_schedules_are_searched_before_they_compete(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """What a search found for the knobs of a kernel is one more candidate, and the numbers stay."""
    schedules: list[str] = []

    def measure(op: Any, choices: Sequence[Choice], *_: Any) -> dict[str, float]:
        turned = [c for c in choices if c.kernel.startswith("tvm_") and c.params]
        schedules.extend(str(c) for c in turned)
        return {str(c): 1.0 if c in turned else 2.0 for c in choices}

    monkeypatch.setattr(tuning, "measure", measure)
    plain = bnnc.compile(mnist, output=tmp_path / "plain.so", backend=backend)
    artifact = bnnc.compile(
        mnist,
        output=tmp_path / "tuned.so",
        backend=backend,
        tune=True,
        tune_seconds=SECONDS,
        tune_trials=1,
    )
    assert any("vectors=" in name or "unroll=" in name for name in schedules)
    assert set(schedules) & set(kernels(artifact))
    np.testing.assert_allclose(outputs(artifact), outputs(plain), rtol=1e-5, atol=1e-5)


def test_a_tracker_is_for_the_tvm_backend(mnist: Path) -> None:
    with pytest.raises(bnnc.errors.TargetError, match="--tune-tracker is for the tvm backend"):
        bnnc.compile(mnist, output="x.so", tune=True, tune_tracker="localhost:9190/board")


def test_only_for_this_machine(monkeypatch: pytest.MonkeyPatch, mnist: Path) -> None:
    other = "cortex-a72" if os.uname().machine == "x86_64" else "x86-64-v3"
    with pytest.raises(bnnc.errors.TargetError, match=f"cannot tune for {other} here"):
        bnnc.compile(mnist, other, "x.so", tune=True)
    monkeypatch.setattr("bnnc.runtime.cpu.missing_features", lambda _: ("avx2", "fma"))
    with pytest.raises(bnnc.errors.TargetError, match="this CPU lacks avx2, fma"):
        bnnc.compile(mnist, output="x.so", tune=True)
