"""Writing results: completely or not at all, and never over anything but a regular file."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bnnc.errors import OutputError
from bnnc.files import check_writable, cleaning_up, write_file, write_files


def test_writes_with_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out"
    before = os.umask(0o027)
    try:
        write_file(path, b"one")
        write_file(path, b"two")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_rename_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_file(tmp_path / "out", b"one")
    assert list(tmp_path.iterdir()) == []


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with pytest.raises(OutputError, match="nowhere/two: cannot write: No such file or directory"):
        write_files({one: b"1", tmp_path / "nowhere" / "two": b"2"})
    assert list(tmp_path.iterdir()) == []
    write_files({one: b"1", two: b"2"})
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")
    assert sorted(tmp_path.iterdir()) == [one, two]


WAITING = """
import signal, sys, tempfile, threading
from bnnc.files import cleaning_up
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
with cleaning_up(), tempfile.TemporaryDirectory(dir=sys.argv[1]):
    print("ready", flush=True)
    threading.Event().wait(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_cleans_up(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert len(list(tmp_path.iterdir())) == 1
        child.send_signal(number)
        assert child.communicate() == (b"", b"")
    assert child.returncode == -number
    assert list(tmp_path.iterdir()) == []


def test_signals_are_left_to_those_who_handle_them() -> None:
    def handle(*_: object) -> None:
        raise AssertionError

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, handle),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # ignored under nohup
    }
    try:
        with cleaning_up():
            assert signal.getsignal(signal.SIGTERM) is handle
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def test_other_threads_write_files_too(tmp_path: Path) -> None:
    thread = threading.Thread(target=write_file, args=(tmp_path / "out", b"one"))
    thread.start()
    thread.join()
    assert (tmp_path / "out").read_bytes() == b"one"


def test_the_file_behind_a_link_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/out")
    write_file(tmp_path / "link", b"one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "out").read_bytes() == b"one"


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_writable(pipe)
        write_file(pipe, b"one")
        assert os.read(reader, 10) == b"one"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    check_writable(Path("/dev/null"))
    write_file(Path("/dev/null"), b"one")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_full_device_is_one_line() -> None:
    with pytest.raises(OutputError, match="/dev/full: cannot write: No space left on device"):
        write_file(Path("/dev/full"), b"one")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a directory"),
        ("nothere/out", "does not exist"),
        ("file/out", "does not exist"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=words):
        check_writable(tmp_path / name)
