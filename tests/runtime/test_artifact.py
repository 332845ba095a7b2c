"""The artifact's file: manifest, checksum, and every kind of file that must be refused."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import platform
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnnc import runtime
from bnnc.errors import ArtifactError
from bnnc.runtime import artifact, artifact_file, cpu, elf
from bnnc.runtime.manifest_decoder import decode, parse

SHF_ALLOC = 2
"""ELF's flag of a section that is loaded."""


@pytest.fixture(scope="module")
def data(tiny: Path) -> bytes:
    """The bytes of a good artifact."""
    return tiny.read_bytes()


def refuse(data: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        artifact.read_manifest(data, "bad.so")
    text = str(caught.value)
    assert text.startswith("bad.so: ")
    assert "\n" not in text
    assert len(text) < 300


# The text of the manifest.


def test_round_trip() -> None:
    what = handmade.manifest("x86_64", name='α "quoted" \\ \t', options={"a": [1, 2.5, None, True]})
    text = artifact.encode(what)
    assert decode(parse(text, "m"), "m") == what
    assert (
        text
        == json.dumps(
            json.loads(text), separators=(",", ":"), sort_keys=True, ensure_ascii=False
        ).encode()
    )
    assert artifact.to_dict(what) == json.loads(text)


def test_section_ends_in_nul_and_is_padded() -> None:
    for extra in range(9):
        what = handmade.manifest("x86_64", name="n" * (1 + extra))
        content = artifact.section_bytes(what)
        assert content.rstrip(b"\0") == artifact.encode(what)
        assert content[-1] == 0
        assert len(content) % 8 == 0


def test_sizes_follow_the_batch() -> None:
    tensor = artifact.Tensor("t", "float16", ("4N", 3, "N"))
    assert tensor.dims(5) == (20, 3, 5)
    assert tensor.nbytes(5) == 20 * 3 * 5 * 2
    assert artifact.Workspace(per_batch=10, fixed=3, per_thread=5).nbytes(4, threads=2) == 53
    rounds = artifact.Rounds(steps=1, samples=3, per_sample=100)
    workspace = artifact.Workspace(per_batch=10, fixed=3, per_thread=5, rounds=rounds)
    assert workspace.nbytes(4, threads=1) == 40 + 3 + 5 + 300
    assert workspace.nbytes(4, threads=2) == 40 + 3 + 10 + 400
    assert [rounds.count(batch, threads) for batch, threads in ((3, 1), (4, 1), (13, 2))] == [
        1,
        2,
        3,
    ]


EDITS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("missing key", lambda m: m.pop("linker"), "linker is missing"),
    ("unknown key", lambda m: m.update(extra=1), "unknown key 'extra'"),
    ("unknown nested key", lambda m: m["target"].update(os="x"), "target: unknown key 'os'"),
    ("text as number", lambda m: m.update(name=3), "name: expected text, got 3"),
    ("NUL in text", lambda m: m.update(name="a\0b"), "name: expected text"),
    ("half a character", lambda m: m.update(name="\ud800"), "name: expected text"),
    ("prefix", lambda m: m.update(prefix="2x"), "prefix: expected text of the form"),
    ("bool as integer", lambda m: m["workspace"].update(fixed=True), "workspace: fixed: expected"),
    ("empty round", lambda m: m["workspace"]["rounds"].update(samples=0), "rounds: samples: exp"),
    ("rounds missing", lambda m: m["workspace"].pop("rounds"), "workspace: rounds is missing"),
    ("negative size", lambda m: m.update(constants=-1), "constants: expected an integer from 0"),
    ("huge size", lambda m: m.update(constants=1 << 63), "constants: expected an integer from 0"),
    ("float size", lambda m: m.update(constants=1.0), "constants: expected an integer from 0"),
    ("list as object", lambda m: m.update(source=[]), r"source: expected an object, got \[\]"),
    ("object as list", lambda m: m.update(inputs={}), r"inputs: expected a list, got \{\}"),
    ("scalar item", lambda m: m.update(layers=[3]), r"layers\[0\]: expected an object, got 3"),
    ("dtype", lambda m: m["inputs"][0].update(dtype="int4"), r"inputs\[0\]: dtype: expected one"),
    ("dim 0", lambda m: m["inputs"][0].update(shape=[0]), r"inputs\[0\]: shape: expected"),
    ("dim text", lambda m: m["inputs"][0].update(shape=["M"]), r"inputs\[0\]: shape: expected"),
    ("dim bool", lambda m: m["inputs"][0].update(shape=[True]), r"inputs\[0\]: shape: expected"),
    ("rank", lambda m: m["inputs"][0].update(shape=[1] * 33), r"inputs\[0\]: shape: expected"),
    ("absurd size", lambda m: m["inputs"][0].update(shape=[1 << 30] * 32), "shape: expected at m"),
    ("same name", lambda m: m["inputs"][1].update(name="x"), "inputs: a name occurs twice"),
    ("no output", lambda m: m.update(outputs=[]), "outputs: expected at least one"),
    ("batch from nowhere", lambda m: m.update(inputs=[]), "symbolic dimension that no input has"),
    ("feature", lambda m: m["target"].update(features=["a b"]), "features: expected names"),
    ("nested option", lambda m: m.update(options={"a": {"b": 1}}), "a: expected a scalar or a l"),
    ("layer flag", lambda m: m["layers"][0].update(binarized=1), "binarized: expected true or fa"),
    ("kernels missing", lambda m: m.pop("kernels"), "kernels is missing"),
    ("kernel cycles", lambda m: m["kernels"][0].update(cycles=-1), "cycles: expected an integer"),
    ("kernel key", lambda m: m["kernels"][0].update(x=1), r"kernels\[0\]: unknown key 'x'"),
    ("checksum", lambda m: m.update(checksum="md5:0"), "checksum: expected text of the form"),
]


