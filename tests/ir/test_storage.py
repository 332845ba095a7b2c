"""How tensors lie in memory: the layouts of `bnnc.ir.storage` against their definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnnc.errors import VerifyError
from bnnc.ir import F32, SIGN, TERNARY, Batch, Bits, Layout, TensorType
from bnnc.ir.core import Value
from bnnc.ir.ops import Relayout
from bnnc.ir.storage import from_storage, storage_dtype, storage_shape, to_storage
from bnnc.ir.types import sample_bytes

TWO_BITS = Bits((0.0, 1.0, 2.0, 3.0))
SHAPES = [(Batch(), 3, 5, 5), (Batch(2), 70, 8, 8), (2, 1, 130), (Batch(), 65, 2, 3, 11)]


def _codes(type_: TensorType, batch: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    shape = type_.concrete(batch)
    if type_.element == TERNARY:
        return rng.integers(-1, 2, shape).astype(np.int8)
    high = len(type_.element.values) if isinstance(type_.element, Bits) else 100
    return rng.integers(0, high, shape).astype(type_.element.dtype)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("element", [F32, SIGN, TWO_BITS, TERNARY], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_storage_round_trips(shape: tuple, element: object, layout: Layout) -> None:
    if element == F32 and layout is Layout.PLANES:
        with pytest.raises(VerifyError, match="no planes of pixels"):
            TensorType(shape, element, layout)
        return
    type_ = TensorType(shape, element, layout)
    array = _codes(type_, 3)
    memory = to_storage(array, type_)
    assert memory.shape == storage_shape(type_, 3)
    assert memory.dtype == storage_dtype(type_)
    assert memory.flags.c_contiguous
    assert memory.nbytes == sample_bytes(type_) * (3 if type_.symbolic else 1)
    np.testing.assert_array_equal(from_storage(memory, type_, 3), array)


@pytest.mark.parametrize("element", [SIGN, TWO_BITS, TERNARY], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_planes_hold_the_batch_inside_the_channel(shape: tuple, element: object) -> None:
    """Memory u64 [C, planes, N, words]; pixel p is bit p % 64 of word p // 64, the rest is 0."""
    type_ = TensorType(shape, element, Layout.PLANES)
    array = _codes(type_, 2)
    n, channels = array.shape[:2]
    expected = np.zeros(storage_shape(type_, 2), np.uint64)
    for image, c in itertools.product(range(n), range(channels)):
        for p, value in enumerate(array[image, c].reshape(-1)):
            bits = (value > 0, value != 0) if element == TERNARY else (value & 1, value >> 1)
            for plane in range(element.planes):
                expected[c, plane, image, p // 64] |= np.uint64(int(bits[plane]) << p % 64)
    np.testing.assert_array_equal(to_storage(array, type_), expected)


def test_scalars_keep_their_shape() -> None:
    array = np.array(3, np.float32)
    assert to_storage(array, TensorType(())).shape == ()
    assert from_storage(array, TensorType(()), 1).shape == ()


@pytest.mark.parametrize("layout", [Layout.WORDS, Layout.PLANES])
def test_only_bits_are_packed(layout: Layout) -> None:
    with pytest.raises(VerifyError, match="cannot be packed: only bits lie in"):
        Relayout(Value("x", TensorType((Batch(), 3, 4, 4))), layout).verify()


def test_vectors_have_no_planes_of_pixels() -> None:
    with pytest.raises(VerifyError, match="bits of rank 3 and up do"):
        TensorType((Batch(), 3), SIGN, Layout.PLANES)
