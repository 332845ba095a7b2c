"""Files of other formats given as a model: named, with the next step."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from frontend_support import conv_model, refused

import bnnc
from bnnc.errors import ModelError, OutputError
from bnnc.frontend import load_model


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name in names:
            out.writestr(name, b"x" * 5000)
    return file.getvalue()


def padded(head: bytes) -> bytes:
    return head.ljust(400, b"\0")


CONTENT: dict[str, tuple[bytes, str]] = {
    "torch zip": (archive("archive/data.pkl", "archive/data/0"), "a PyTorch file, not an ONNX"),
    "old torch": (padded(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"), "torch.onnx.export("),
    "keras zip": (archive("metadata.json", "config.json", "model.weights.h5"), "a Keras model"),
    "keras hdf5": (padded(b"\x89HDF\r\n\x1a\n"), "tf2onnx.convert.from_keras"),
    "npz": (archive("a.npy"), "NumPy arrays"),
    "zip": (archive("readme.txt"), "a ZIP archive"),
    "tflite": (padded(b"\x1c\0\0\0TFL3"), "python -m tf2onnx.convert --tflite"),
    "larq": (padded(b"\x1c\0\0\0TFL3\0\0LceBconv2d"), "convert the Keras model that it was made"),
    "ort": (padded(b"\x1c\0\0\0ORTM"), "the format of ONNX Runtime"),
    "library": (padded(b"\x7fELF\x02\x01\x01"), "a native library (ELF)"),
    "artifact": (padded(b"\x7fELF\x02\x01\x01\0.bnnc.manifest"), "is compiled already: bnnc run"),
    "compressed": (padded(b"BNNCPACK"), "it is compiled already: bnnc run"),
    "safetensors": (padded((64).to_bytes(8, "little") + b'{"w":{"dtype":"F32"'), "safetensors"),
    "gguf": (padded(b"GGUF\3\0\0\0"), "it holds no graph"),
    "openvino": (b'<?xml version="1.0"?>\n<net name="m" version="11">' + b" " * 99, "OpenVINO"),
    "web page": (b"\n<!DOCTYPE html><html>" + b" " * 99, "a web page"),
    "text": (b"<\n  ir_version: 8,\n  opset_import: [], \n>" + b" " * 99, "onnx.parser.parse"),
    "json": (b'{"class_name": "Functional"}' + b" " * 99, "JSON"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0" * 3, "git lfs pull"),
    "gzip": (padded(b"\x1f\x8b\x08"), "unpack it"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ""])
@pytest.mark.parametrize("kind", CONTENT)
def test_content_decides_whatever_the_suffix(kind: str, suffix: str, tmp_path: Path) -> None:
    data, expected = CONTENT[kind]
    path = tmp_path / f"model{suffix}"
    path.write_bytes(data)
    message = str(refused(path))
    assert expected in message
    assert "not an ONNX file; " in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("frozen.pb", "python -m tf2onnx.convert --saved-model"),
        ("weights.H5", "from_keras"),
        ("net.pth", "torch.onnx.export("),
        ("net.mlmodel", "Core ML"),
        ("net.engine", "TensorRT"),
        ("net.pdmodel", "paddle2onnx"),
        ("net.onnx", "is not an ONNX file, or is truncated"),
        ("net", "is not an ONNX file, or is truncated"),
    ],
)
def test_the_suffix_decides_otherwise(name: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xff\xfe nothing that anyone knows")
    assert expected in str(refused(path))


def test_an_onnx_model_may_have_any_suffix(tmp_path: Path) -> None:
    for suffix in (".pt", ".pb", ".so", ".h5"):
        path = tmp_path / f"model{suffix}"
        onnx.save(conv_model(), path)
        assert load_model(path).graph.outputs


def test_files_that_pytorch_and_numpy_write(tmp_path: Path) -> None:
    layer = torch.nn.Linear(3, 2)
    torch.save(layer.state_dict(), tmp_path / "new.pt")
    torch.save(layer.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    assert "a PyTorch file" in str(refused(tmp_path / "new.pt"))
    assert "older PyTorch" in str(refused(tmp_path / "old.pt"))
    assert "NumPy arrays" in str(refused(tmp_path / "arrays.npz"))


def test_folders(tmp_path: Path) -> None:
    assert "is a folder; expected an ONNX file" in str(refused(tmp_path))
    (tmp_path / "saved_model.pb").touch()
    assert "a TensorFlow SavedModel" in str(refused(tmp_path))


def test_a_compiled_model_is_no_model(tmp_path: Path) -> None:
    """Without another output, the library would be what is written: what it is comes first."""
    onnx.save(conv_model(), tmp_path / "net.onnx")
    library = bnnc.compile(tmp_path / "net.onnx", output=tmp_path / "net.so")
    before = library.read_bytes()
    with pytest.raises(ModelError, match="a library that bnnc made"):
        bnnc.compile(library, output=library)
    assert library.read_bytes() == before
    with pytest.raises(OutputError, match="would overwrite the model"):
        bnnc.compile(tmp_path / "net.onnx", output=tmp_path / "net.onnx")
