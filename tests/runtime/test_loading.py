"""`load` by path or bytes: what stays open, what is refused, and models and errors in pickles."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import platform
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import handmade
import numpy as np
import pytest

from bnnc import runtime
from bnnc.errors import ArtifactError, BnncError, InputError
from bnnc.runtime import artifact, compressed, thread_pool
from bnnc.runtime.bit_coding import Forest


def no_forest(bits: np.ndarray) -> Forest:
    raise AssertionError("no weights")


def check(model: runtime.Model, factor: int = 2) -> None:
    """The model is ``handmade.c`` with a factor."""
    inputs = handmade.inputs(3)
    inputs["b"][:] = 0
    np.testing.assert_array_equal(model.run(inputs)["y"], inputs["x"] * np.float32(factor))


def forbid(*_arguments: object) -> int:
    raise PermissionError(errno.EPERM, "Operation not permitted")


# Descriptors.


def open_descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"), key=int)


@pytest.mark.parametrize("compress", [False, True])
def test_no_descriptor_stays_open(tiny: Path, tmp_path: Path, compress: bool) -> None:
    """So none can be closed, or its number used again, behind the model's back."""
    path = tiny
    if compress:
        path = tmp_path / "tiny.bnnc"
        path.write_bytes(compressed.compress(tiny.read_bytes(), [], no_forest))
    before = open_descriptors()
    model = runtime.load(path)
    assert open_descriptors() == before
    check(model)


CLOSING = """
import os, sys
from bnnc import runtime
old = runtime.load(sys.argv[1])
os.closerange(3, 256)
new = runtime.load(sys.argv[2])
mine = [os.open("/dev/null", os.O_RDONLY) for _ in range(8)]
old.close(), new.close()
for number in mine:
    os.fstat(number)
"""


