"""`bnnc run`: arrays in, arrays out, and every odd file refused in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import pickle
import platform
import resource
import tracemalloc
import zipfile
from pathlib import Path

import handmade
import numpy as np
import pytest
from cli_support import Cli, check_bad, files
from hypothesis import given
from hypothesis import strategies as st

from bnnc.errors import InputError
from bnnc.runtime import artifact
from bnnc.runtime.manifest import Tensor
from bnnc.tools.command_line import array_files


@pytest.fixture
def inputs(cli: Cli) -> dict[str, np.ndarray]:
    """Inputs of the hand-made model, as ``x.npy``, ``b.npy`` and ``both.npz``."""
    arrays = handmade.inputs(4)
    for name, array in arrays.items():
        np.save(cli.folder / f"{name}.npy", array)
    np.savez(cli.folder / "both.npz", **arrays)
    return arrays


def check_outputs(path: Path, inputs: dict[str, np.ndarray]) -> None:
    want = handmade.reference(inputs)
    with np.load(path) as got:
        assert got.files == list(want)
        for name, array in want.items():
            assert got[name].dtype == array.dtype
            np.testing.assert_array_equal(got[name], array)


@pytest.mark.parametrize(
    "given_as",
    [
        ["both.npz"],
        ["x=x.npy", "b=b.npy"],
        ["b=both.npz", "x=both.npz"],
        ["x=./x.npy", "b=both.npz"],
    ],
)
def test_writes_every_output(
    cli: Cli, tiny: Path, inputs: dict[str, np.ndarray], given_as: list[str]
) -> None:
    options = [part for text in given_as for part in ("--input", text)]
    shown = cli.good("run", tiny, *options, "-o", "out.npz")
    assert shown == "out.npz: y: float32 4x3, count: int32 scalar, signs: bool 8\n"
    check_outputs(cli.folder / "out.npz", inputs)


def test_threads_change_nothing(cli: Cli, compiled: Path) -> None:
    np.save("images.npy", np.random.default_rng(1).random((20, 1, 28, 28), np.float32))
    shown = [
        cli.good("run", compiled, "--input", "images.npy", "--threads", threads)
        for threads in (1, 2, 3, 0)
    ]
    assert len(set(shown)) == 1
    refused = cli.bad("run", compiled, "--input", "images.npy", "--threads", "65")
    assert "threads: expected 1 to 64, or 0 for all cores, got 65" in refused
    refused = cli.bad("run", compiled, "--input", "images.npy", "--threads", "-1")
    assert "--threads: expected an integer from 0 to" in refused


def test_prints_without_an_output_file(cli: Cli, tiny: Path, inputs: dict[str, np.ndarray]) -> None:
    y, count, signs = cli.good("run", tiny, "--input", "both.npz").splitlines()
    want = handmade.reference(inputs)["y"]
    assert y.startswith(f"y: float32 4x3, min {want.min():.6g}, max {want.max():.6g}, argmax ")
    assert y.split("argmax ")[1] == " ".join(map(str, want.argmax(1)))
    assert count.startswith("count: int32 scalar, min ")
    assert signs == "signs: bool 8, argmax 0" or signs.startswith("signs: bool 8, argmax ")


def test_the_same_outputs_give_the_same_bytes(
    cli: Cli, tiny: Path, inputs: dict[str, np.ndarray]
) -> None:
    for name in ("1.npz", "2.npz"):
        cli.good("run", tiny, "--input", "both.npz", "-o", name)
    assert Path("1.npz").read_bytes() == Path("2.npz").read_bytes()


class Evil:
    """What a pickle could do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("pwned",)


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def lying(shape: str) -> bytes:
    """A header that promises another shape than the data has."""
    good = npy(np.zeros((4, 3), np.float32))
    return good.replace(b"(4, 3), ", f"({shape}), ".encode())


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


