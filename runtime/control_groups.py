"""How much processor time the control groups of this process allow: containers have such quotas.

Version 2 has one tree of groups with the files ``cpu.max``; version 1 one tree for each controller,
where cpu's has ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``. A machine may have both. A group's
quota bounds those inside it, so that all of the way up to the root of the mount count; inside a
container the mount shows only part of the tree. Source: Linux, Documentation/admin-guide/cgroup-v2
and cgroup-v1, Documentation/scheduler/sched-bwc; proc_pid_cgroup(5), proc_pid_mountinfo(5).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class _Mount(NamedTuple):
    """A mounted tree: which group of it is seen at which folder."""

    version: int
    root: PurePosixPath
    folder: Path


def cpu_quota(process: Path = Path("/proc/self")) -> float | None:
    """Cores' worth of time that a process may use: the least quota of its groups; None without one.

    What cannot be read or understood bounds nothing.
    """
    quotas: list[float] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        groups = dict(_groups((process / "cgroup").read_text()))
        for mount in _mounts((process / "mountinfo").read_text()):
            if mount.version in groups:
                for folder in _folders(mount, groups[mount.version]):
                    with contextlib.suppress(OSError, ValueError, ArithmeticError):
                        quotas += _quota(mount.version, folder)
    return min(quotas, default=None)


def _groups(text: str) -> Iterator[tuple[int, PurePosixPath]]:
    """Version and path of the groups that bound the time; a line is ``number:controllers:path``."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield 2, PurePosixPath(path)
        elif "cpu" in controllers.split(","):
            yield 1, PurePosixPath(path)


def _mounts(text: str) -> Iterator[_Mount]:
    """The mounted trees of groups; a line is ``id parent device root folder options .. - type
    source options``."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        version = {"cgroup2": 2, "cgroup": 1}.get(kind[0])
        if version == 2 or (version == 1 and "cpu" in kind[2].split(",")):
            root, folder = (re.sub(r"\\([0-7]{3})", _unescaped, text) for text in fields[3:5])
            yield _Mount(version, PurePosixPath(root), Path(folder))


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))


def _folders(mount: _Mount, group: PurePosixPath) -> Iterator[Path]:
    """The folders of a group and of those around it, as far as the mount shows them."""
    inside = group.relative_to(mount.root) if group.is_relative_to(mount.root) else PurePosixPath()
    if ".." in inside.parts:  # a group that this process cannot see
        inside = PurePosixPath()
    for part in (inside, *inside.parents):
        yield mount.folder / part


def _quota(version: int, folder: Path) -> list[float]:
    """The quota of one group, if it has one."""
    if version == 2:
        quota, period = (folder / "cpu.max").read_text().split()
    else:
        quota = (folder / "cpu.cfs_quota_us").read_text().strip()
        period = (folder / "cpu.cfs_period_us").read_text()
    return [int(quota) / int(period)] if quota not in ("max", "-1") else []
