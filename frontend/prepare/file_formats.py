"""Files that are given as a model and are no ONNX: what they are, and what to do with them.

Recognised by content first, which a wrong suffix does not change, then by suffix.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_TORCH = (
    "export it from Python: torch.onnx.export(model, example_inputs, 'model.onnx'); weights alone "
    "need the model's code, which loads them"
)
_KERAS = (
    "convert it with tf2onnx: tf2onnx.convert.from_keras(model, output_path='model.onnx'), in "
    "Python where the model is loaded (for Larq with its custom objects)"
)
_TENSORFLOW = (
    "convert it with tf2onnx: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"
)
_TFLITE = "convert it with tf2onnx: python -m tf2onnx.convert --tflite FILE --output model.onnx"
_LCE = (
    "its binary operators have no counterpart in ONNX; convert the Keras model that it was made "
    "from with tf2onnx"
)
_WEIGHTS = "it holds no graph: load it into its network in Python and call torch.onnx.export"
_ARTIFACT = "it is compiled already: bnnc run, inspect, bench and verify take it"
_SOURCE = "compile the ONNX model that it was made from, or export the network to ONNX"

_BY_SUFFIX = {
    ".pt": ("a PyTorch file", _TORCH),
    ".pth": ("a PyTorch file", _TORCH),
    ".ckpt": ("a checkpoint", _TORCH),
    ".pkl": ("a pickle", _TORCH),
    ".h5": ("a Keras model", _KERAS),
    ".hdf5": ("a Keras model", _KERAS),
    ".keras": ("a Keras model", _KERAS),
    ".pb": ("a TensorFlow graph", _TENSORFLOW),
    ".tflite": ("a TensorFlow Lite model", _TFLITE),
    ".safetensors": ("a file of weights (safetensors)", _WEIGHTS),
    ".mlmodel": ("a Core ML model", _SOURCE),
    ".pdmodel": ("a Paddle model", "convert it with paddle2onnx"),
    ".engine": ("a TensorRT engine", _SOURCE),
    ".plan": ("a TensorRT engine", _SOURCE),
    ".so": ("a library", _SOURCE),
}


def other_format(data: bytes, path: Path) -> str | None:
    """What a file is that holds no ONNX model, with the next step; None when nobody can tell."""
    head = data[:4096]
    for begins, describe in _BY_CONTENT:
        if begins(head):
            return _sentence(*describe(data))
    known = _BY_SUFFIX.get(path.suffix.lower())
    return None if known is None else _sentence(*known)


def folder_format(path: Path) -> str:
    """What a folder is that was given as a model."""
    if (path / "saved_model.pb").exists():
        return _sentence("a TensorFlow SavedModel", _TENSORFLOW)
    if path.suffix.lower() == ".mlpackage":
        return _sentence("a Core ML model", _SOURCE)
    return "is a folder; expected an ONNX file"


def _sentence(what: str, step: str) -> str:
    return f"is {what}, not an ONNX file; {step}"


Description = tuple[str, str]


def _zip(data: bytes) -> Description:
    """By the names in the archive's directory, which is its end."""
    names = data[-(1 << 16) :]
    if any(name in names for name in (b"/data.pkl", b"/archive_format", b"/constants.pkl")):
        return "a PyTorch file", _TORCH
    if b"model.weights.h5" in names:
        return "a Keras model", _KERAS
    if b".npy" in names:
        return "a file of NumPy arrays (.npz)", "it holds no graph"
    return "a ZIP archive", "unpack it if the model is inside"


def _elf(data: bytes) -> Description:
    if b".bnnc.manifest" in data:
        return "a library that bnnc made", _ARTIFACT
    return "a native library (ELF)", _SOURCE


def _flatbuffer(data: bytes) -> Description:
    if b"LceBconv2d" in data:
        return "a TensorFlow Lite model of Larq Compute Engine", _LCE
    return "a TensorFlow Lite model", _TFLITE


def _xml(data: bytes) -> Description:
    if b"<net" in data[:4096]:
        return "an OpenVINO model (IR)", _SOURCE
    return "a web page or other XML", "if it was downloaded, this is not the file that was meant"


def _text(data: bytes) -> Description:
    if b"ir_version" in data[:4096]:
        step = "onnx.save(onnx.parser.parse_model(text), 'model.onnx') makes a file of it"
        return "ONNX in its text form", step
    return _xml(data)


def _starts(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


def _is_safetensors(head: bytes) -> bool:
    return head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 28


def _constantly(what: str, step: str) -> Callable[[bytes], Description]:
    return lambda _: (what, step)


_BY_CONTENT: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Description]], ...] = (
    (_starts(b"\x7fELF"), _elf),
    (_starts(b"BNNCPACK"), _constantly("a compressed library that bnnc made", _ARTIFACT)),
    (_starts(b"PK\x03\x04"), _zip),
    (_starts(b"\x89HDF\r\n\x1a\n"), _constantly("a Keras model (HDF5)", _KERAS)),
    (lambda head: head[4:8] == b"TFL3", _flatbuffer),
    (
        lambda head: head[4:8] == b"ORTM",
        _constantly("a model in the format of ONNX Runtime", _SOURCE),
    ),
    (_starts(b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
     _constantly("a pickle, as older PyTorch writes", _TORCH)),
    (_is_safetensors, _constantly("a file of weights (safetensors)", _WEIGHTS)),
    (_starts(b"GGUF"), _constantly("a file of weights (GGUF)", _WEIGHTS)),
    (
        _starts(b"version https://git-lfs"),
        _constantly("a pointer of Git LFS", "git lfs pull fetches the file itself"),
    ),
    (_starts(b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"),
     _constantly("a compressed file", "unpack it")),
    (lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"), _text),
    (_starts(b"{"), _constantly("JSON", _SOURCE)),
)  # fmt: skip