@pytest.mark.parametrize(
    ("edit", "message"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS]
)
def test_strict_fields(edit: Callable[[dict[str, Any]], object], message: str) -> None:
    fields = artifact.to_dict(handmade.manifest("x86_64"))
    edit(fields)
    with pytest.raises(ArtifactError, match=rf"^m: manifest: .*{message}"):
        decode(parse(json.dumps(fields).encode(), "m"), "m")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[", "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":1,"a":2}', "a key occurs twice"),
        (b'{"a":1' + b"0" * 10_000 + b"}", "a|integer"),
        (b"3", "expected an object, got 3"),
    ],
)
def test_strict_text(text: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        decode(parse(text, "m"), "m")


def test_writer_writes_only_what_the_reader_reads() -> None:
    with pytest.raises(ArtifactError, match="dtype: expected one of"):
        artifact.encode(handmade.manifest("x86_64", inputs=(artifact.Tensor("x", "bf16", ()),)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.data(), json_values)
def test_any_value_in_any_field_is_accepted_or_refused(draw: st.DataObject, value: object) -> None:
    fields = artifact.to_dict(handmade.manifest("x86_64"))
    place: Any = fields
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        decode(parse(json.dumps(fields).encode(), "m"), "m")
        message = ""
    except ArtifactError as error:
        message = str(error)
    assert "\n" not in message


# The file.


def test_reads_what_was_sealed(data: bytes, tiny: Path) -> None:
    what = artifact.read_manifest(data, "tiny.so")
    assert dataclasses.replace(what, checksum=artifact.UNSEALED) == handmade.manifest(
        platform.machine()
    )
    assert artifact.seal(data) == data
    assert artifact_file.read_file(tiny) == data
    assert artifact.read_manifest(tiny.with_suffix(".o").read_bytes(), "tiny.o").name == "tiny"


def test_elf_contents(data: bytes) -> None:
    parsed = elf.parse_elf(data, "tiny.so")
    names = {symbol.name for symbol in parsed.symbols() if symbol.defined}
    assert names == {
        f"tiny_{name}"
        for name in ("abi_version", "describe", "interface", "run", "supported", "workspace_size")
    }
    assert parsed.undefined_symbols() == ()
    assert parsed.needed_libraries() == ()
    assert elf.MACHINES[parsed.machine] == platform.machine()
    section = parsed.section(artifact.SECTION)
    assert section is not None
    assert section.flags == SHF_ALLOC


def test_elf_of_a_program_that_needs_libraries(tmp_path: Path) -> None:
    source = tmp_path / "needs.c"
    source.write_text('int puts(const char *); int f(void) { return puts(""); }')
    library = tmp_path / "needs.so"
    handmade.run(*handmade.ZIG, "cc", "-target", "x86_64-linux-musl", "-c", "-g0", "-fPIC",
                 source, "-o", tmp_path / "needs.o")  # fmt: skip
    other = handmade.build(tmp_path / "other", handmade.manifest("x86_64"))
    handmade.run(*handmade.ZIG, "ld.lld", "-shared", "-o", library, tmp_path / "needs.o", other)
    parsed = elf.parse_elf(library.read_bytes(), "needs.so")
    assert parsed.undefined_symbols() == ("puts",)
    assert parsed.needed_libraries() == (str(other),)
    assert elf.parse_elf((tmp_path / "needs.o").read_bytes(), "o").undefined_symbols() == ("puts",)


def test_truncated_anywhere(data: bytes) -> None:
    for length in range(0, len(data), 7):
        refuse(data[:length], "not a bnnc artifact|truncated or damaged|checksum")
    refuse(data + b"\0", "checksum")


def test_flipped_anywhere(data: bytes) -> None:
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        with pytest.raises(ArtifactError):
            artifact.read_manifest(bytes(flipped), "bad.so")


@given(st.data())
@settings(max_examples=300)
def test_a_damaged_table_never_crashes_the_reader(data: bytes, draw: st.DataObject) -> None:
    """Header and section table hold the offsets: words of them replaced, the reader still stops."""
    damaged = bytearray(data)
    table = struct.unpack_from("<Q", data, 40)[0]
    words = st.sampled_from([*range(0, 64, 4), *range(table, len(data) - 8, 4)])
    values = st.sampled_from([0, 1, 8, 0x7FFFFFFF, 0xFFFFFFFF, len(data)]) | st.integers(0, 1 << 32)
    for position in draw.draw(st.lists(words, min_size=1, max_size=4)):
        struct.pack_into("<I", damaged, position, draw.draw(values) & 0xFFFFFFFF)
    exercise(bytes(damaged))


@given(st.binary(max_size=300))
@example(b"\x7fELF")
@example(b"\x7fELF\x02\x01" + b"\0" * 58)
@example(b"\x7fELF\x01\x01" + b"\0" * 58)
def test_any_bytes(data: bytes) -> None:
    exercise(data)
    exercise(b"\x7fELF\x02\x01" + data)


def exercise(data: bytes) -> None:
    """Everything that reads a file may raise ArtifactError and nothing else."""
    for read in (
        lambda: artifact.read_manifest(data, "bad.so"),
        lambda: artifact.seal(data),
        lambda: elf.parse_elf(data, "bad.so").symbols(),
        lambda: elf.parse_elf(data, "bad.so").needed_libraries(),
    ):
        try:
            read()
            message = ""
        except ArtifactError as error:
            message = str(error)
        assert "\n" not in message


def test_edited_manifest(data: bytes) -> None:
    refuse(data.replace(b'"name":"tiny"', b'"name":"tony"'), "was edited: its checksum")


def test_another_format_is_named_before_anything_else(data: bytes) -> None:
    older = data.replace(b'"format":3', b'"format":2')
    refuse(older, r"made by an older bnnc \(format 2, this one reads 3\): compile it again")
    newer = data.replace(b'"format":3', b'"format":4')
    refuse(newer, r"made by a newer bnnc \(format 4, this one reads 3\): upgrade")
    refuse(data.replace(b'"abi":2', b'"abi":9'), r"newer bnnc \(abi 9, this one reads 2\): upgrade")


def test_manifest_and_header_must_agree_on_the_machine(tmp_path: Path) -> None:
    path = handmade.build(tmp_path, handmade.manifest("aarch64"))
    lying = path.read_bytes().replace(b'"machine":"aarch64"', b'"machine":"x86_64" ')
    refuse(artifact.seal(lying), "expected aarch64 as in the ELF header, got x86_64")


def test_no_section(tmp_path: Path) -> None:
    (tmp_path / "e.c").write_text("int f(void) { return 0; }")
    handmade.run(*handmade.ZIG, "cc", "-target", "x86_64-linux-musl", "-c", "-g0",
                 tmp_path / "e.c", "-o", tmp_path / "e.o")  # fmt: skip
    refuse((tmp_path / "e.o").read_bytes(), "bnnc did not make: no section .bnnc.manifest")


# Loading.


def load_error(path: str | Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        runtime.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_such_file_and_other_kinds_of_file(tmp_path: Path) -> None:
    assert "No such file" in load_error(tmp_path / "none.so")
    assert "Is a directory" in load_error(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in load_error(tmp_path / "pipe")
    assert "not a regular file" in load_error("/dev/zero")
    (tmp_path / "empty.so").touch()
    assert "the file is empty" in load_error(tmp_path / "empty.so")
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    assert "what `bnnc compile` writes" in load_error(tmp_path / "model.onnx")
    with (tmp_path / "huge.so").open("wb") as file:
        file.truncate(1 << 40)
    assert "more than an artifact can have" in load_error(tmp_path / "huge.so")
    with pytest.raises(ArtifactError, match=r"^a\\x00b: .* null byte"):
        runtime.load("a\0b")


def test_object_is_not_loaded(tiny: Path) -> None:
    assert "compile with --emit so" in load_error(tiny.with_suffix(".o"))


def test_other_architecture(tmp_path: Path) -> None:
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[cpu.host_machine()]
    path = handmade.build(tmp_path, handmade.manifest(other))
    assert f"compiled for {other}" in load_error(path)
    assert f"this machine is {cpu.host_machine()}" in load_error(path)


def test_missing_features_are_listed(tmp_path: Path) -> None:
    what = handmade.manifest(cpu.host_machine())
    present = min(cpu.host_features())
    features = ("from_the_future", present, "even_later")
    target = dataclasses.replace(what.target, features=features)
    path = handmade.build(tmp_path, dataclasses.replace(what, target=target))
    assert "lacks from_the_future, even_later; compile" in load_error(path)


def test_other_systems(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert "artifacts run only on Linux" in load_error(tiny)


@pytest.mark.parametrize("in_memory", [True, False])
def test_recompiled_at_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    """Both stay loaded at once: the old model keeps the old code."""
    if not in_memory:
        monkeypatch.delattr("os.memfd_create")
    inputs = handmade.inputs(2)
    inputs["b"][:] = 0
    what = handmade.manifest(cpu.host_machine())
    path = handmade.build(tmp_path, what)
    old = runtime.load(path)
    for factor in (5, 7):
        handmade.build(tmp_path, what, FACTOR=factor)
        new = runtime.load(path)
        np.testing.assert_array_equal(new.run(inputs)["y"], inputs["x"] * np.float32(factor))
    np.testing.assert_array_equal(old.run(inputs)["y"], inputs["x"] * np.float32(2))


def test_memory_files_that_cannot_be_executed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.memfd_create", forbidden)
    inputs = handmade.inputs(2)
    got = runtime.load(tiny).run(inputs)
    np.testing.assert_array_equal(got["y"], handmade.reference(inputs)["y"])


def test_temporary_copies_do_not_stay(tiny: Path, monkeypatch: pytest.MonkeyPatch,
                                      tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.delattr("os.memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with runtime.load(tiny):
        assert list(tmp_path.iterdir()) == []


def test_unresolved_symbol_is_one_line(tmp_path: Path) -> None:
    what = handmade.manifest(cpu.host_machine())
    path = handmade.build(tmp_path, what, EXTRA="nowhere")
    assert re.search(r"artifact: /\S+/bnnc-[^/]+/model\.so: undefined symbol", load_error(path))


def test_missing_function(tmp_path: Path) -> None:
    what = handmade.manifest(cpu.host_machine())
    path = handmade.build(tmp_path, what, tiny_run="other_run")
    assert "does not define tiny_run" in load_error(path)


def test_workspace_formula_is_checked(tmp_path: Path) -> None:
    what = handmade.manifest(cpu.host_machine())
    path = handmade.build(tmp_path, what, WORKSPACE=1)
    assert "workspace at batch 1: manifest says 192 bytes, code 1" in load_error(path)


def test_memory_of_rounds_is_the_headers_and_the_manifests(tmp_path: Path) -> None:
    """The code by hand asks for what the header says; loading compares it with the manifest."""
    rounds = artifact.Rounds(steps=1, samples=5, per_sample=192)
    workspace = artifact.Workspace(per_batch=64, fixed=64, per_thread=64, rounds=rounds)
    what = handmade.manifest(cpu.host_machine(), workspace=workspace)
    runtime.load(handmade.build(tmp_path / "right", what)).close()
    wrong = "TINY_WORKSPACE_BYTES(dims[0],threads)+(dims[0]>5)"
    path = handmade.build(tmp_path / "wrong", what, WORKSPACE=wrong)
    assert "workspace at batch 6: manifest says 1472 bytes, code 1473" in load_error(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"name":"x","shape":["N",3]', b'"name":"x","shape":["N",7]'),
        (b'"float32","name":"y"', b'"float64","name":"y"'),
        (b'"name":"signs","shape":["2N"]', b'"name":"signs","shape":["4N"]'),
        (b'"name":"b"', b'"name":"B"'),
    ],
)
def test_a_manifest_of_other_tensors_than_the_code(
    tiny: Path, tmp_path: Path, before: bytes, after: bytes
) -> None:
    """Its checksum is right; by other shapes the code would run over the ends of arrays."""
    data = tiny.read_bytes()
    assert data.count(before) == 1
    path = tmp_path / "other.so"
    path.write_bytes(artifact.seal(data.replace(before, after)))
    assert "inputs and outputs are not those of the code; compile it" in load_error(path)


def test_closing_gives_back_memory_and_descriptors(tiny: Path) -> None:
    def resources() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text()
        return len(os.listdir("/proc/self/fd")), maps.count("memfd:bnnc")

    gc.collect()
    before = resources()
    for _ in range(50):
        runtime.load(tiny).close()
        runtime.load(tiny)
    kept = runtime.load(tiny)
    assert resources() > before
    del kept
    assert resources() == before


def test_names_that_no_manifest_holds_are_refused_when_it_is_written() -> None:
    inputs = tuple(artifact.Tensor(f"{i}" + "x" * (1 << 20), "float32", ("N",)) for i in range(16))
    with pytest.raises(ArtifactError, match=r"tiny: its names take a manifest of 16\d+ bytes"):
        artifact.section_bytes(handmade.manifest("x86_64", inputs=inputs))
