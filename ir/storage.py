"""Between the interpreter's arrays and the bytes that kernels read: one place for the layouts."""

from __future__ import annotations

import numpy as np

from .types import WORD_BITS, Array, Bits, Layout, Scalar, TensorType, physical_axes


def to_storage(array: Array, type_: TensorType) -> Array:
    """An array [N, C, ..] in interpreter storage as its memory in ``type_.layout``, contiguous.

    Words: [N, H, W, planes * words] uint64; ternary has its sign words before its mask words.
    """
    moved = array.transpose(physical_axes(array.ndim, type_.layout))
    if isinstance(type_.element, Scalar) or type_.layout is not Layout.WORDS:
        return np.ascontiguousarray(moved)
    moved = array.transpose(physical_axes(array.ndim, Layout.CHANNELS_LAST))
    if isinstance(type_.element, Bits):
        planes = [(moved >> p) & 1 for p in range(type_.element.planes)]
    else:
        planes = [moved > 0, moved != 0]
    return np.concatenate([_pack(plane) for plane in planes], axis=-1)


def from_storage(memory: Array, type_: TensorType, batch: int) -> Array:
    """The inverse of `to_storage`: logical axes, interpreter storage."""
    shape = type_.concrete(batch)
    packed = isinstance(type_.element, Scalar) or type_.layout is not Layout.WORDS
    axes = physical_axes(len(shape), type_.layout if packed else Layout.CHANNELS_LAST)
    back = tuple(int(i) for i in np.argsort(axes))
    physical = tuple(shape[a] for a in axes)
    if packed:
        return np.ascontiguousarray(memory.reshape(physical).transpose(back))
    words = -(-shape[1] // WORD_BITS)
    split = memory.reshape(*physical[:-1], -1, words)
    planes = [_unpack(split[..., p, :], shape[1]) for p in range(split.shape[-2])]
    if isinstance(type_.element, Bits):
        codes = sum((plane << p for p, plane in enumerate(planes)), np.zeros_like(planes[0]))
        return np.ascontiguousarray(codes.transpose(back))
    values = np.where(planes[1] == 0, 0, np.where(planes[0] != 0, 1, -1)).astype(np.int8)
    return np.ascontiguousarray(values.transpose(back))


def storage_shape(type_: TensorType, batch: int) -> tuple[int, ...]:
    """Shape of what `to_storage` returns."""
    shape = type_.concrete(batch)
    if isinstance(type_.element, Scalar) or type_.layout is not Layout.WORDS:
        return tuple(shape[a] for a in physical_axes(len(shape), type_.layout))
    axes = physical_axes(len(shape), Layout.CHANNELS_LAST)
    words = -(-shape[1] // WORD_BITS) * type_.element.planes
    return (*(shape[a] for a in axes[:-1]), words)


def _pack(plane: Array) -> Array:
    count = plane.shape[-1]
    fill = [(0, 0)] * (plane.ndim - 1) + [(0, -count % WORD_BITS)]
    packed = np.packbits(np.pad(plane.astype(np.uint8), fill), axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def _unpack(words: Array, count: int) -> Array:
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little")[..., :count]
