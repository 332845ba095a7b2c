"""How many bits an artifact's binary weights take, kernel by kernel, compressed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import one_line
from ...runtime.compressed import is_compressed, read_contents
from ...runtime.manifest import Manifest
from ..command_line.console import bytes_text, count_text, table

HEAD = ("binary weights", "kernel", "stored as", "weights", "size", "bits each")


@dataclass(frozen=True)
class StoredKernel:
    """The binary weights of one kernel: how many, and their bytes in the artifact's file.

    ``how``: "constants" of the code, or the codings in a compressed file, "" for weights that
    another kernel has, too.
    """

    name: str
    kernel: str
    how: str
    weights: int
    nbytes: int

    @property
    def bits(self) -> float:
        """Bits per weight."""
        return 8 * self.nbytes / self.weights

    def json(self) -> dict[str, object]:
        """Its form in the output of ``inspect --json``."""
        return {
            "name": self.name,
            "stored_as": self.how,
            "weights": self.weights,
            "bytes": self.nbytes,
            "bits_per_weight": self.bits,
        }


def stored_weights(data: bytes, manifest: Manifest, path: str) -> list[StoredKernel]:
    """The kernels with binary weights of an artifact's file, compressed or not."""
    entries = read_contents(data, path).entries if is_compressed(data) else None
    stored: list[StoredKernel] = []
    for number, kernel in enumerate(manifest.kernels):
        if not kernel.weights:
            continue
        how, size = "constants", kernel.weight_bytes
        if entries is not None:
            mine = [entry for entry in entries if entry.kernel == number]
            how = " ".join(dict.fromkeys(e.coded.coding for e in mine if e.nbytes))
            size = sum(entry.nbytes for entry in mine)
        stored.append(StoredKernel(kernel.name, kernel.kernel, how, kernel.weights, size))
    return stored


def total(stored: Sequence[StoredKernel]) -> StoredKernel:
    """All together; at least one."""
    weights, size = (
        sum(column) for column in zip(*((s.weights, s.nbytes) for s in stored), strict=True)
    )
    return StoredKernel("total", "", "", weights, size)


def stored_lines(stored: Sequence[StoredKernel]) -> list[str]:
    """A row for each kernel, and the total; nothing where there are no binary weights."""
    if not stored:
        return []
    rows = [
        (
            one_line(kernel.name),
            kernel.kernel,
            kernel.how,
            count_text(kernel.weights),
            bytes_text(kernel.nbytes),
            f"{kernel.bits:.2f}",
        )
        for kernel in (*stored, total(stored))
    ]
    return table([HEAD, *rows], (0, 1, 2))
