"""Artifacts made by hand: ``handmade.c`` compiled and linked with the tools that bnnc links with.

They let the runtime be tested on its own, for any architecture and with any manifest.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.runtime import artifact
from bnnc.runtime.c_header import c_header

SOURCE = Path(__file__).with_name("handmade.c")
TRIPLES = {"x86_64": "x86_64-linux-musl", "aarch64": "aarch64-linux-musl"}
ZIG = (sys.executable, "-m", "ziglang")


def manifest(machine: str, **changes: Any) -> artifact.Manifest:
    """The manifest of ``handmade.c``; ``changes`` are fields to set otherwise."""
    base = artifact.Manifest(
        bnnc="0.1.0",
        name="tiny",
        prefix="tiny",
        target=artifact.Target("baseline", f"{machine}-unknown-linux-gnu", machine, "generic", ()),
        inputs=(
            artifact.Tensor("x", "float32", ("N", 3)),
            artifact.Tensor("b", "int8", ("N",)),
        ),
        outputs=(
            artifact.Tensor("y", "float32", ("N", 3)),
            artifact.Tensor("count", "int32", ()),
            artifact.Tensor("signs", "bool", ("2N",)),
        ),
        workspace=artifact.Workspace(per_batch=64, fixed=64, per_thread=64),
        constants=0,
        source=artifact.Source("0" * 64, 1, 20, "by hand"),
        linker="lld",
        layers=(artifact.Layer("double", "Mul", False, "float", ("N", 3), ("N", 3), 3, 0, 0),),
        kernels=(artifact.Kernel("double", "mul", "pointwise", ("N", 3), 0, 5, 1),),
        options={"sign-zero": "exact", "shape": ["x=1x3"]},
    )
    return dataclasses.replace(base, **changes)


def build_object(folder: Path, what: artifact.Manifest, **macros: object) -> Path:
    """Compile to a sealed ``tiny.o`` next to ``tiny.h``; ``macros`` go to ``handmade.c``."""
    folder.mkdir(parents=True, exist_ok=True)
    header, text, target = (folder / name for name in ("tiny.h", "manifest.inc", "tiny.o"))
    header.write_text(c_header(what))
    text.write_text(",".join(map(str, artifact.section_bytes(what))))
    macros = {"FACTOR": 2, "HEADER": f'"{header}"', "MANIFEST": f'"{text}"', **macros}
    run(
        *ZIG, "cc", "-target", TRIPLES[what.target.machine], "-c", "-O2", "-g0", "-fPIC",
        "-ffreestanding", "-fno-sanitize=undefined", "-fno-stack-protector",
        *(f"-D{name}={value}" for name, value in macros.items()), str(SOURCE), "-o", str(target),
    )  # fmt: skip
    target.write_bytes(artifact.seal(target.read_bytes()))
    return target


def build(folder: Path, what: artifact.Manifest, **macros: object) -> Path:
    """Compile and link to ``tiny.so``, sealed."""
    target = folder / "tiny.so"
    run(*ZIG, "ld.lld", "-shared", "-o", target, build_object(folder, what, **macros))
    target.write_bytes(artifact.seal(target.read_bytes()))
    return target


def run(*command: str | Path) -> str:
    """Run a tool and return what it printed; a failure shows its messages."""
    command_line = [str(part) for part in command]
    done = subprocess.run(command_line, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}: exit {done.returncode}\n{done.stderr}"
    return done.stdout


def inputs(batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random inputs for ``handmade.c``."""
    random = np.random.default_rng(seed)
    return {
        "x": random.standard_normal((batch, 3)).astype(np.float32),
        "b": random.integers(-100, 100, batch).astype(np.int8),
    }


def reference(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ``handmade.c`` gives, by NumPy."""
    x, b = given["x"], given["b"]
    return {
        "y": x * np.float32(2) + b.astype(np.float32)[:, None],
        "count": np.array((b > 0).sum(), np.int32),
        "signs": np.stack([b >= 0, b < 0], axis=1).reshape(-1),
    }
