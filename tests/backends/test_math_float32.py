"""The float32 functions of the backends against float64, for every lane count and target."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from library_support import present
from llvmlite import binding, ir
from missing_instructions import runnable, with_functions

from bnnc.backends.codegen import math_float32 as functions
from bnnc.backends.targets import TARGETS, Target

binding.initialize_all_targets()
binding.initialize_all_asmprinters()

FUSED = {"exp": 0.92, "log": 0.81, "sigmoid": 2.45, "tanh": 5.27, "erf": 1.14}
"""Largest errors, in ulp, with fused multiply-adds."""
SEPARATE = {"exp": 0.83, "log": 0.81, "sigmoid": 2.45, "tanh": 5.8, "erf": 1.2}
"""And without."""
ROUNDING = ("floor", "ceil", "rint", "portable_floor", "portable_ceil", "portable_rint")
LANES = (1, 4, 5, 16)


def oracle(name: str, x: Any) -> Any:
    """The function in float64."""
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            e = np.exp(-np.abs(x))
            return np.where(x < 0, e, 1.0) / (1.0 + e)
        if name == "erf":
            return np.array([math.erf(v) for v in x])
        return getattr(np, name)(x)


class Emitter:
    """The least that the functions ask of a kernel under construction."""

    def __init__(self, module: ir.Module, builder: ir.IRBuilder, target: Target) -> None:
        self.module = module
        self.b = builder
        self.target = target

    def scaled(self, x: Any, power: Any) -> Any:
        """Call ``llvm.ldexp``."""
        many = isinstance(x.type, ir.VectorType)
        of = f"v{x.type.count}f32.v{x.type.count}i32" if many else "f32.i32"
        kind = ir.FunctionType(x.type, [x.type, power.type])
        function = self.module.declare_intrinsic(f"llvm.ldexp.{of}", fnty=kind)
        return self.b.call(function, [x, power])

    def overloaded(self, name: str, x: Any, *more: Any, flags: Sequence[str] = ()) -> Any:
        """Call ``llvm.<name>`` of floats, scalars or vectors."""
        of = f"v{x.type.count}f32" if isinstance(x.type, ir.VectorType) else "f32"
        kind = ir.FunctionType(x.type, [x.type, *(m.type for m in more)])
        function = self.module.declare_intrinsic(f"llvm.{name}.{of}", fnty=kind)
        return self.b.call(function, [x, *more], fastmath=flags)


def emit(module: ir.Module, name: str, lanes: int, its: Target) -> str:
    """A function that applies one of ours to an array of ``count`` vectors."""
    type_ = ir.FloatType() if lanes == 1 else ir.VectorType(ir.FloatType(), lanes)
    index = ir.IntType(64)
    pointer = ir.FloatType().as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, index])
    function = ir.Function(module, kind, f"{name}_{lanes}")
    source, target, count = function.args
    entry, loop, done = (function.append_basic_block(n) for n in ("entry", "loop", "done"))
    ir.IRBuilder(entry).branch(loop)
    builder = ir.IRBuilder(loop)
    i = builder.phi(index)
    i.add_incoming(ir.Constant(index, 0), entry)
    offset = builder.mul(i, ir.Constant(index, lanes))
    read, write = (
        builder.bitcast(builder.gep(p, [offset]), type_.as_pointer()) for p in (source, target)
    )
    call: Callable[..., Any] = getattr(functions, name.removeprefix("portable_"))
    how = [not name.startswith("portable_")] if name in ROUNDING else []
    x = builder.load(read, align=4)
    builder.store(call(Emitter(module, builder, its), x, *how), write, align=4)
    following = builder.add(i, ir.Constant(index, 1))
    i.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    ir.IRBuilder(done).ret_void()
    return function.name


def build(name: str, triple: str | None = None) -> tuple[Any, Any]:
    """All functions for one target of the table: (parsed module, target machine), optimized.

    Without a triple it is for this machine, with functions in place of what that lacks.
    """
    target = TARGETS[name]
    cpu = target.cpu if target.machine == "aarch64" else name
    module = ir.Module()
    for function in (*FUSED, *ROUNDING):
        for lanes in LANES:
            emit(module, function, lanes, target)
    text = str(module)
    if triple is None and (here := runnable(target)).features != target.features:
        text, cpu = with_functions(text, here), "x86-64-v3"
    parsed = binding.parse_assembly(text)
    parsed.verify()
    machine = binding.Target.from_triple(triple or binding.get_process_triple())
    code = machine.create_target_machine(
        cpu=cpu, opt=3, reloc="pic", codemodel="jitdefault" if triple is None else "small"
    )
    tuning = binding.create_pipeline_tuning_options(speed_level=2)
    passes = binding.create_pass_builder(code, tuning)
    passes.getModulePassManager().run(parsed, passes)
    return parsed, code


@pytest.fixture(scope="module", params=["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def level(request: pytest.FixtureRequest) -> str:
    """A target whose code this machine runs."""
    if not present(runnable(TARGETS[request.param])):
        pytest.skip(f"not executed here: this machine cannot run {request.param}")
    return request.param


@pytest.fixture(scope="module")
def compiled(level: str) -> Callable[[str, int, Any], Any]:
    """Runs a function by name and lane count on an array of a multiple of the lanes."""
    parsed, code = build(level)
    engine = binding.create_mcjit_compiler(parsed, code)
    engine.finalize_object()

    def run(name: str, lanes: int, x: Any) -> Any:
        out = np.empty_like(x)
        address = engine.get_function_address(f"{name}_{lanes}")
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        kind(address)(x.ctypes.data, out.ctypes.data, x.size // lanes)
        return out

    return run


def arguments(name: str, step: int) -> Any:
    """Every ``step``-th float32 of either sign, the interesting range of exponents more densely."""
    everything = np.arange(0, 1 << 32, step * 16, dtype=np.uint64).astype(np.uint32)
    dense = np.arange(0x3D000000, 0x43000000, step, dtype=np.uint32)
    special = np.array(
        [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, 1.5, 2.5, -2.5, 0.625, 2**-126, 1e-45,
         -1e-45, 3.4e38, -3.4e38, 88.72284, 88.7229, -87.33655, -103.97, -104.0, 8388609.0,
         4194304.5, 16777216.0, -0.3],
        np.float32,
    )  # fmt: skip
    x = np.concatenate([everything.view(np.float32), dense.view(np.float32), special])
    x = np.concatenate([x, -dense.view(np.float32)])
    return x[: x.size // 80 * 80]


def ulps(got: Any, exact: Any) -> Any:
    """Distance in units of the last place of the exact value; 0 for the same inf or NaN."""
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(np.abs(exact), 2.0**-126)))
        distance = np.abs(got.astype(np.float64) - exact) / 2.0 ** (exponent - 23)
        rounded = exact.astype(np.float32)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(np.isfinite(rounded), distance, np.where(same, 0, np.inf))


@pytest.mark.parametrize("name", FUSED)
def test_error_bound(compiled: Callable[[str, int, Any], Any], level: str, name: str) -> None:
    x = arguments(name, 20011 if name == "erf" else 701)
    got = compiled(name, 16, x)
    with np.errstate(invalid="ignore"):  # signalling NaN among the arguments
        error = ulps(got, oracle(name, x.astype(np.float64)))
    worst = int(np.argmax(error))
    bound = (FUSED if TARGETS[level].has.fma else SEPARATE)[name]
    assert error[worst] <= bound, f"{name}({x[worst]!r}) = {got[worst]!r}"


@pytest.mark.parametrize("name", ROUNDING)
def test_rounding_is_exact(compiled: Callable[[str, int, Any], Any], name: str) -> None:
    x = arguments(name, 5003)
    with np.errstate(invalid="ignore"):  # signalling NaN among the arguments
        expected = getattr(np, name.removeprefix("portable_"))(x)
    got = compiled(name, 16, x)
    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("name", [*FUSED, *ROUNDING])
def test_lane_counts_agree(compiled: Callable[[str, int, Any], Any], name: str) -> None:
    """A tail that is computed with fewer lanes has the bits of the full vector."""
    x = arguments(name, 200003)
    expected = compiled(name, 16, x)
    for lanes in LANES:
        assert np.array_equal(compiled(name, lanes, x), expected, equal_nan=True), lanes


@pytest.mark.parametrize("name", ["arm64", "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_no_library_calls(name: str) -> None:
    target = TARGETS[name]
    parsed, code = build(name, target.triple)
    assembly = code.emit_assembly(parsed)
    calls = [line for line in assembly.splitlines() if line.split()[:1] in (["callq"], ["bl"])]
    assert calls == []
    assert "@PLT" not in assembly
    for mnemonic in ("roundps",) if target.machine == "x86_64" else ("frintm", "frintp", "frintn"):
        assert mnemonic in assembly or name == "x86-64-v4"
    fused = [word for word in ("vfmadd", "fmla") if word in assembly]
    assert bool(fused) == target.has.fma
