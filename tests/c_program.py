"""C programs that run a model by its generated header: raw files in, raw files out.

``build`` writes and compiles one for a model, linked with the model's library or object; ``run``
runs it, by itself or under an emulator, and turns its files into arrays.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import handmade
import numpy as np

from bnnc.runtime.artifact import Manifest

TEMPLATE = Path(__file__).with_name("c_program.c")


def build(
    folder: Path, what: Manifest, header: Path, model: Path, flags: Sequence[str], threads: int = 0
) -> Path:
    """Compile ``c_program.c`` for the model that ``header`` describes; link it with ``model``.

    ``flags`` go to the compiler: the target, ``-static``. With ``threads`` the program repeats the
    call with a pool of so many.
    """
    pool = [f"THREADS={threads}", f"POOL_TYPE={what.prefix}_pool"] if threads else []
    if threads:
        flags = [*flags, "-pthread", f"-DPOOL(part)={what.prefix}_pool_##part"]
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "program"
    handmade.run(
        *handmade.ZIG, "cc", *flags, "-std=c11", "-O1", "-g0", "-fno-sanitize=undefined",
        "-Wall", "-Wextra", "-Werror", *(f"-D{macro}" for macro in [*_macros(what, header), *pool]),
        TEMPLATE, model, "-o", program,
    )  # fmt: skip
    return program


def run(
    command: Sequence[str], what: Manifest, inputs: Mapping[str, np.ndarray], folder: Path
) -> dict[str, np.ndarray]:
    """Run a program that ``build`` made on arrays by input name; arrays by output name."""
    folder.mkdir(parents=True, exist_ok=True)
    batch = _batch(what, inputs)
    files: list[Path] = []
    for index, tensor in enumerate(what.inputs):
        files.append(folder / f"input{index}.raw")
        array = np.ascontiguousarray(inputs[tensor.name])
        assert array.dtype == tensor.dtype
        assert array.shape == tensor.dims(batch)
        files[-1].write_bytes(array.tobytes())
    results = [folder / f"output{index}.raw" for index in range(len(what.outputs))]
    full = [*command, str(batch), *map(os.fspath, [*files, *results])]
    done = subprocess.run(full, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"exit {done.returncode}: {' '.join(full)}\n{done.stderr}"
    return {
        tensor.name: np.frombuffer(path.read_bytes(), tensor.dtype).reshape(tensor.dims(batch))
        for tensor, path in zip(what.outputs, results, strict=True)
    }


def _batch(what: Manifest, inputs: Mapping[str, np.ndarray]) -> int:
    for tensor in what.inputs:
        for size, dim in zip(inputs[tensor.name].shape, tensor.shape, strict=True):
            if isinstance(dim, str):
                return size // int(dim[:-1] or 1)
    return 1


def _macros(what: Manifest, header: Path) -> list[str]:
    """The model's names for the program: the header's macros, gathered into lists."""
    upper = what.prefix.upper()

    def sizes(side: str, count: int) -> str:
        return "".join(f"{upper}_{side}_{index}_BYTES(n)," for index in range(count))

    return [
        f'HEADER="{header}"',
        f"ARGS={what.prefix}_args",
        f"RUN={what.prefix}_run",
        f"WORKSPACE_SIZE={what.prefix}_workspace_size",
        f"ABI_OK=({what.prefix}_abi_version()=={upper}_ABI_VERSION)",
        f"INTERFACE_OK=({what.prefix}_interface()=={upper}_INTERFACE)",
        f"NO_WORKSPACE={upper}_NO_WORKSPACE",
        f"SUPPORTED={what.prefix}_supported",
        f"INPUTS={upper}_INPUT_COUNT",
        f"OUTPUTS={upper}_OUTPUT_COUNT",
        f"DIMS={upper}_DIM_COUNT",
        f"WORKSPACE_BYTES(n,t)={upper}_WORKSPACE_BYTES(n,t)",
        f"INPUT_BYTES(n)={sizes('INPUT', len(what.inputs))}",
        f"OUTPUT_BYTES(n)={sizes('OUTPUT', len(what.outputs))}",
    ]
