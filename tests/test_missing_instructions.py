"""The functions that stand for instructions; those of `isa` are run in
backends/test_instruction_sets.py."""

from __future__ import annotations

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from missing_instructions import NotExecutedHereWarning, in_functions, runnable, with_functions

from bnnc.backends.codegen.llvm_pipeline import machine_for
from bnnc.backends.codegen.module import LoweredModule
from bnnc.backends.targets import MACHINES, TARGETS, host_features, host_machine, native

PLAIN = native().without("avx512f")


@pytest.mark.parametrize("lanes", [1, 4])
def test_floats_times_powers_of_two_are_rounded_once(lanes: int) -> None:
    kinds = ("float", "i32") if lanes == 1 else (f"<{lanes} x float>", f"<{lanes} x i32>")
    suffix = "f32.i32" if lanes == 1 else f"v{lanes}f32.v{lanes}i32"
    text = f"""
declare {kinds[0]} @llvm.ldexp.{suffix}({kinds[0]}, {kinds[1]})
define void @run(ptr %x, ptr %n) {{
  %a = load {kinds[0]}, ptr %x, align 4
  %b = load {kinds[1]}, ptr %n, align 4
  %y = call {kinds[0]} @llvm.ldexp.{suffix}({kinds[0]} %a, {kinds[1]} %b)
  store {kinds[0]} %y, ptr %x, align 4
  ret void
}}
"""
    replaced = with_functions(text, PLAIN)
    assert "llvm.ldexp" not in replaced
    largest, denormal = np.finfo(np.float32).max, np.float32(1e-45)
    floats = [1.5, -largest, denormal, -0.0, np.inf, np.nan, 1.0000001, 16777215.0]
    powers = [-150, -149, -126, -1, 0, 1, 127, 128, 300, 2**31 - 1, -(2**31)]
    pairs = [(x, n) for x in floats for n in powers]
    x, n = np.array(pairs, np.float32)[:, 0], np.array([n for _, n in pairs], np.int32)
    with np.errstate(over="ignore"):
        expected = np.ldexp(x, np.clip(n, -1000, 1000))
    got = x.copy()
    module = llvm.parse_assembly(replaced)
    with llvm.create_mcjit_compiler(module, machine_for(PLAIN)) as engine:
        engine.finalize_object()
        run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(
            engine.get_function_address("run")
        )
        for at in range(0, len(x), lanes):
            run(got[at:].ctypes.data, n[at:].ctypes.data)
    np.testing.assert_array_equal(got, expected)


def test_what_is_missing_is_named() -> None:
    target = TARGETS["znver5"]
    lowered = LoweredModule(target, "", {}, None, None, ())  # type: ignore[arg-type]
    with pytest.warns(NotExecutedHereWarning, match="znver5 ran with functions in place of .*vnni"):
        plain = in_functions(lowered, TARGETS["x86-64-v3"])
    assert plain.target is TARGETS["x86-64-v3"]


def test_only_what_this_machine_lacks_is_taken_away() -> None:
    for target in TARGETS.values():
        lacking = set(target.features) - set(runnable(target).features)
        table = MACHINES[target.machine].features
        if target.machine == host_machine():
            assert not {table[name].host for name in lacking} & host_features()
        assert all(name.startswith(("avx512", "avxvnni", "gfni", "amx")) for name in lacking)


def test_functions_for_features_get_the_machine_s() -> None:
    text = 'attributes #0 = { "target-features"="+avx512f,+avx2" }\n'
    assert with_functions(text, TARGETS["x86-64-v3"].without("avx")) == (
        'attributes #0 = { "target-features"="'
        + ",".join(f"+{name}" for name in TARGETS["x86-64-v3"].without("avx").features)
        + '" }\n'
    )
    empty = 'attributes #0 = { "target-features"="" }\n'
    assert with_functions(empty, TARGETS["x86-64-v3"]) == empty