def test_a_process_may_close_all_its_descriptors(tmp_path: Path) -> None:
    """Daemons do; the next descriptor then has the number of one before."""
    what = handmade.manifest(platform.machine())
    paths = [handmade.build(tmp_path / str(factor), what, FACTOR=factor) for factor in (2, 3)]
    done = subprocess.run([sys.executable, "-c", CLOSING, *paths], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_models_that_are_loaded_at_once_are_each_their_own(tmp_path: Path) -> None:
    what = handmade.manifest(platform.machine())
    paths = [handmade.build(tmp_path / str(factor), what, FACTOR=factor) for factor in (2, 3, 4)]
    models = [runtime.load(path) for path in paths]
    for factor, model in zip((2, 3, 4), models, strict=True):
        check(model, factor)


@contextmanager
def few_descriptors() -> Generator[None]:
    """No more descriptors than there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 + int(open_descriptors()[-1]), hard))
    held: list[int] = []
    try:
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            yield
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_descriptors(tiny: Path) -> None:
    data = tiny.read_bytes()
    with few_descriptors():
        with pytest.raises(ArtifactError, match="cannot read the artifact: Too many open") as one:
            runtime.load(tiny)
        with pytest.raises(ArtifactError, match=r"cannot load the artifact: Too many open files$"):
            runtime.load(data)
    assert isinstance(one.value, OSError)
    assert one.value.errno == errno.EMFILE


# Errors.


def test_a_missing_file_is_file_not_found(tmp_path: Path) -> None:
    path = str(tmp_path / "none.so")
    with pytest.raises(FileNotFoundError) as caught:
        runtime.load(path)
    error = caught.value
    assert isinstance(error, BnncError)
    assert (error.errno, error.filename) == (errno.ENOENT, path)
    assert str(error) == f"{path}: cannot read the artifact: No such file or directory"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.errno) == (type(error), str(error), error.errno)


def test_what_else_the_system_says_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory") as caught:
        runtime.load(tmp_path)
    assert isinstance(caught.value, ArtifactError)
    assert not isinstance(caught.value, FileNotFoundError)
    assert caught.value.errno == errno.EISDIR


def test_no_memory(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("bnnc.runtime.model.read_manifest", refuse)
    with pytest.raises(ArtifactError, match=r"tiny\.so: not enough memory to load the artifact"):
        runtime.load(tiny)


def test_an_input_that_cannot_be_copied(model: runtime.Model) -> None:
    huge = np.broadcast_to(np.float32(0), (1 << 57, 3))
    with pytest.raises(InputError, match=r"input 'x': a contiguous copy .* in smaller parts"):
        model(huge, np.zeros(1, np.int8))


def test_no_memory_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = thread_pool.PoolFunctions(1 << 62, forbid, forbid, 0, forbid)
    with pytest.raises(InputError, match="threads: no 4611686018427387904 bytes of memory"):
        thread_pool._Workers(functions)


# Systems that forbid things.


def test_no_files_to_load_from_but_the_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one is the file that is there now, though the path is the same."""
    monkeypatch.setattr("os.memfd_create", forbid)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    what = handmade.manifest(platform.machine())
    models: list[runtime.Model] = []
    for factor in (2, 3, 4):
        monkeypatch.chdir(handmade.build(tmp_path, what, FACTOR=factor).parent)
        models.append(runtime.load("tiny.so"))
    for factor, model in zip((2, 3, 4), models, strict=True):
        check(model, factor)


def test_no_files_to_load_from_at_all(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.memfd_create", forbid)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(ArtifactError, match=r"cannot load the artifact: .* set TMPDIR to one"):
        runtime.load(tiny.read_bytes())


def test_cores_that_cannot_be_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", forbid)
    with pytest.raises(InputError, match="Operation not permitted; name a number of threads"):
        runtime.load(tiny, threads=0)
    check(runtime.load(tiny))


# Bytes.


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_loads_bytes(tiny: Path, kind: type) -> None:
    check(runtime.load(kind(tiny.read_bytes())))


def test_bytes_are_taken_as_they_were(tiny: Path) -> None:
    data = bytearray(tiny.read_bytes())
    model = runtime.load(data)
    data[:] = bytes(len(data))
    check(model)
    check(pickle.loads(pickle.dumps(model)))


def test_loads_compressed_bytes(tiny: Path) -> None:
    data = compressed.compress(tiny.read_bytes(), [], no_forest)
    model = runtime.load(data)
    check(model)
    assert len(pickle.dumps(model)) < len(data) + 500


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"BNNCPACK", b"tiny.so"])
def test_bytes_that_are_no_artifact(data: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^artifact: "):
        runtime.load(data)


def test_other_types_are_no_artifacts() -> None:
    for other in (5, None, ["tiny.so"]):
        with pytest.raises(TypeError):
            runtime.load(other)


# Pickles.


def test_a_pickled_model_is_loaded_from_its_path(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    model = runtime.load(tiny.name)
    texts = [pickle.dumps(value) for value in (model, model.run, model.__call__)]
    assert len(texts[0]) < 500
    monkeypatch.chdir(tmp_path)
    again, run, call = (pickle.loads(text) for text in texts)
    check(again)
    inputs = handmade.inputs(2)
    np.testing.assert_array_equal(run(inputs)["y"], call(*inputs.values())[0])
    check(copy.deepcopy(model))


def test_a_pickle_holds_the_threads_asked_for(tiny: Path) -> None:
    """As they were asked for: 0 is one for each core of the machine that unpickles."""
    assert runtime.load(tiny).__reduce__()[1][1] is None
    assert runtime.load(tiny, threads=1).__reduce__()[1][1] == 1


def test_a_pickle_of_a_file_that_has_changed(tmp_path: Path) -> None:
    what = handmade.manifest(platform.machine())
    path = handmade.build(tmp_path, what)
    text = pickle.dumps(runtime.load(path))
    of_bytes = pickle.dumps(runtime.load(path.read_bytes()))
    handmade.build(tmp_path, what, FACTOR=3)
    with pytest.raises(ArtifactError, match=r"tiny\.so: the file has changed since the model was"):
        pickle.loads(text)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(text)
    check(pickle.loads(of_bytes))


def test_a_closed_model_is_not_pickled(model: runtime.Model) -> None:
    model.close()
    with pytest.raises(ArtifactError, match="the model is closed"):
        pickle.dumps(model)


# Texts of damaged files.


def test_odd_texts_of_a_file_stay_one_line(tmp_path: Path) -> None:
    """With a checksum that is right: the machine of the manifest, a name of the string table."""
    machine = platform.machine()
    data = handmade.build(tmp_path, handmade.manifest(machine), EXTRA="nowhere").read_bytes()
    name = f'"machine":"{machine}"'.encode()
    odd = b'"machine":"a\\nb"'
    odd += b" " * (len(name) - len(odd))
    for damaged, said in (
        (data.replace(name, odd), "got a b"),
        (data.replace(b"nowhere", b"no\n\x1b[3m"), "cannot load the artifact"),
    ):
        assert damaged != data
        with pytest.raises(ArtifactError, match=said) as caught:
            runtime.load(artifact.seal(damaged))
        assert str(caught.value).isprintable()
