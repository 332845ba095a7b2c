"""Tensors of a model file: sizes checked against shapes before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PureWindowsPath

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper, numpy_helper

from ...errors import Limit, ModelError, VerifyError
from ...files import open_regular
from ...ir import Array, Scalar, scalar_of
from .subgraphs import subgraphs

MAX_TENSOR_BYTES = (1 << 31) - 1
"""Bytes of one tensor, the limit of the file format itself."""

MAX_SHARED_BYTES = 1 << 28
"""Bytes of external data beyond twice what its files hold."""

DTYPES: dict[int, np.dtype[np.generic]] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.DOUBLE: np.dtype(np.float64),
    TensorProto.FLOAT16: np.dtype(np.float16),
    TensorProto.INT8: np.dtype(np.int8),
    TensorProto.INT16: np.dtype(np.int16),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.UINT16: np.dtype(np.uint16),
    TensorProto.UINT32: np.dtype(np.uint32),
    TensorProto.UINT64: np.dtype(np.uint64),
    TensorProto.BOOL: np.dtype(np.bool_),
}
"""Element types that an imported tensor may have in every version of onnx."""

_PACKED = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}
"""Bits of an element of the types that share bytes."""


def _small_types() -> dict[int, np.dtype[np.generic]]:
    """Types below 16 bits that the installed onnx holds in a NumPy type of their own: constants may
    have them, on the way to a DequantizeLinear or Cast."""
    names = (*_PACKED, "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ",
             "FLOAT8E8M0", "BFLOAT16")  # fmt: skip
    codes = dict(TensorProto.DataType.items())
    known = {codes[n]: helper.tensor_dtype_to_np_dtype(codes[n]) for n in names if n in codes}
    return {code: dtype for code, dtype in known.items() if dtype not in DTYPES.values()}


DTYPES.update(_small_types())


def byte_count(code: int, elements: int) -> int:
    """Bytes of a tensor in a file."""
    bits = _PACKED.get(TensorProto.DataType.Name(code), 8 * DTYPES[code].itemsize)
    return -(-elements * bits // 8)


def dtype_name(code: int) -> str:
    """``float16`` for an ONNX element type, the number itself when ONNX has no such type."""
    names = {number: name for name, number in TensorProto.DataType.items()}
    return names.get(code, f"type {code}").lower()


def dtype_of(code: int) -> np.dtype[np.generic]:
    """The NumPy type of an ONNX element type; raises ModelError for one that bnnc cannot hold."""
    if code not in DTYPES:
        raise ModelError(f"data type {dtype_name(code)} is not supported", limits=[Limit.TYPE])
    return DTYPES[code]


def element_of(dtype: np.dtype[np.generic]) -> Scalar:
    """The IR's element of a NumPy type; raises ModelError when it has none."""
    try:
        return scalar_of(dtype)
    except VerifyError as error:
        raise ModelError(str(error), limits=[Limit.TYPE]) from error


def tensor_array(tensor: TensorProto) -> Array:
    """The contents of a checked tensor."""
    dtype_of(tensor.data_type)
    return numpy_helper.to_array(tensor)


def holds_nan(array: Array) -> bool:
    """Whether an array of any type holds NaN."""
    if array.dtype.kind in "biu":
        return False
    return bool(np.isnan(array if array.dtype.kind == "f" else array.astype(np.float32)).any())


def check_tensor(tensor: TensorProto) -> None:
    """Raise ModelError unless the tensor's bytes fit its shape and type."""
    where = f"tensor '{tensor.name}'"
    dims = list(tensor.dims)
    if any(d < 0 for d in dims):
        raise ModelError(f"{where} has a negative dimension: {dims}")
    if tensor.HasField("segment"):
        raise ModelError(f"{where} is stored in segments, which is not supported")
    if tensor.data_type == TensorProto.STRING:
        text = f"{where} holds strings, which are not supported"
        raise ModelError(text, limits=[Limit.TYPE])
    if tensor.data_type not in DTYPES:
        text = f"{where}: data type {dtype_name(tensor.data_type)} is not supported"
        raise ModelError(text, limits=[Limit.TYPE])
    count, each = math.prod(dims), DTYPES[tensor.data_type].itemsize
    # With a dimension of 0 the others still bound what NumPy multiplies.
    if math.prod(max(d, 1) for d in dims) * each > MAX_TENSOR_BYTES:
        raise ModelError(f"{where} is absurdly large: {dims} of {each} bytes each")
    size = byte_count(tensor.data_type, count)
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != size:
            raise ModelError(
                f"{where} of shape {dims} needs {size} bytes, got {len(tensor.raw_data)}"
            )
        return
    field = helper.tensor_dtype_to_field(tensor.data_type)
    got = len(getattr(tensor, field))
    packed = TensorProto.DataType.Name(tensor.data_type) in _PACKED
    needed = size if packed else count
    if got != needed:
        raise ModelError(f"{where} of shape {dims} needs {needed} numbers, got {got}")


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    """Initializers and the tensors in attributes of the nodes, those of branches included."""
    yield from graph.initializer
    for node in graph.node:
        yield from _attribute_tensors(node.attribute)


