"""Between the interpreter's arrays and the bytes that kernels read: one place for the layouts."""

from __future__ import annotations

import math

import numpy as np

from .types import WORD_BITS, Array, Bits, Layout, Scalar, TensorType, Ternary, physical_axes


def to_storage(array: Array, type_: TensorType) -> Array:
    """An array [N, C, ..] in interpreter storage as its memory in ``type_.layout``, contiguous.

    Words: [N, H, W, planes * words] uint64; ternary has its sign words before its mask words.
    Planes: [C, planes, N, words] uint64, the same order of planes.
    """
    if not _packed(type_):
        return _contiguous(array.transpose(physical_axes(array.ndim, type_.layout)))
    moved = array.transpose(_outer_axes(type_))
    if type_.layout is Layout.PLANES:
        moved = moved.reshape(*moved.shape[:2], -1)
    assert not isinstance(type_.element, Scalar)
    packed = [_pack(plane) for plane in planes_of(moved, type_.element)]
    return np.stack(packed, 1) if type_.layout is Layout.PLANES else np.concatenate(packed, -1)


def from_storage(memory: Array, type_: TensorType, batch: int) -> Array:
    """The inverse of `to_storage`: logical axes, interpreter storage."""
    shape = type_.concrete(batch)
    axes = _outer_axes(type_) if _packed(type_) else physical_axes(len(shape), type_.layout)
    back = tuple(int(i) for i in np.argsort(axes))
    physical = tuple(shape[a] for a in axes)
    if isinstance(type_.element, Scalar) or not _packed(type_):
        return _contiguous(memory.reshape(physical).transpose(back))
    count = shape[1]
    if type_.layout is Layout.PLANES:
        count = math.prod(shape[2:])
        split = np.moveaxis(memory.reshape(storage_shape(type_, batch)), 1, -2)
    else:
        split = memory.reshape(*physical[:-1], -1, -(-count // WORD_BITS))
    planes = [
        _unpack(split[..., p, :], count).reshape(physical) for p in range(type_.element.planes)
    ]
    if isinstance(type_.element, Bits):
        codes = sum((plane << p for p, plane in enumerate(planes)), np.zeros_like(planes[0]))
        return _contiguous(codes.transpose(back))
    values = np.where(planes[1] == 0, 0, np.where(planes[0] != 0, 1, -1)).astype(np.int8)
    return _contiguous(values.transpose(back))


def planes_of(codes: Array, element: Bits | Ternary) -> list[Array]:
    """The bits of packed elements in interpreter storage, an array of 0 and 1 for each plane
    (ternary: sign, mask)."""
    if isinstance(element, Bits):
        return [(codes >> p) & 1 for p in range(element.planes)]
    return [codes > 0, codes != 0]


def storage_shape(type_: TensorType, batch: int) -> tuple[int, ...]:
    """Shape of what `to_storage` returns."""
    shape = type_.concrete(batch)
    if isinstance(type_.element, Scalar) or not _packed(type_):
        return tuple(shape[a] for a in physical_axes(len(shape), type_.layout))
    planes = type_.element.planes
    if type_.layout is Layout.PLANES:
        return (shape[1], planes, shape[0], -(-math.prod(shape[2:]) // WORD_BITS))
    axes = physical_axes(len(shape), Layout.CHANNELS_LAST)
    return (*(shape[a] for a in axes[:-1]), -(-shape[1] // WORD_BITS) * planes)


def storage_dtype(type_: TensorType) -> np.dtype[np.generic]:
    """Data type of what `to_storage` returns."""
    return np.dtype(np.uint64) if _packed(type_) else type_.element.dtype


def batch_axis(type_: TensorType) -> int:
    """The axis of the stored array that is axis 0 of the tensor."""
    return 2 if type_.layout is Layout.PLANES else 0


def _contiguous(array: Array) -> Array:
    """C order; np.ascontiguousarray would give a scalar an axis."""
    return np.asarray(array, order="C")


def _packed(type_: TensorType) -> bool:
    """True where elements of several positions or channels share a word."""
    return type_.is_binary and type_.layout in (Layout.WORDS, Layout.PLANES)


def _outer_axes(type_: TensorType) -> tuple[int, ...]:
    """The memory order of a packed tensor's axes, those that words pack innermost."""
    layout = Layout.PLANES if type_.layout is Layout.PLANES else Layout.CHANNELS_LAST
    return physical_axes(type_.rank, layout)


def _pack(plane: Array) -> Array:
    count = plane.shape[-1]
    fill = [(0, 0)] * (plane.ndim - 1) + [(0, -count % WORD_BITS)]
    packed = np.packbits(np.pad(plane.astype(np.uint8), fill), axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def _unpack(words: Array, count: int) -> Array:
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little")[..., :count]
