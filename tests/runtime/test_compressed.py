"""Compressed artifacts: the same file comes back, and damage of any kind is one clear error."""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc import runtime
from bnnc.errors import ArtifactError
from bnnc.runtime import artifact_file, compressed, elf
from bnnc.runtime.bit_coding import Forest
from bnnc.runtime.compressed import Weights
from bnnc.runtime.weight_layouts import Differences, Fives, Majorities, Nibbles, WeightLayout, Words

HEAD = struct.Struct("<8sII32s")


def star(bits: np.ndarray) -> Forest:
    """Every row from the first."""
    parents = np.zeros(len(bits), np.int64)
    parents[0] = -1
    return Forest(parents, np.zeros(len(bits), bool))


def close(layout: WeightLayout, seed: int) -> np.ndarray:
    """Rows that differ from the first in a tenth."""
    random = np.random.default_rng(seed)
    rows, inputs = layout.shape
    flips = random.random((rows, inputs)) < 0.1
    flips[0] = False
    return (random.integers(0, 2, inputs) ^ flips).astype(np.uint8)


TREE = (0, *[1] * 63)
LAYOUTS: list[WeightLayout] = [
    Words(32, 64, 9, 1, 2, 16, 1),
    Nibbles(64, 32, 9, 64),
    Majorities(64, 576, 48, 0),
    Majorities(64, 576, 48, 16),
    Fives(64, 576, 36, 32),
    *(Differences(64, 576, 100, 64, 8, part, TREE) for part in range(3)),
]