def _attribute_tensors(attributes: Iterable[AttributeProto]) -> Iterator[TensorProto]:
    for attribute in attributes:
        if attribute.type == AttributeProto.TENSOR:
            yield attribute.t
        elif attribute.type == AttributeProto.TENSORS:
            yield from attribute.tensors
        for branch in subgraphs(attribute):
            yield from tensors_of(branch)


def embed_external(model: ModelProto, folder: Path | None) -> None:
    """Read tensors stored in files beside the model into the model.

    A file must lie inside ``folder`` (symbolic links followed) and hold the bytes that the shape
    needs; raises ModelError otherwise, before reading anything.
    """
    external = [t for t in all_tensors(model) if t.data_location == TensorProto.EXTERNAL]
    ranges = [_external_range(tensor, folder) for tensor in external]
    _check_total(ranges)
    for tensor, (path, offset, size) in zip(external, ranges, strict=True):
        try:
            with open_regular(path) as (file, _):
                file.seek(offset)
                tensor.raw_data = file.read(size)
        except OSError as error:
            raise ModelError(f"cannot read external data {path}: {error.strerror}") from error
        del tensor.external_data[:]
        tensor.ClearField("data_location")


def _check_total(ranges: Sequence[tuple[Path, int, int]]) -> None:
    """Bound what external data takes in memory: a few tensors may share their bytes, but a small
    file does not become a large model."""
    total = sum(size for _, _, size in ranges)
    if total > MAX_TENSOR_BYTES:
        raise ModelError(f"external data exceeds {MAX_TENSOR_BYTES} bytes")
    stored = sum(path.stat().st_size for path in {path for path, _, _ in ranges})
    if total > 2 * stored + MAX_SHARED_BYTES:
        raise ModelError(
            f"external data: {len(ranges)} tensors of {total} bytes are in files of {stored} "
            "bytes: too many of them name the same bytes"
        )


def all_tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Tensors of the graph and of model-local functions."""
    yield from tensors_of(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _attribute_tensors(node.attribute)


def _external_range(tensor: TensorProto, folder: Path | None) -> tuple[Path, int, int]:
    """File, byte offset and byte count of a tensor's external data."""
    where = f"external data of tensor '{tensor.name}'"
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise ModelError(
            f"{where} ('{location}') cannot be found: the model was not read from a file"
        )
    path = _inside(folder, location, where)
    available = path.stat().st_size
    offset = _number(entries, "offset", 0, where)
    if any(d < 0 for d in tensor.dims):
        raise ModelError(f"{where}: negative dimension in {list(tensor.dims)}")
    dtype_of(tensor.data_type)
    size = byte_count(tensor.data_type, math.prod(tensor.dims))
    length = _number(entries, "length", size, where)
    if length != size:
        raise ModelError(f"{where}: shape {list(tensor.dims)} needs {size} bytes, got {length}")
    if offset + size > available:
        raise ModelError(
            f"{where}: {location} is too short, expected {offset + size} bytes, got {available}"
        )
    return path, offset, size


def _inside(folder: Path, location: str, where: str) -> Path:
    unsafe = (
        not location
        or "\0" in location
        or Path(location).is_absolute()
        or PureWindowsPath(location).anchor
        or ".." in PureWindowsPath(location).parts
    )
    if unsafe:
        raise ModelError(f"{where} points outside the model's folder: '{location}'")
    try:
        path = (folder / location).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{where} is missing: {folder / location}") from error
    if not path.is_relative_to(folder.resolve()):
        raise ModelError(f"{where} points outside the model's folder: '{location}' is {path}")
    if not path.is_file():
        raise ModelError(f"{where} is not a file: {path}")
    return path


def _number(entries: dict[str, str], key: str, default: int, where: str) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ModelError(f"{where}: {key} '{text}' is not a byte count")
    return int(text)
