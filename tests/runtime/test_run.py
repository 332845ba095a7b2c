"""Model.run and calls: results, dtypes, shapes, ``out``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import threading
from pathlib import Path

import handmade
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc import runtime
from bnnc.errors import ArtifactError, InputError
from bnnc.runtime.artifact import Workspace


def check(model: runtime.Model, inputs: dict[str, np.ndarray]) -> None:
    got, want = model.run(inputs), handmade.reference(inputs)
    assert list(got) == list(want)
    for name, value in want.items():
        assert got[name].dtype == value.dtype
        assert got[name].shape == value.shape
        np.testing.assert_array_equal(got[name], value)


def build_single(folder: Path) -> Path:
    """``handmade.c`` with y as its one output."""
    what = handmade.manifest(platform.machine())
    return handmade.build(folder, dataclasses.replace(what, outputs=what.outputs[:1]))


def test_describes_inputs_and_outputs(model: runtime.Model) -> None:
    assert [tuple(tensor) for tensor in model.inputs] == [
        ("x", (None, 3), np.dtype("float32")),
        ("b", (None,), np.dtype("int8")),
    ]
    assert [(tensor.name, tensor.shape, tensor.dtype) for tensor in model.outputs] == [
        ("y", (None, 3), np.dtype("float32")),
        ("count", (), np.dtype("int32")),
        ("signs", (None,), np.dtype("bool")),
    ]
    assert model.metadata["name"] == "tiny"
    assert model.metadata["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": ["N", 3]},
        {"name": "b", "dtype": "int8", "shape": ["N"]},
    ]


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_any_batch(model: runtime.Model, batch: int) -> None:
    check(model, handmade.inputs(batch))


def test_batches_up_and_down_on_one_workspace(model: runtime.Model) -> None:
    for batch in (1, 300, 2, 301, 1):
        check(model, handmade.inputs(batch, seed=batch))


def test_positional_call_gives_a_tuple_in_graph_order(model: runtime.Model) -> None:
    inputs = handmade.inputs(4)
    got = model(inputs["x"], inputs["b"])
    assert isinstance(got, tuple)
    for value, want in zip(got, handmade.reference(inputs).values(), strict=True):
        np.testing.assert_array_equal(value, want)


def test_scalar_output_is_an_array(model: runtime.Model) -> None:
    count = model.run(handmade.inputs(4))["count"]
    assert isinstance(count, np.ndarray)
    assert count.shape == ()


def test_empty_batch(model: runtime.Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output 'count': a batch of 0 does not determine its 1"):
        model.run(handmade.inputs(0))
    single = runtime.load(build_single(tmp_path))
    y = single.run(handmade.inputs(0))["y"]
    assert y.shape == (0, 3)
    assert y.dtype == np.float32


# What converts without loss, and what does not.


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int16", "bool", ">f4"])
def test_safe_conversions(model: runtime.Model, dtype: str) -> None:
    inputs = handmade.inputs(3)
    x = np.arange(9).reshape(3, 3).astype(dtype)
    got = model.run({"x": x, "b": inputs["b"]})["y"]
    want = handmade.reference({"x": x.astype("float32"), "b": inputs["b"]})["y"]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["float64", "int32", "int64", "complex64", "U3", "object"])
def test_unsafe_conversions_are_refused(model: runtime.Model, dtype: str) -> None:
    inputs = handmade.inputs(3)
    with pytest.raises(InputError, match=r"input 'x': expected dtype float32, got .*convert"):
        model.run({"x": np.ones((3, 3)).astype(dtype), "b": inputs["b"]})


def test_python_lists_follow_the_same_rule(model: runtime.Model) -> None:
    got = model([[True, False, True]], np.zeros(1, np.int8))
    np.testing.assert_array_equal(got[0], [[2, 0, 2]])
    with pytest.raises(InputError, match="expected dtype float32, got float64"):
        model([[1.0, 2.0, 3.0]], np.zeros(1, np.int8))
    with pytest.raises(InputError, match="input 'x': "):
        model([[1.0, 2.0], [3.0]], np.zeros(2, np.int8))


def test_any_memory_layout(model: runtime.Model) -> None:
    plain = handmade.inputs(6)
    frozen = plain["x"].copy()
    frozen.flags.writeable = False
    wide = np.zeros((12, 6), np.float32)
    wide[::2, ::2] = plain["x"]
    raw = np.zeros(plain["x"].nbytes + 1, np.uint8)
    raw[1:] = plain["x"].reshape(-1).view(np.uint8)
    unaligned = raw[1:].view(np.float32).reshape(6, 3)
    assert not unaligned.flags.aligned
    for x in (frozen, np.asfortranarray(plain["x"]), wide[::2, ::2], unaligned):
        check(model, {"x": x, "b": plain["b"]})
    check(model, {"x": plain["x"][::-1], "b": plain["b"][::-1]})


# Names and shapes.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": None}, "missing 'b'; expected 'x', 'b'"),
        ({"X": np.zeros(1)}, "unexpected 'X'; expected 'x', 'b'"),
        ({"x": np.zeros(3, np.float32)}, r"expected shape \(N, 3\), got \(3,\).*x\[None\]"),
        ({"x": np.zeros((2, 4), np.float32)}, r"expected shape \(N, 3\), got \(2, 4\)"),
        ({"x": np.zeros((2, 3, 1), np.float32)}, r"expected shape \(N, 3\), got \(2, 3, 1\)"),
        ({"b": np.int8(1)}, r"input 'b': expected shape \(N,\), got \(\)"),
        ({"b": np.zeros(3, np.int8)}, r"expected batch 2 as in input 'x', got 3"),
    ],
)
def test_wrong_names_and_shapes(
    model: runtime.Model, change: dict[str, np.ndarray | None], message: str
) -> None:
    inputs = {**handmade.inputs(2), **change}
    with pytest.raises(InputError, match=message) as caught:
        model.run({name: value for name, value in inputs.items() if value is not None})
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_wrong_kinds_of_arguments(model: runtime.Model) -> None:
    inputs = handmade.inputs(2)
    with pytest.raises(InputError, match=r"expected 2 inputs \(x, b\), got 1"):
        model(inputs["x"])
    with pytest.raises(InputError, match="expected a dict of name to array, got ndarray"):
        model.run(inputs["x"])


# out=


def outputs(batch: int) -> dict[str, np.ndarray]:
    return {name: np.zeros_like(value) for name, value in
            handmade.reference(handmade.inputs(batch)).items()}  # fmt: skip


def test_out_is_filled_and_returned(model: runtime.Model) -> None:
    inputs, out = handmade.inputs(5), outputs(5)
    got = model.run(inputs, out=out)
    for name, want in handmade.reference(inputs).items():
        assert got[name] is out[name]
        np.testing.assert_array_equal(out[name], want)


def test_out_may_name_some_outputs(model: runtime.Model) -> None:
    y = np.empty((2, 3), np.float32)
    got = model.run(handmade.inputs(2), out={"y": y})
    assert got["y"] is y
    assert list(got) == ["y", "count", "signs"]


def test_positional_out(model: runtime.Model) -> None:
    inputs, out = handmade.inputs(5), outputs(5)
    got = model(inputs["x"], inputs["b"], out=tuple(out.values()))
    assert all(a is b for a, b in zip(got, out.values(), strict=True))
    for wrong in (out["y"], [out["y"]], "abc"):
        with pytest.raises(InputError, match="out: expected 3 arrays, got"):
            model(inputs["x"], inputs["b"], out=wrong)


def test_single_output_takes_and_gives_an_array(tmp_path: Path) -> None:
    model, inputs = runtime.load(build_single(tmp_path)), handmade.inputs(2)
    out = np.empty((2, 3), np.float32)
    assert model(inputs["x"], inputs["b"], out=out) is out
    assert model(inputs["x"], inputs["b"], out=[out]) is out
    np.testing.assert_array_equal(out, handmade.reference(inputs)["y"])
    assert isinstance(model(inputs["x"], inputs["b"]), np.ndarray)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("y", np.zeros((3, 3), np.float32), r"expected shape \(2, 3\), got \(3, 3\)"),
        ("y", np.zeros((2, 3)), "expected dtype float32, got float64"),
        ("y", np.zeros((2, 3), ">f4"), "expected dtype float32, got >f4"),
        ("y", np.zeros((3, 2), np.float32).T, "C-contiguous"),
        ("y", np.zeros((2, 6), np.float32)[:, ::2], "C-contiguous"),
        ("y", np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3), "aligned"),
        ("y", read_only(np.zeros((2, 3), np.float32)), "read-only"),
        ("count", np.int32(0), "expected a NumPy array, got int32"),
        ("z", np.zeros(2), "unexpected 'z'; expected 'y', 'count', 'signs'"),
    ],
)
def test_unfit_out(model: runtime.Model, name: str, value: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.run(handmade.inputs(2), out={**outputs(2), name: value})


def test_out_must_not_overlap(model: runtime.Model) -> None:
    inputs = handmade.inputs(4)
    memory = np.zeros(64, np.float32)
    memory[:12] = inputs["x"].reshape(-1)
    x = memory[:12].reshape(4, 3)
    with pytest.raises(InputError, match="out 'y': overlaps an input's memory"):
        model.run({"x": x, "b": inputs["b"]}, out={"y": memory[11:23].reshape(4, 3)})
    model.run({"x": x, "b": inputs["b"]}, out={"y": memory[12:24].reshape(4, 3)})
    out = {"y": memory[12:24].reshape(4, 3), "signs": memory[23:25].view(np.bool_)}
    with pytest.raises(InputError, match="out 'signs': overlaps another output's memory"):
        model.run({"x": x, "b": inputs["b"]}, out=out)


def test_out_may_share_with_an_input_that_is_copied(model: runtime.Model) -> None:
    inputs = handmade.inputs(4)
    x = np.asfortranarray(inputs["x"])
    y = np.ascontiguousarray(inputs["x"]).copy()
    got = model.run({"x": x, "b": inputs["b"]}, out={"y": y})["y"]
    np.testing.assert_array_equal(got, handmade.reference(inputs)["y"])


# Threads, life time.


def test_threads_share_a_model(model: runtime.Model) -> None:
    failures: list[object] = []

    def work(seed: int) -> None:
        for turn in range(100):
            inputs = handmade.inputs(1 + (seed * 37 + turn) % 90, seed=seed * 100 + turn)
            got, want = model.run(inputs), handmade.reference(inputs)
            failures.extend(n for n in want if not np.array_equal(got[n], want[n]))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_warm_runs_allocate_nothing_native(model: runtime.Model) -> None:
    inputs, out = handmade.inputs(500), outputs(500)
    model.run(inputs, out=out)
    (call,) = model._library._idle
    workspace = call.args.workspace
    for batch in (500, 1, 500):
        model.run(handmade.inputs(batch))
    assert list(model._library._idle) == [call]
    assert call.args.workspace == workspace
    assert workspace % 64 == 0


def test_closed_model(model: runtime.Model) -> None:
    with model as entered:
        assert entered is model
        model.run(handmade.inputs(1))
    model.close()
    with pytest.raises(ArtifactError, match="the model is closed"):
        model.run(handmade.inputs(1))
    assert "closed" in repr(model)
    assert model.inputs[0].name == "x"


def test_close_lets_calls_in_other_threads_finish(tiny: Path) -> None:
    inputs = handmade.inputs(2000)
    want = handmade.reference(inputs)["y"]
    results: list[np.ndarray] = []

    def work(model: runtime.Model, started: threading.Event) -> None:
        with contextlib.suppress(ArtifactError):
            while True:
                started.set()
                results.append(model.run(inputs)["y"])

    for _ in range(20):
        model, started = runtime.load(tiny), threading.Event()
        thread = threading.Thread(target=work, args=(model, started))
        thread.start()
        started.wait()
        model.close()
        thread.join()
    assert all(np.array_equal(got, want) for got in results)


def test_models_survive_a_fork(model: runtime.Model) -> None:
    inputs = handmade.inputs(3)
    model.run(inputs)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            equal = np.array_equal(model.run(inputs)["y"], handmade.reference(inputs)["y"])
            code = 0 if equal else 2
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_native_status_is_an_error(tmp_path: Path) -> None:
    path = handmade.build(tmp_path, handmade.manifest(platform.machine()), STATUS=3)
    with pytest.raises(ArtifactError, match="status 3: the workspace is missing"):
        runtime.load(path).run(handmade.inputs(1))


def test_a_batch_beyond_memory(tmp_path: Path) -> None:
    workspace = Workspace(per_batch=1 << 60, fixed=64, per_thread=0)
    path = handmade.build(tmp_path, handmade.manifest(platform.machine(), workspace=workspace))
    with pytest.raises(InputError, match=r"a batch of 3 needs a workspace of .* smaller parts"):
        runtime.load(path).run(handmade.inputs(3))


@given(st.integers(0, 40), st.integers(0, 2**32), st.booleans())
def test_random_inputs(tiny: Path, batch: int, seed: int, reverse: bool) -> None:
    inputs = handmade.inputs(batch, seed)
    if reverse:
        inputs = {name: value[::-1] for name, value in inputs.items()}
    with runtime.load(tiny) as model:
        if batch:
            check(model, inputs)
