"""`bnnc.compile` without an output: the loaded model of this machine, and nothing on the disk."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnc
from bnnc.errors import BackendError, OutputError, TargetError
from bnnc.runtime.cpu import host_machine


@pytest.fixture
def mnist(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped network; the test runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return data_dir / "mnist" / "mnist_bnn.onnx"


IMAGES = np.random.default_rng(0).random((3, 1, 28, 28), np.float32)


def test_gives_the_model_that_a_file_gives(mnist: Path, tmp_path: Path) -> None:
    expected = bnnc.load(bnnc.compile(mnist, output=tmp_path / "m.so"))(IMAGES)
    os.unlink("m.so")
    for given in (mnist, str(mnist), onnx.load_model(mnist)):
        model = bnnc.compile(given)
        assert isinstance(model, bnnc.runtime.Model)
        np.testing.assert_array_equal(model(IMAGES), expected)
    assert model.metadata["name"] == "model"
    assert bnnc.compile(mnist).metadata["name"] == "mnist_bnn"
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again(IMAGES), expected)
    assert os.listdir() == []


def test_what_is_compressed_stays_so_in_a_pickle(mnist: Path) -> None:
    plain, packed = (pickle.dumps(bnnc.compile(mnist, compress=c)) for c in (False, True))
    assert len(packed) < len(plain)
    np.testing.assert_array_equal(*(pickle.loads(text)(IMAGES) for text in (plain, packed)))


def test_another_machine_needs_a_file(mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"x86_64": "arm64", "aarch64": "x86-64-v2"}[host_machine()]
    said = f"cannot load code for {other} here: .* name a file for it with output="
    with pytest.raises(TargetError, match=said):
        bnnc.compile(mnist, other)
    monkeypatch.setattr("bnnc.runtime.cpu.missing_features", lambda _: ("fma",))
    with pytest.raises(TargetError, match="here: this CPU lacks fma; name a file"):
        bnnc.compile(mnist)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"emit": "obj"}, OutputError, "emit='obj' without a file: name one with output="),
        ({"header": "m.h"}, OutputError, "a header without a file: name one with output="),
        ({"emit": "best"}, OutputError, "emit='best' without a file"),
        ({"prefix": "2"}, BackendError, "prefix '2' is not a C identifier"),
    ],
)
def test_what_only_files_have(
    mnist: Path, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bnnc.compile(mnist, **keywords)
