"""What the machine says of itself."""

from __future__ import annotations

import io
import platform
import sys

import pytest

from bnnc.errors import ArtifactError
from bnnc.runtime import cpu


def test_machine_is_one_that_artifacts_are_made_for() -> None:
    assert cpu.host_machine() == platform.machine()


@pytest.mark.parametrize(
    ("reported", "name"), [("AMD64", "x86_64"), ("arm64", "aarch64"), ("riscv64", "riscv64")]
)
def test_spellings_of_machines(monkeypatch: pytest.MonkeyPatch, reported: str, name: str) -> None:
    monkeypatch.setattr("os.uname", lambda: platform.uname()._replace(machine=reported))
    assert cpu.host_machine() == name
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert cpu.host_machine() == f"{name} (32-bit Python)"


def test_baseline_features_are_there() -> None:
    baseline = {"x86_64": ["sse2", "fxsr"], "aarch64": ["fp", "asimd"]}[cpu.host_machine()]
    assert cpu.missing_features(baseline) == ()
    assert cpu.missing_features(["b", *baseline, "a"]) == ("b", "a")


def test_cpuinfo_is_read_from_the_first_flags_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake_open(text: str | OSError) -> None:
        def opened(*_arguments: object, **_options: object) -> io.StringIO:
            if isinstance(text, OSError):
                raise text
            return io.StringIO(text)

        monkeypatch.setattr(cpu, "open", opened, raising=False)

    fake_open("model name\t: flags\nflags\t\t: sse2 avx2\n\nflags\t: other\n")
    assert cpu._x86_features() == {"sse2", "avx2"}
    fake_open("processor : 0\n")
    with pytest.raises(ArtifactError, match="no line `flags`"):
        cpu._x86_features()
    fake_open(PermissionError(13, "Permission denied"))
    with pytest.raises(ArtifactError, match="cannot read the CPU's features: Permission denied"):
        cpu._x86_features()


@pytest.mark.parametrize("answer", [0, -1])
def test_amx_is_there_where_linux_grants_it(monkeypatch: pytest.MonkeyPatch, answer: int) -> None:
    asked: list[tuple[int, ...]] = []

    class Libc:
        def __init__(self, name: None) -> None:
            pass

        def syscall(self, *arguments: int) -> int:
            asked.append(arguments)
            return answer

    monkeypatch.setattr(cpu.ctypes, "CDLL", Libc)
    plain = frozenset({"avx2", "avx512f"})
    assert cpu._granted(plain) == plain
    assert not asked
    amx = frozenset({"amx_tile", "amx_int8"})
    assert cpu._granted(plain | amx) == (plain if answer else plain | amx)
    assert asked == [(158, 0x1023, 18)]
