"""Checks on the arrays that go into and come out of a model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..errors import InputError
from .manifest import Tensor, multiple

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One object per element type: looking a name up costs more than the checks.
_dtype = functools.cache(np.dtype)


def as_input(value: object, tensor: Tensor, path: str) -> NDArray[Any]:
    """``value`` as a contiguous, aligned array of the tensor's dtype; a copy where one is needed.

    Raises InputError when a conversion could change a value (float64 to float32, int to float) or
    the number of dimensions differs. ``batch_of`` checks the sizes.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError, MemoryError) as error:
        raise InputError(f"{_input(path, tensor)}: not an array: {error}") from None
    check_input(array, tensor, path)
    wanted, flags = _dtype(tensor.dtype), array.flags
    if array.dtype == wanted and flags.c_contiguous and flags.aligned:
        return array
    try:
        return np.array(array, dtype=wanted, order="C", copy=True)
    except (MemoryError, ValueError):
        raise InputError(
            f"{_input(path, tensor)}: a contiguous copy of shape {array.shape} needs "
            f"{array.size * wanted.itemsize} bytes, more than there is; run it in smaller parts"
        ) from None


def check_input(array: NDArray[Any], tensor: Tensor, path: str) -> None:
    """Raise InputError for an array whose type or number of dimensions `as_input` refuses."""
    wanted = _dtype(tensor.dtype)
    if array.dtype != wanted and not np.can_cast(array.dtype, wanted, "safe"):
        raise InputError(
            f"{_input(path, tensor)}: expected dtype {wanted}, got {array.dtype}, which does not "
            f"convert without loss; convert it with numpy.asarray(x, dtype={str(wanted)!r})"
        )
    if array.ndim != len(tensor.shape):
        raise _wrong_shape(path, tensor, array)


def batch_of(arrays: Sequence[NDArray[Any]], tensors: Sequence[Tensor], path: str) -> int:
    """The batch N that all inputs agree on (1 when no dimension is symbolic); 0 is possible.

    Raises InputError for a fixed dimension that differs, a size that is no multiple of 4 for "4N",
    and inputs of different batches.
    """
    batch, origin = 1, ""
    for array, tensor in zip(arrays, tensors, strict=True):
        for size, dim in zip(array.shape, tensor.shape, strict=True):
            if isinstance(dim, int):
                if size != dim:
                    raise _wrong_shape(path, tensor, array)
                continue
            theirs, rest = divmod(size, multiple(dim))
            if rest:
                raise _wrong_shape(path, tensor, array)
            if not origin:
                batch, origin = theirs, tensor.name
            elif theirs != batch:
                raise InputError(
                    f"{_input(path, tensor)}: expected batch {batch} as in input {origin!r}, "
                    f"got {theirs} (shape {array.shape})"
                )
    return batch


def new_output(tensor: Tensor, batch: int, path: str) -> NDArray[Any]:
    """An uninitialised array for an output; InputError when the batch needs too much memory."""
    try:
        return np.empty(tensor.dims(batch), _dtype(tensor.dtype))
    except (MemoryError, ValueError):
        raise InputError(
            f"{path}: output {tensor.name!r}: a batch of {batch} gives {tensor.nbytes(batch)} "
            "bytes, more than there is; run it in smaller parts"
        ) from None


def check_output(value: object, tensor: Tensor, batch: int, path: str) -> NDArray[Any]:
    """``value`` if the model can write this output into it directly, else InputError."""
    where = f"{path}: out {tensor.name!r}"
    if not isinstance(value, np.ndarray):
        raise InputError(f"{where}: expected a NumPy array, got {type(value).__name__}")
    array = cast("NDArray[Any]", value)
    wanted = _dtype(tensor.dtype)
    if array.dtype != wanted:
        raise InputError(f"{where}: expected dtype {wanted}, got {array.dtype}")
    if array.shape != tensor.dims(batch):
        raise InputError(f"{where}: expected shape {tensor.dims(batch)}, got {array.shape}")
    if not array.flags.c_contiguous or not array.flags.aligned:
        raise InputError(f"{where}: expected a C-contiguous, aligned array")
    if not array.flags.writeable:
        raise InputError(f"{where}: the array is read-only")
    return array


def check_overlap(
    inputs: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    given: Sequence[Tensor],
    path: str,
) -> None:
    """Refuse ``outputs`` that share memory with an input or with each other.

    All are contiguous, so comparing bounds is exact. ``given`` are the outputs' tensors.
    """
    for index, (array, tensor) in enumerate(zip(outputs, given, strict=True)):
        if any(np.may_share_memory(array, other) for other in inputs):
            raise InputError(f"{path}: out {tensor.name!r}: overlaps an input's memory")
        if any(np.may_share_memory(array, other) for other in outputs[:index]):
            raise InputError(f"{path}: out {tensor.name!r}: overlaps another output's memory")


def shape_text(tensor: Tensor) -> str:
    """The shape as NumPy writes it, with N for the batch: ``(N, 3, 32, 32)``."""
    inner = ", ".join(str(dim) for dim in tensor.shape)
    return f"({inner},)" if len(tensor.shape) == 1 else f"({inner})"


def _input(path: str, tensor: Tensor) -> str:
    return f"{path}: input {tensor.name!r}"


def _wrong_shape(path: str, tensor: Tensor, array: NDArray[Any]) -> InputError:
    hint = ""
    if tensor.shape[:1] and isinstance(tensor.shape[0], str) and array.shape == tensor.shape[1:]:
        hint = "; add the batch dimension with x[None]"
    return InputError(
        f"{_input(path, tensor)}: expected shape {shape_text(tensor)}, got {array.shape}{hint}"
    )