GOOD = npy(np.zeros((4, 3), np.float32))
BAD_FILES = {
    "empty": (b"", "empty"),
    "text": (b"1 2 3\n", "neither a .npy nor a .npz file"),
    "pickle": (pickle.dumps([1]), "neither a .npy nor a .npz file"),
    "pickled objects": (pickled(), "pickled Python objects, which are refused"),
    "truncated header": (GOOD[:20], "not a valid .npy file"),
    "truncated": (GOOD[:-1], "promises 48 bytes, the file holds 47"),
    "too long": (GOOD + b"\0", "promises 48 bytes, the file holds 49"),
    "unknown version": (GOOD[:6] + b"\x09\x00" + GOOD[8:], "not a valid .npy file"),
    "absurd shape": (lying("1 << 60"), "not a valid .npy file"),
    "huge": (lying("9" * 15 + ", 1"), "promises"),
    "negative": (lying("-4, 3"), "promises"),
    "archive of nothing": (archive("readme.txt", b"hello"), "not a valid .npy file"),
    "archive of pickles": (archive("x.npy", pickled()), "pickled Python objects"),
    "damaged archive": (archive("x.npy", GOOD)[:40], "not a valid .npz file"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_one_line(cli: Cli, tiny: Path, kind: str) -> None:
    content, words = BAD_FILES[kind]
    path = cli.folder / "bad.npy"
    path.write_bytes(content)
    said = cli.bad("run", tiny, "--input", "x=bad.npy", "-o", "out.npz")
    assert said.startswith("bnnc: bad.npy: ")
    assert words in said


@given(data=st.data())
def test_no_damage_gives_a_traceback(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Cut and changed bytes of .npy and .npz files: an array, or InputError."""
    intact = data.draw(st.sampled_from([GOOD, archive("x.npy", GOOD), pickled()]))
    content = bytearray(intact[: data.draw(st.integers(0, len(intact)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        array_files.gather([str(path)], [Tensor("x", "float32", ("N", 3))])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["x.npy"], "which input is it? write NAME=x.npy, of 'x', 'b'"),
        (["z=x.npy"], "unknown input 'z'; expected 'x', 'b'"),
        (["x=x.npy"], "missing 'b'"),
        (["both.npz", "x=x.npy"], "input 'x' is given twice"),
        (["x=nothere.npy"], "nothere.npy: cannot read: No such file"),
        (["x=."], ".: cannot read: Is a directory"),
        (["x=/dev/null"], "/dev/null: cannot read: not a regular file"),
        (["x=b.npy", "b=b.npy"], "input 'x': expected shape (N, 3), got (4,)"),
        (["x=double.npy", "b=b.npy"], "expected dtype float32, got float64"),
        (["x=short.npy", "b=b.npy"], "expected batch 2"),
        (["other.npz"], "unexpected 'z'"),
        (["x=three.npz", "b=b.npy"], "holds no array 'x', but 'p', 'q'"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(
    cli: Cli, tiny: Path, inputs: dict[str, np.ndarray], options: list[str], words: str
) -> None:
    np.save("double.npy", inputs["x"].astype(np.float64))
    np.save("short.npy", inputs["x"][:2])
    np.savez("other.npz", z=inputs["x"])
    np.savez("three.npz", p=inputs["x"], q=inputs["x"])
    given_as = [part for text in options for part in ("--input", text)]
    assert words in cli.bad("run", tiny, *given_as, "-o", "out.npz")


def damaged(tiny: Path, kind: str) -> bytes:
    data = tiny.read_bytes()
    if kind == "edited":
        at = data.index(b'"by hand"')
        return data[:at] + b'"by foot"' + data[at + 9 :]
    return {"truncated": data[: len(data) // 2], "empty": b"", "text": b"not an ELF file"}[kind]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("edited", "checksum does not match"),
        ("truncated", "bad.so: "),
        ("empty", "bad.so: "),
        ("text", "bad.so: "),
    ],
)
def test_a_damaged_artifact_is_one_line(
    cli: Cli, tiny: Path, inputs: dict[str, np.ndarray], kind: str, words: str
) -> None:
    Path("bad.so").write_bytes(damaged(tiny, kind))
    assert words in cli.bad("run", "bad.so", "--input", "both.npz", "-o", "out.npz")
    assert words in cli.bad("bench", "bad.so")


def test_an_artifact_for_another_machine_is_one_line(
    cli: Cli, foreign: Path, inputs: dict[str, np.ndarray]
) -> None:
    for command in (["run", foreign, "--input", "both.npz"], ["bench", foreign]):
        assert "compile the model with --target native here" in cli.bad(*command)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("nothere/out.npz", "the folder nothere does not exist"),
        (".", "is a directory"),
        ("x.npy/out.npz", "the folder x.npy does not exist"),
        ("/proc/out.npz", "/proc/out.npz: cannot write"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(
    cli: Cli, tiny: Path, inputs: dict[str, np.ndarray], output: str, words: str
) -> None:
    assert words in cli.bad("run", tiny, "--input", "both.npz", "-o", output)


def test_a_full_disk_leaves_no_file(cli: Cli, tiny: Path) -> None:
    np.savez("large.npz", **handmade.inputs(2000))
    before = files(cli.folder)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    arguments = ("run", tiny, "--input", "large.npz", "-o", "out.npz")
    done = cli.process(*arguments, preexec_fn=limit)
    check_bad(done)
    assert "out.npz: cannot write: File too large" in done.err
    assert files(cli.folder) == before


def test_a_name_that_numpy_cannot_save_is_saved(tmp_path: Path) -> None:
    arrays = {"file": np.arange(3), "a/b:0": np.ones((), bool), "": np.zeros((0, 2))}
    path = tmp_path / "x.npz"
    path.write_bytes(array_files.to_npz(arrays))
    tensors = [
        Tensor("file", "int64", (3,)), Tensor("a/b:0", "bool", ()), Tensor("", "float64", ("N", 2)),
    ]  # fmt: skip
    back = array_files.gather([str(path)], tensors)
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_a_name_too_long_for_an_archive_is_one_line(cli: Cli) -> None:
    base = handmade.manifest(platform.machine())
    outputs = (artifact.Tensor("y" * 100_000, "float32", ("N", 3)), *base.outputs[1:])
    long = handmade.build(cli.folder / "long", dataclasses.replace(base, outputs=outputs))
    np.savez("both.npz", **handmade.inputs(2))
    said = cli.bad("run", long, "--input", "both.npz", "-o", "out.npz")
    assert "has a name of 100000 bytes, and an archive's have at most 65531" in said
    assert len(said) < 300


def test_arrays_that_no_input_takes_are_not_expanded(cli: Cli, tiny: Path) -> None:
    """Three arrays of 64 MiB in an archive of 200 KB: names, types and shapes come first."""
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in (("x", (1 << 24,)), ("b", (1 << 24,)), ("z", (1 << 24,))):
            header = io.BytesIO()
            fields = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(header, fields)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(header.getvalue())
                for _ in range(4):
                    member.write(bytes(1 << 24))
    tracemalloc.start()
    try:
        for options, words in (
            (["bomb.npz"], "bomb.npz: unexpected 'z'; the inputs are 'x', 'b'"),
            (["x=bomb.npz"], "bomb.npz: x: input 'x': expected shape (N, 3), got (16777216,)"),
            (["b=bomb.npz"], "bomb.npz: b: input 'b': expected dtype int8, got float32"),
        ):
            given_as = [part for text in options for part in ("--input", text)]
            assert words in cli.bad("run", tiny, *given_as)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
