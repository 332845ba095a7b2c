"""Linking: what can go wrong is one BackendError, and nothing of the machine is in the file."""

from __future__ import annotations

import importlib.util
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import handmade
import pytest
from library_support import scheduled

from bnnc.backends import linking
from bnnc.backends.llvm import LlvmBackend
from bnnc.backends.targets import TARGETS
from bnnc.driver import resolve_target
from bnnc.errors import BackendError
from bnnc.runtime.elf import parse_elf

TARGET = TARGETS["x86-64-v2"]
TEXT = """
graph @neg scheduled {
  input %x: f32[N,3]
  %y = fused([%x]) kernel="pointwise" {
    (%x: f32[N,3])
    %r = neg(%x) : f32[N,3]
    yield %r
  } : f32[N,3]
  output %y as "y"
}
"""


@pytest.fixture(scope="module")
def obj() -> bytes:
    return LlvmBackend().lower(scheduled(TEXT), TARGET).emit("obj", "neg", b"{}\0")


def script(path: Path, text: str) -> str:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_default_linker_is_named_with_its_version() -> None:
    assert linking.linker_version().startswith("LLD ")


def test_another_linker_with_options(obj: bytes) -> None:
    command = " ".join([*handmade.ZIG, "ld.lld"])
    assert linking.link(obj, TARGET, command) == linking.link(obj, TARGET)
    assert linking.linker_version(command) == linking.linker_version()


def test_a_linker_by_relative_path(
    obj: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "my-linker", f'exec {" ".join(handmade.ZIG)} ld.lld "$@"')
    monkeypatch.chdir(tmp_path)
    assert linking.link(obj, TARGET, "./my-linker") == linking.link(obj, TARGET)


@pytest.mark.parametrize(
    ("linker", "message"),
    [
        ("no-such-linker", "the linker no-such-linker is not there"),
        ("  ", "--linker is empty"),
        ("'", "No closing quotation"),
    ],
)
def test_linkers_that_are_none(obj: bytes, linker: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        linking.link(obj, TARGET, linker)


OLD_GNU = """
case "$*" in *--version*) exec echo 'GNU ld (GNU Binutils) 2.40';; esac
case "$*" in *--no-rosegment*) exit 1;; *'-z noseparate-code'*) exec {} "$@";; esac
"""


def test_gnu_ld_before_it_knew_the_options_of_lld(obj: bytes, tmp_path: Path) -> None:
    lld = " ".join([*handmade.ZIG, "ld.lld"])
    library = linking.link(obj, TARGET, script(tmp_path / "ld", OLD_GNU.format(lld)))
    assert parse_elf(library, "library").needed_libraries() == ()


STUCK = """
case "$*" in *--version*) exec echo stuck;; esac
echo $$ > "$PID_FILE.new" && mv "$PID_FILE.new" "$PID_FILE"
exec sleep 60
"""


def test_a_compilation_that_is_ended_ends_its_linker(tmp_path: Path, data_dir: Path) -> None:
    """With SIGTERM, as `timeout` and service managers do; nothing stays in the temporary folder."""
    temporary, known = tmp_path / "tmp", tmp_path / "pid"
    temporary.mkdir()
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    command = [sys.executable, "-m", "bnnc", "compile", model, "-o", tmp_path / "m.so"]
    linker = script(tmp_path / "stuck", STUCK)
    environment = {**os.environ, "TMPDIR": str(temporary), "PID_FILE": str(known)}
    with subprocess.Popen([*command, "--linker", linker], env=environment) as child:
        while not known.exists():
            assert child.poll() is None
            time.sleep(0.01)
        assert len(os.listdir(temporary)) == 1
        child.terminate()
    assert child.returncode == -signal.SIGTERM
    assert os.listdir(temporary) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(known.read_text()), 0)
    assert not (tmp_path / "m.so").exists()


def alignments(library: bytes) -> set[int]:
    """Of the segments that are loaded (PT_LOAD)."""
    table, row, count = (
        *struct.unpack_from("<Q", library, 32),
        *struct.unpack_from("<HH", library, 54),
    )
    rows = [struct.unpack_from("<IIQQQQQQ", library, table + row * i) for i in range(count)]
    return {fields[7] for fields in rows if fields[0] == 1}


@pytest.mark.parametrize(
    ("name", "alignment"),
    [
        ("x86-64-v2", 0x1000),
        ("arm64", 0x10000),
        ("x86_64-linux-android:nehalem", 0x4000),
        ("aarch64-linux-android:cortex-a53", 0x10000),
    ],
)
def test_android_has_pages_of_16_kib(name: str, alignment: int) -> None:
    target = resolve_target(name)
    obj = LlvmBackend().lower(scheduled(TEXT), target).emit("obj", "neg", b"{}\0")
    assert alignments(linking.link(obj, target)) == {alignment}


def test_a_linker_that_fails(obj: bytes, tmp_path: Path) -> None:
    failing = script(tmp_path / "fails", "echo 'cannot link today' >&2; exit 3")
    with pytest.raises(BackendError, match="failed: cannot link today"):
        linking.link(obj, TARGET, failing)
    silent = script(tmp_path / "silent", "exit 0")
    with pytest.raises(BackendError, match="wrote no library"):
        linking.link(obj, TARGET, silent)


def test_without_ziglang_the_extra_is_named(obj: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"bnnc\[compiler\]"):
        linking.link(obj, TARGET)


def test_undefined_symbols_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "needs.c"
    source.write_text("float sinf(float); float f(float x) { return sinf(x); }\n")
    needs = tmp_path / "needs.o"
    handmade.run(
        *handmade.ZIG, "cc", "-target", "x86_64-linux-musl", "-O1", "-fPIC", "-c", source,
        "-o", needs,
    )  # fmt: skip
    with pytest.raises(BackendError, match="must not need: sinf"):
        linking.link(needs.read_bytes(), TARGET)


def test_not_an_object() -> None:
    with pytest.raises(BackendError, match="failed"):
        linking.link(b"not an object", TARGET)


def test_a_folder_that_cannot_be_written(
    obj: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking.tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(BackendError, match="cannot write for the linker"):
        linking.link(obj, TARGET)
    assert os.listdir(tmp_path) == []
