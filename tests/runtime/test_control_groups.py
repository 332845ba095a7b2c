"""Quotas of processor time, in trees of control groups as systems and containers show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnc.errors import InputError
from bnnc.runtime import cpu, thread_pool
from bnnc.runtime.control_groups import cpu_quota

V2 = "35 24 0:30 {root} {mount} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 31 0:30 {root} {mount} rw - cgroup cgroup rw,cpu,cpuacct\n"
MEMORY = "34 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def system(
    folder: Path, group: str, mounts: str, files: dict[str, str], root: str = "/"
) -> float | None:
    """The quota where /proc/self and the mounted tree hold these texts."""
    process, mount = folder / "self", folder / "a tree"
    process.mkdir()
    (process / "cgroup").write_text(group)
    shown = str(mount).replace(" ", "\\040")
    (process / "mountinfo").write_text(MEMORY + mounts.format(root=root, mount=shown))
    for name, text in files.items():
        path = mount / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return cpu_quota(process)


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n"}, 2.0),
        ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n", "a/cpu.max": "200000 100000\n"}, 0.5),
        ("0::/a:b\n", {"a:b/cpu.max": "300000 100000\n"}, 3.0),
        ("0::/../x\n", {"cpu.max": "400000 100000\n"}, 4.0),
        ("0::/\n", {"cpu.max": "odd\n"}, None),
        ("0::/a\n", {"a/cpu.max": "1 0\n", "cpu.max": "100000 100000\n"}, 1.0),
        ("0::/a\n", {"a/cpu.max": f"1{'0' * 400} 1\n", "cpu.max": "100000 100000\n"}, 1.0),
        ("no group", {"cpu.max": "100000 100000\n"}, None),
    ],
)
def test_version_2(
    tmp_path: Path, group: str, files: dict[str, str], expected: float | None
) -> None:
    assert system(tmp_path, group, V2, files) == expected


def v1(group: str, quota: str, period: str = "100000\n") -> dict[str, str]:
    return {f"{group}cpu.cfs_quota_us": quota, f"{group}cpu.cfs_period_us": period}


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("3:cpu,cpuacct:/\n", v1("", "250000\n"), 2.5),
        ("3:cpuacct,cpu:/a/b\n", {**v1("a/b/", "-1\n"), **v1("a/", "50000\n")}, 0.5),
        ("3:cpuset:/\n", v1("", "250000\n"), None),
        ("3:cpu:/\n", v1("", "-1\n"), None),
    ],
)
def test_version_1(
    tmp_path: Path, group: str, files: dict[str, str], expected: float | None
) -> None:
    assert system(tmp_path, group, V1, files) == expected


def test_a_container_sees_a_part_of_the_tree(tmp_path: Path) -> None:
    """The path of the group is the host's, and the mount begins at it."""
    files = {**v1("", "100000\n"), **v1("inner/", "70000\n")}
    group = "3:cpu:/docker/abc/inner\n0::/elsewhere\n"
    assert system(tmp_path, group, V1, files, root="/docker/abc") == 0.7


def test_mounts_that_are_cut_off_bound_nothing(tmp_path: Path) -> None:
    cut = "33 31 0:30 / {mount} rw - cgroup cgroup\n"
    assert system(tmp_path, "3:cpu:/\n", cut, v1("", "100000\n")) is None


def test_a_process_without_proc(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none") is None


@pytest.mark.parametrize(("quota", "cores"), [(None, 6), (2.5, 3), (0.1, 1), (9.0, 6)])
def test_cores(monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(cpu, "cpu_quota", lambda: quota)
    assert thread_pool.thread_count(0, "m") == cores


@pytest.mark.parametrize(("text", "count"), [("", 1), ("5", 5), ("0", 6), ("64", 64)])
def test_the_environment_counts_where_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, text: str, count: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(cpu, "cpu_quota", lambda: None)
    monkeypatch.setenv("BNNC_THREADS", text)
    assert thread_pool.thread_count(None, "m") == count
    assert thread_pool.thread_count(3, "m") == 3
    monkeypatch.delenv("BNNC_THREADS")
    assert thread_pool.thread_count(None, "m") == 1


@pytest.mark.parametrize("text", ["65", "-1", "two", "1.5", " 2", "1_0", "9" * 40])
def test_a_bad_environment(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BNNC_THREADS", text)
    with pytest.raises(InputError, match="environment: BNNC_THREADS: expected 1 to 64, or 0 for"):
        thread_pool.thread_count(None, "m")
