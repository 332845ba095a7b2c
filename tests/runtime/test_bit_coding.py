"""Bytes and bits in less space: they come back exactly, and damage is an ArtifactError."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.errors import ArtifactError
from bnnc.runtime import bit_coding
from bnnc.runtime.bit_coding import CodedBits, Forest, Stream


@given(st.binary(max_size=300) | st.binary(max_size=9).map(lambda part: part * 50))
def test_bytes_come_back(data: bytes) -> None:
    stream = bit_coding.encode(data)
    assert bit_coding.decode(stream, len(data), "f") == data
    assert len(stream.stored) <= len(data)
    for size in (len(data) + 1, len(data) - 1):
        with pytest.raises(ArtifactError):
            bit_coding.decode(stream, size, "f")


def test_floats_take_planes() -> None:
    data = np.random.default_rng(0).normal(0, 0.05, 5000).astype(np.float32).tobytes()
    stream = bit_coding.encode(data)
    assert stream.coder == "planes"
    assert len(stream.stored) < 0.9 * len(data)
    assert bit_coding.decode(stream, len(data), "f") == data


def test_no_more_is_inflated_than_there_should_be() -> None:
    bomb = zlib.compress(bytes(100 << 20))
    with pytest.raises(ArtifactError, match="does not end where it should, at 1000 bytes"):
        bit_coding.decode(Stream("zlib", bomb), 1000, "f")


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, Forest, int]:
    """Bits that resemble their parents or not, any forest, kernels of any size."""
    taps = draw(st.sampled_from([1, 4, 9, 25]))
    outputs, channels = draw(st.integers(1, 30)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    order = random.permutation(outputs)
    parents = np.full(outputs, -1)
    for place, channel in enumerate(order[1:], 1):
        parents[channel] = order[random.integers(place)] if draw(st.booleans()) else -1
    bits = random.random((outputs, channels * taps)) < random.choice([0.02, 0.5])
    return bits.astype(np.uint8), Forest(parents, random.random(outputs) < 0.5), taps


@given(matrices())
def test_bits_come_back(case: tuple[np.ndarray, Forest, int]) -> None:
    bits, forest, taps = case
    coded = bit_coding.encode_bits(bits, forest, taps)
    np.testing.assert_array_equal(bit_coding.decode_bits(coded, *bits.shape, taps, "f"), bits)
    assert coded.nbytes <= bits.shape[0] * -(-bits.shape[1] // 8)


@pytest.mark.parametrize(("flips", "most"), [(0.05, 0.32), (0.2, 0.75)])
def test_rows_like_their_parent_take_their_entropy(flips: float, most: float) -> None:
    """0.29 and 0.72 bits; every other row is stored as the complement of its parent."""
    random = np.random.default_rng(0)
    centre = random.integers(0, 2, 1152)
    negated = np.arange(256) % 2
    differing = random.random((256, 1152)) < flips
    differing[0] = False
    bits = (centre ^ differing ^ negated[:, None]).astype(np.uint8)
    forest = Forest(np.array([-1] + [0] * 255), negated)
    coded = bit_coding.encode_bits(bits, forest, 9)
    assert coded.coding == "tree"
    assert 8 * coded.nbytes / bits.size < most
    np.testing.assert_array_equal(bit_coding.decode_bits(coded, 256, 1152, 9, "f"), bits)


def test_few_kernels_are_numbered() -> None:
    random = np.random.default_rng(0)
    kernels = random.integers(0, 2, (8, 9)).astype(np.uint8)
    bits = kernels[random.integers(0, 8, (64, 128))].reshape(64, -1)
    coded = bit_coding.encode_bits(bits, Forest(np.full(64, -1), np.zeros(64)), 9)
    assert coded.coding == "kernels"
    assert 8 * coded.nbytes / bits.size < 0.37
    np.testing.assert_array_equal(bit_coding.decode_bits(coded, 64, 1152, 9, "f"), bits)


def test_random_weights_take_a_bit_each() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (64, 1152)).astype(np.uint8)
    coded = bit_coding.encode_bits(bits, Forest(np.full(64, -1), np.zeros(64)), 9)
    assert coded == CodedBits("plain", (Stream("raw", np.packbits(bits, axis=1).tobytes()),))


def links(*values: int) -> Stream:
    return Stream("raw", np.array(values, "<u4").tobytes())


REFUSED = [
    (CodedBits("plain", ()), "0 streams for coding plain"),
    (CodedBits("later", ()), "made by a newer bnnc"),
    (CodedBits("plain", (Stream("later", b"12"),)), "made by a newer bnnc"),
    (CodedBits("plain", (Stream("raw", b"1"),)), "1 bytes instead of 2"),
    (CodedBits("plain", (Stream("zlib", b"12"),)), "incorrect header"),
    (
        CodedBits("tree", (links(0, 6), Stream("raw", b"12"), Stream("raw", b"12"))),
        "a parent that does not exist",
    ),
    (
        CodedBits("tree", (links(4, 2), Stream("raw", b"12"), Stream("raw", b"12"))),
        "each other's parents",
    ),
    (CodedBits("kernels", (Stream("raw", bytes(512)), Stream("raw", b""))), "kernels of 3 taps"),
]


@pytest.mark.parametrize(("coded", "message"), REFUSED, ids=[case[1] for case in REFUSED])
def test_refused(coded: CodedBits, message: str) -> None:
    with pytest.raises(ArtifactError, match=f"^f: .*{message}"):
        bit_coding.decode_bits(coded, 2, 8, 3, "f")