def weights() -> list[Weights]:
    """One kernel for each layout, the parts of the tree being one; and bytes of no layout."""
    tensors: list[Weights] = []
    for number, layout in enumerate(LAYOUTS):
        kernel = min(number, 5)
        bits = close(layout, kernel)
        data = layout.array(bits).tobytes()
        tensors.append(Weights(kernel, data, bits, 9, layout))
    bits = np.zeros((8, 100), np.uint8)
    return [*tensors, Weights(6, bytes(range(256)) * 4, bits, 1, None)]


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A file with weights among other bytes."""
    random = np.random.default_rng(9)
    parts = [random.bytes(1000), bytes(70_000)]
    for tensor in weights():
        parts += [tensor.data, random.bytes(50)]
    return b"".join(parts)


@pytest.fixture(scope="module")
def packed(plain: bytes) -> bytes:
    return compressed.compress(plain, weights(), star)


def test_round_trip(plain: bytes, packed: bytes) -> None:
    assert compressed.expand(packed, "f") == plain
    contents = compressed.read_contents(packed, "f")
    assert contents.size == len(plain)
    codings = [(entry.kernel, entry.coded.coding) for entry in contents.entries]
    assert codings == [
        *((kernel, "tree") for kernel in range(6)),
        *[(5, "again")] * 2,
        (6, "bytes"),
    ]
    for entry, tensor in zip(contents.entries, weights(), strict=True):
        assert plain[entry.offset : entry.offset + entry.size] == tensor.data
        if entry.coded.coding == "tree":
            assert 8 * entry.nbytes / tensor.bits.size < 0.6
    assert compressed.compress(plain, weights(), star) == packed


def test_what_is_not_there_twice_or_small_is_no_entry(plain: bytes) -> None:
    tensors = weights()
    gone = tensors[1]._replace(data=bytes(1000) + b"1")
    short = tensors[1]._replace(data=tensors[1].data[:100])
    again = compressed.compress(plain, [gone, short, tensors[0], tensors[0]], star)
    assert len(compressed.read_contents(again, "f").entries) == 1
    assert compressed.expand(again, "f") == plain


@pytest.mark.parametrize(("inputs", "chunk"), [(64, 64), (65, 64), (576, 100)])
def test_channels_that_are_all_the_same(inputs: int, chunk: int) -> None:
    """Only the roots of blocks have lists then: the least that a layout of a tree makes."""
    parents = tuple(0 if channel % 64 == 0 else channel // 64 * 64 + 1 for channel in range(1280))
    layout = Differences(1280, inputs, chunk, 32, 8, 0, parents)
    bits = np.tile(np.arange(inputs, dtype=np.uint8) % 3 % 2, (1280, 1))
    data = layout.array(bits).tobytes()
    packed = compressed.compress(data, [Weights(0, data, bits, 1, layout)], star)
    (entry,) = compressed.read_contents(packed, "x").entries
    assert entry.layout == layout
    assert compressed.expand(packed, "x") == data


@given(st.binary(max_size=500))
def test_any_bytes_are_compressed(data: bytes) -> None:
    if data:
        assert compressed.expand(compressed.compress(data, [], star), "f") == data


def test_nothing_but_zeros() -> None:
    data = bytes(5 << 20)
    packed = compressed.compress(data, [], star)
    assert compressed.expand(packed, "f") == data


# Damage.


def refuse(data: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        compressed.expand(data, "bad.bnnc")
    text = str(caught.value)
    assert text.startswith("bad.bnnc: ")
    assert "\n" not in text
    assert len(text) < 300


def test_truncated_anywhere(packed: bytes) -> None:
    for length in range(8, len(packed), 97):
        refuse(packed[:length], "truncated or damaged")
    refuse(packed + b"\0", "its digest does not match")


def test_flipped_anywhere(packed: bytes) -> None:
    for position in range(8, len(packed), 13):
        flipped = bytearray(packed)
        flipped[position] ^= 1 << position % 8
        refuse(bytes(flipped), "digest does not match|newer bnnc")


def test_newer_format(packed: bytes) -> None:
    newer = packed[:8] + struct.pack("<I", 2) + packed[12:]
    refuse(newer, r"made by a newer bnnc \(compression 2, this one reads 1\): upgrade")


def header(packed: bytes) -> dict[str, Any]:
    size = HEAD.unpack_from(packed)[2]
    return json.loads(zlib.decompress(packed[HEAD.size : HEAD.size + size]))


def resealed(packed: bytes, text: bytes) -> bytes:
    """The same streams under another header, with a right digest."""
    size = HEAD.unpack_from(packed)[2]
    body = zlib.compress(text) + packed[HEAD.size + size :]
    digest = hashlib.sha256(body).digest()
    return HEAD.pack(compressed.MAGIC, 1, len(zlib.compress(text)), digest) + body


EDITS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda h: h.update(size=1 << 30), "header: size: expected an integer from 1 to"),
    (lambda h: h.update(size=h["size"] - 70_000), "do not fit|segments"),
    (lambda h: h.update(size=h["size"] + 1), "a stream holds"),
    (lambda h: h.update(size=h["size"] + 70_000), "segments for"),
    (lambda h: h.pop("rest"), "rest is missing"),
    (lambda h: h["rest"].pop(), "do not fit"),
    (lambda h: h["rest"].append(["raw", 1]), "rest: expected pairs of a coder and bytes"),
    (lambda h: h["rest"].append(3), "rest: expected pairs of a coder and bytes"),
    (lambda h: h.update(later=1), "unknown key 'later'"),
    (lambda h: h["weights"][1].update(offset=h["weights"][0]["offset"]), "weights that overlap"),
    (lambda h: h["weights"][0].update(layout=""), "tree without a layout"),
    (lambda h: h["weights"][0].update(layout="later"), "newer bnnc"),
    (lambda h: h["weights"][0].update(coding="later"), "newer bnnc"),
    (lambda h: h["weights"][0].update(coding="again"), "those of no entry before"),
    (lambda h: h["weights"][0].update(fields=[True] * 7), "no weights can be stored"),
    (lambda h: h["weights"][0]["fields"].__setitem__(0, 1 << 20), "their layout does not fill"),
    (lambda h: h["weights"][0].update(size=10), "their layout does not fill"),
    (lambda h: h["weights"][0].update(size=100), "weights that make 2304 bytes instead of 100"),
]


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_headers_that_lie(
    packed: bytes, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    fields = header(packed)
    edit(fields)
    refuse(resealed(packed, json.dumps(fields).encode()), message)


@pytest.mark.parametrize("text", [b"", b"[", b"[" * 100_000, b"3", b"\xff", b'{"size":1' * 9])
def test_headers_that_are_none(packed: bytes, text: bytes) -> None:
    refuse(resealed(packed, text), "header")


def test_a_header_that_is_a_bomb(packed: bytes) -> None:
    refuse(resealed(packed, bytes(64 << 20)), "does not end where it should")


values = st.integers(-1, 1 << 40) | st.text(max_size=8) | st.lists(st.integers(0, 99)) | st.none()


@given(st.data())
@settings(max_examples=200)
def test_any_header_is_accepted_or_refused(packed: bytes, draw: st.DataObject) -> None:
    fields = header(packed)
    place: Any = fields
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw.draw(st.booleans()):
            place[key] = draw.draw(values)
            break
        place = place[key]
    try:
        compressed.expand(resealed(packed, json.dumps(fields).encode()), "f")
        message = ""
    except ArtifactError as error:
        message = str(error)
    assert "\n" not in message


# Loading.


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.bnnc"
    path.write_bytes(compressed.compress(tiny.read_bytes(), [], star))
    return path


@pytest.mark.parametrize("in_memory", [True, False])
def test_loads_and_runs(model: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool) -> None:
    if not in_memory:
        monkeypatch.delattr("os.memfd_create")
    inputs = handmade.inputs(2)
    inputs["b"][:] = 0
    with runtime.load(model) as loaded:
        np.testing.assert_array_equal(loaded.run(inputs)["y"], inputs["x"] * np.float32(2))


def test_is_smaller_and_reads_as_the_same_file(model: Path, tiny: Path) -> None:
    data = tiny.read_bytes()
    assert artifact_file.read_file(model) == data
    assert artifact_file.read_stored(model) == model.read_bytes()
    assert artifact_file.read_stored(tiny) == artifact_file.read_file(tiny) == data
    assert len(model.read_bytes()) < len(data)


def test_damage_is_said_of_the_file(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"tiny\.bnnc: the file is truncated or damaged"):
        runtime.load(model)


def test_the_expanded_file_is_checked_too(tiny: Path, tmp_path: Path) -> None:
    damaged = bytearray(tiny.read_bytes())
    damaged[-1] ^= 1
    path = tmp_path / "tiny.bnnc"
    path.write_bytes(compressed.compress(bytes(damaged), [], star))
    with pytest.raises(ArtifactError, match="its checksum does not match"):
        runtime.load(path)


def test_a_runtime_that_knows_elf_alone_refuses_it(model: Path) -> None:
    """As a bnnc from before compression does, in one line."""
    with pytest.raises(ArtifactError, match="not a bnnc artifact: no ELF header; expected what"):
        elf.parse_elf(model.read_bytes(), "tiny.bnnc")


def test_machines_are_told_before_anything_runs(tmp_path: Path) -> None:
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[platform.machine()]
    plain = handmade.build(tmp_path, handmade.manifest(other))
    path = tmp_path / "other.bnnc"
    path.write_bytes(compressed.compress(plain.read_bytes(), [], star))
    with pytest.raises(ArtifactError, match=f"compiled for {other}"):
        runtime.load(path)
