"""Scheduled graphs run under an emulator: the arm64 object, linked into a static C program."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import handmade
import numpy as np
from arm64 import sysroot
from library_support import logical, object_code

from bnnc.backends import linking
from bnnc.backends.targets import Target
from bnnc.driver import load_backend
from bnnc.ir import Graph
from bnnc.ir.storage import storage_dtype, storage_shape, to_storage

PROGRAM = Path(__file__).with_name("emulated.c")


class EmulatedLibrary:
    """A lowered graph as a program; `run` as that of ``library_support.Library``."""

    def __init__(self, graph: Graph, target: Target, backend: str = "llvm") -> None:
        sysroot.require_emulator()
        self.graph = graph
        manifest = json.dumps({"abi": 2, "target": target.name}).encode() + b"\0"
        obj = object_code(load_backend(backend).lower(graph, target), manifest)
        linking.link(obj, target)  # no symbol but memcpy, memmove and memset
        self._folder = tempfile.TemporaryDirectory(prefix="bnnc-arm64-")
        self.folder = Path(self._folder.name)
        (self.folder / "test.o").write_bytes(obj)
        handmade.run(
            *handmade.ZIG, "cc", *sysroot.STATIC, "-std=c11", "-O1", "-g0",
            "-fno-sanitize=undefined", "-Wall", "-Wextra", "-Werror",
            PROGRAM, self.folder / "test.o", "-o", self.folder / "program",
        )  # fmt: skip

    def run(
        self, inputs: Mapping[str, np.ndarray], batch: int = 1, pieces: int = 0
    ) -> dict[str, np.ndarray]:
        """Outputs by name. ``pieces`` > 0 runs each step in that many parts, last one first."""
        arrays = [to_storage(inputs[v.name], v.type) for v in self.graph.inputs]
        types = [o.value.type for o in self.graph.outputs]
        empty = [np.empty(storage_shape(t, batch), storage_dtype(t)) for t in types]
        head = [batch, pieces, len(arrays), len(empty), *(a.nbytes for a in (*arrays, *empty))]
        source, result = self.folder / "inputs", self.folder / "outputs"
        source.write_bytes(
            np.array(head, np.int64).tobytes() + b"".join(map(np.ndarray.tobytes, arrays))
        )
        command = ["qemu-aarch64", str(self.folder / "program"), str(source), str(result)]
        done = subprocess.run(command, check=False, capture_output=True, timeout=sysroot.TIME_LIMIT)
        assert done.returncode == 0, done.returncode
        data, at = result.read_bytes(), 0
        out: dict[str, np.ndarray] = {}
        for output, array in zip(self.graph.outputs, empty, strict=True):
            out[output.name] = np.frombuffer(data, array.dtype, array.size, at).reshape(array.shape)
            at += array.nbytes
        return logical(self.graph, out, batch)
