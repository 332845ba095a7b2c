"""The generated C header: strict C99 and C++, and a C program that uses it."""

from __future__ import annotations

import platform
from pathlib import Path

import c_program
import handmade
import numpy as np
import pytest

from bnnc.runtime import artifact
from bnnc.runtime.c_header import c_header

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
EXTREMES = {
    "prefix": "_Net2",
    "bnnc": "0.1.0 */ #error \\",
    "inputs": (
        artifact.Tensor("*/ #error \\\n??/ @ end", "float16", ("N", 3)),
        artifact.Tensor("é", "bool", ()),
        *(artifact.Tensor(dtype, dtype, (2,)) for dtype in artifact.ITEM_BYTES),
    ),
}


def compile_header(folder: Path, what: artifact.Manifest, language: str, standard: str) -> None:
    (folder / "model.h").write_text(c_header(what))
    prefix, macro = what.prefix, what.prefix.upper()
    source = folder / ("use.c" if language == "c" else "use.cc")
    source.write_text(
        '#include "model.h"\n#include "model.h"\n'
        f"unsigned char workspace[{macro}_WORKSPACE_BYTES(1, 1)];\n"
        f"{macro}_INPUT_0_TYPE input[{macro}_INPUT_0_ELEMENTS(2)];\n"
        f"unsigned char small[{macro}_WORKSPACE_BYTES_1];\n"
        f"int call(const {prefix}_args *args); /* a prototype for -Wmissing-prototypes */\n"
        f"int call(const {prefix}_args *args) {{ return {prefix}_run(args) != {macro}_OK; }}\n"
    )
    handmade.run(*handmade.ZIG, "cc" if language == "c" else "c++", f"-std={standard}", *STRICT,
                 "-target", "x86_64-linux-musl", "-c", source, "-o", folder / "use.o")  # fmt: skip


@pytest.mark.parametrize(("language", "standard"), [("c", "c99"), ("c", "c17"), ("c++", "c++11")])
def test_compiles_without_a_warning(tmp_path: Path, language: str, standard: str) -> None:
    compile_header(tmp_path, handmade.manifest("x86_64"), language, standard)
    compile_header(tmp_path, handmade.manifest("x86_64", **EXTREMES), language, standard)


def test_names_everything_a_program_needs() -> None:
    text = c_header(handmade.manifest("x86_64"))
    for line in (
        "#define TINY_INPUT_COUNT 2",
        "#define TINY_DIM_COUNT 1",
        "#define TINY_WORKSPACE_BYTES_1 192",
        '/* input 0: "x", float32, shape [N, 3], row-major, 12 bytes for N = 1 */',
        '/* output 1: "count", int32, shape [], row-major, 4 bytes */',
        "#define TINY_OUTPUT_2_ELEMENTS(n) (UINT64_C(2) * (uint64_t)(n))",
    ):
        assert line in text.splitlines()
    assert "@" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_fixed_batch_needs_no_dims() -> None:
    fixed = handmade.manifest(
        "x86_64",
        inputs=(artifact.Tensor("x", "float32", (1, 3)),),
        outputs=(artifact.Tensor("y", "float32", (1, 3)),),
    )
    text = c_header(fixed)
    assert "#define TINY_DIM_COUNT 0" in text
    assert "{sizeof args, NULL, inputs, outputs" in text


def test_a_c_program_calls_the_library_and_the_object(tmp_path: Path) -> None:
    what = handmade.manifest(platform.machine())
    library = handmade.build(tmp_path / "model", what)
    for model in (library, library.with_suffix(".o")):
        program = c_program.build(
            tmp_path / model.suffix[1:], what, library.with_suffix(".h"), model,
            ("-target", f"{platform.machine()}-linux-gnu.2.28"),
        )  # fmt: skip
        inputs = handmade.inputs(3)
        got = c_program.run([str(program)], what, inputs, tmp_path / "io")
        for name, want in handmade.reference(inputs).items():
            np.testing.assert_array_equal(got[name], want)
            assert got[name].dtype == want.dtype
