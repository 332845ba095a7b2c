"""Code for CPUs that have what this machine lacks: the same LLVM IR, with functions in place of the
instructions that are missing here.

Vectors that are too wide LLVM splits by itself. What such code computes says that a path is right,
and nothing of its speed; a warning names each path that was run so.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bnnc.backends.targets import MACHINES, Target, host_features

_TYPE = r"<(\d+) x ([a-z]+\d*)>"


class NotExecutedHereWarning(UserWarning):
    """A path ran without some of its instructions."""


@dataclass(frozen=True)
class _Function:
    """Instructions that a CPU has with one of some features (LLVM's names), by their function in
    LLVM IR; ``body`` writes IR for the types of its arguments and result."""

    pattern: str
    features: tuple[str, ...]
    body: Callable[[Sequence[str], str], list[str]]


def runnable(target: Target) -> Target:
    """The target without what this machine lacks and functions can stand for."""
    table = MACHINES[target.machine].features.values()
    soft = {row.llvm for row in table if re.match("avx512|avxvnni|gfni|amx", row.llvm)}
    here = {row.llvm for row in table if row.host in host_features()}
    return target.without(*sorted(soft - here))


def in_functions(lowered: Any, machine: Target) -> Any:
    """Lowered code for a machine that lacks some of its instructions."""
    foreign = {name: with_functions(text, machine) for name, text in lowered.foreign.items()}
    missing = ", ".join(sorted({*lowered.target.features} - {*machine.features}))
    warnings.warn(
        f"not executed here: {lowered.target.name} ran with functions in place of {missing}",
        NotExecutedHereWarning,
        stacklevel=2,
    )
    text = with_functions(lowered.text, machine)
    return replace(lowered, target=machine, text=text, foreign=foreign)


def with_functions(text: str, machine: Target) -> str:
    """LLVM IR in which functions stand for what a machine lacks; those that say for which features
    they are compiled (TVM's do) are for the machine's."""
    features = ",".join(f"+{name}" for name in machine.features)
    if "@llvm.x86.tile" in text.replace('"', "") and "amx-tile" not in machine.features:
        text += _MATRICES
    text = re.sub(r'"target-features"="\+[^"]*"', f'"target-features"="{features}"', text)
    for function in _FUNCTIONS:
        if any(feature in machine.features for feature in function.features):
            continue
        declared = rf'^declare (.*) @"?({function.pattern})"?\((.*)\).*\n'
        for found in re.finditer(declared, text, re.MULTILINE):
            result, name = found[1], found[2]
            arguments = re.findall(r"<\d+ x \w+>|\b(?:i8|i32|i64|ptr|float)\b", found[3])
            stand_in = "missing." + name.removeprefix("llvm.")
            named = ", ".join(f"{type_} %a{i}" for i, type_ in enumerate(arguments))
            body = "\n  ".join(function.body(arguments, result))
            text = text.replace(found[0], "")
            text = re.sub(rf'@"?{re.escape(name)}"?(?=\()', f"@{stand_in}", text)
            inline = "noinline" if result == "void" else "alwaysinline"
            text += f"\ndefine internal {result} @{stand_in}({named}) {inline} {{\n  {body}\n}}\n"
    return text


def _splat(name: str, type_: str, value: str) -> list[str]:
    """A number in each lane."""
    count, lane = re.findall(_TYPE, type_)[0]
    return [
        f"{name}.0 = insertelement {type_} zeroinitializer, {lane} {value}, i64 0",
        f"{name} = shufflevector {type_} {name}.0, {type_} {name}.0, {_choice([0] * int(count))}",
    ]


def _choice(lanes: Sequence[int]) -> str:
    """The mask of a shuffle."""
    return f"<{len(lanes)} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"


def _ternary_logic(types: Sequence[str], result: str) -> list[str]:
    """VPTERNLOG: the minterms that the table has."""
    ones = [f"%n{i} = xor {result} %a{i}, splat (i32 -1)" for i in range(3)]
    lines, before = ones, "zeroinitializer"
    for k in range(8):
        a, b, c = (f"%{'a' if k >> (2 - i) & 1 else 'n'}{i}" for i in range(3))
        lines += [
            f"%s{k} = lshr i32 %a3, {k}",
            f"%b{k} = and i32 %s{k}, 1",
            f"%m{k} = sub i32 0, %b{k}",
            *_splat(f"%t{k}", result, f"%m{k}"),
            f"%x{k} = and {result} {a}, {b}",
            f"%y{k} = and {result} %x{k}, {c}",
            f"%z{k} = and {result} %y{k}, %t{k}",
            f"%o{k} = or {result} {before}, %z{k}",
        ]
        before = f"%o{k}"
    return [*lines, f"ret {result} {before}"]


def _dot_bytes(types: Sequence[str], result: str) -> list[str]:
    """VPDPBUSD: unsigned bytes with signed ones."""
    count = int(re.findall(_TYPE, result)[0][0])
    octets, wide = f"<{4 * count} x i8>", f"<{4 * count} x i32>"
    lines = [
        f"%x = bitcast {types[1]} %a1 to {octets}",
        f"%w = bitcast {types[2]} %a2 to {octets}",
        f"%xx = zext {octets} %x to {wide}",
        f"%ww = sext {octets} %w to {wide}",
        f"%p = mul {wide} %xx, %ww",
    ]
    before = "%a0"
    for k in range(4):
        chosen = _choice(range(k, 4 * count, 4))
        lines.append(f"%q{k} = shufflevector {wide} %p, {wide} %p, {chosen}")
        lines.append(f"%s{k} = add {result} {before}, %q{k}")
        before = f"%s{k}"
    return [*lines, f"ret {result} {before}"]


def _lookup_floats(types: Sequence[str], result: str) -> list[str]:
    """VPERMPS: a lane's lowest bits number a float of the table."""
    count = int(re.findall(_TYPE, result)[0][0])
    lines, before = [*_splat("%m", types[1], str(count - 1)), f"%n = and {types[1]} %a1, %m"], "%a0"
    for k in range(count):
        lines += [
            f"%i{k} = extractelement {types[1]} %n, i64 {k}",
            f"%e{k} = extractelement {result} %a0, i32 %i{k}",
            f"%r{k} = insertelement {result} {before}, float %e{k}, i64 {k}",
        ]
        before = f"%r{k}"
    return [*lines, f"ret {result} {before}"]


def _scaled(types: Sequence[str], result: str) -> list[str]:
    """VSCALEFPS: through doubles, in which the product is exact."""
    ints, longs, doubles = (result.replace("float", kind) for kind in ("i32", "i64", "double"))
    suffix = types[1].strip("<>").replace(" x ", "")
    suffix = suffix if suffix == "i32" else f"v{suffix}"

    def each(kind: str, value: int) -> str:
        return f"splat ({kind} {value})" if "<" in result else str(value)

    return [
        f"%x = fpext {result} %a0 to {doubles}",
        f"%low = call {ints} @llvm.smax.{suffix}({ints} %a1, {ints} {each('i32', -1000)})",
        f"%n = call {ints} @llvm.smin.{suffix}({ints} %low, {ints} {each('i32', 1000)})",
        f"%l = sext {ints} %n to {longs}",
        f"%e = add {longs} %l, {each('i64', 1023)}",
        f"%b = shl {longs} %e, {each('i64', 52)}",
        f"%p = bitcast {longs} %b to {doubles}",
        f"%r = fmul {doubles} %x, %p",
        f"%y = fptrunc {doubles} %r to {result}",
        f"ret {result} %y",
    ]


def _in_parts(narrow: str) -> Callable[[Sequence[str], str], list[str]]:
    """An instruction on 512 bits as one on each 128 of them."""

    def body(types: Sequence[str], result: str) -> list[str]:
        (size, kind), (out, out_kind) = (re.findall(_TYPE, t)[0] for t in (types[0], result))
        each, out_each = int(size) // 4, int(out) // 4
        small, made = f"<{each} x {kind}>", f"<{out_each} x {out_kind}>"
        lines: list[str] = []
        for k in range(4):
            chosen = _choice(range(k * each, (k + 1) * each))
            for i in range(2):
                source = f"{types[i]} %a{i}"
                lines.append(f"%p{k}.{i} = shufflevector {source}, {source}, {chosen}")
            arguments = ", ".join(f"{small} %p{k}.{i}" for i in range(2))
            lines.append(f"%r{k} = call {made} @{narrow}({arguments})")
        both = f"<{2 * out_each} x {out_kind}>"
        for k, pair in enumerate(((0, 1), (2, 3))):
            first, second = (f"{made} %r{i}" for i in pair)
            chosen = _choice(range(2 * out_each))
            lines.append(f"%h{k} = shufflevector {first}, {second}, {chosen}")
        chosen = _choice(range(4 * out_each))
        lines.append(f"%all = shufflevector {both} %h0, {both} %h1, {chosen}")
        return [*lines, f"ret {result} %all"]

    return body


_REGISTERS = "[8 x [16 x <64 x i8>]]"
_MATRICES = f"\n@missing.matrices = internal global {_REGISTERS} zeroinitializer\n"
"""AMX's registers, in full: what they are configured to does not count."""


def _nothing(types: Sequence[str], result: str) -> list[str]:
    """LDTILECFG, TILERELEASE."""
    return ["ret void"]


def _row_of(name: str, register: str, row: str) -> list[str]:
    """The address of a row."""
    return [
        f"{name}.n = zext i8 {register} to i64",
        f"{name}.at = getelementptr {_REGISTERS}, ptr @missing.matrices, i64 0, i64 {name}.n",
        f"{name} = getelementptr <64 x i8>, ptr {name}.at, i64 {row}",
    ]


def _each_row(name: str, body: Sequence[str]) -> list[str]:
    """A loop over 16 rows."""
    return [
        f"br label %{name}.loop",
        f"{name}.loop:",
        f"%{name} = phi i64 [ 0, %{name}.before ], [ %{name}.next, %{name}.end ]",
        *body,
        f"br label %{name}.end",
        f"{name}.end:",
        f"%{name}.next = add i64 %{name}, 1",
        f"%{name}.more = icmp ult i64 %{name}.next, 16",
        f"br i1 %{name}.more, label %{name}.loop, label %{name}.done",
        f"{name}.done:",
    ]


def _moved(store: bool) -> Callable[[Sequence[str], str], list[str]]:
    """TILELOADD, TILESTORED."""

    def body(types: Sequence[str], result: str) -> list[str]:
        source, target = ("%row", "%at") if store else ("%at", "%row")
        move = [
            *_row_of("%row", "%a0", "%i"),
            "%distance = mul i64 %i, %a2",
            "%at = getelementptr i8, ptr %a1, i64 %distance",
            f"%line = load <64 x i8>, ptr {source}, align 1",
            f"store <64 x i8> %line, ptr {target}, align 1",
        ]
        return ["br label %i.before", "i.before:", *_each_row("i", move), "ret void"]

    return body


def _cleared(types: Sequence[str], result: str) -> list[str]:
    """TILEZERO."""
    clear = [*_row_of("%row", "%a0", "%i"), "store <64 x i8> zeroinitializer, ptr %row"]
    return ["br label %i.before", "i.before:", *_each_row("i", clear), "ret void"]


def _matrix_product(extension: str) -> Callable[[Sequence[str], str], list[str]]:
    """TDPBSSD, TDPBUSD: rows of the first times all of the second."""

    def body(types: Sequence[str], result: str) -> list[str]:
        quarters = [_choice(range(b, 64, 4)) for b in range(4)]
        sums = [
            f"%s{b} = shufflevector <64 x i32> %p, <64 x i32> %p, {quarters[b]}" for b in range(4)
        ]
        inner = [
            "%four.at = getelementptr i32, ptr %x, i64 %k",
            "%four = load i32, ptr %four.at",
            *_splat("%all", "<16 x i32>", "%four"),
            "%octets = bitcast <16 x i32> %all to <64 x i8>",
            f"%xx = {extension} <64 x i8> %octets to <64 x i32>",
            *_row_of("%w", "%a2", "%k"),
            "%line = load <64 x i8>, ptr %w",
            "%ww = sext <64 x i8> %line to <64 x i32>",
            "%p = mul <64 x i32> %xx, %ww",
            *sums,
            "%s01 = add <16 x i32> %s0, %s1",
            "%s23 = add <16 x i32> %s2, %s3",
            "%s = add <16 x i32> %s01, %s23",
            "%before = load <16 x i32>, ptr %total",
            "%after = add <16 x i32> %before, %s",
            "store <16 x i32> %after, ptr %total",
        ]
        outer = [
            *_row_of("%total", "%a0", "%i"),
            *_row_of("%x", "%a1", "%i"),
            "br label %k.before",
            "k.before:",
            *_each_row("k", inner),
        ]
        return ["br label %i.before", "i.before:", *_each_row("i", outer), "ret void"]

    return body


_WIDE = ("avx512bw",)
_TILES = ("amx-tile",)
_FUNCTIONS = (
    _Function(r"llvm\.x86\.ldtilecfg", _TILES, _nothing),
    _Function(r"llvm\.x86\.tilerelease", _TILES, _nothing),
    _Function(r"llvm\.x86\.tilezero", _TILES, _cleared),
    _Function(r"llvm\.x86\.tileloadd64", _TILES, _moved(store=False)),
    _Function(r"llvm\.x86\.tilestored64", _TILES, _moved(store=True)),
    _Function(r"llvm\.x86\.tdpbssd", ("amx-int8",), _matrix_product("sext")),
    _Function(r"llvm\.x86\.tdpbusd", ("amx-int8",), _matrix_product("zext")),
    _Function(r"llvm\.x86\.avx512\.pternlog\.d\.\d+", ("avx512f",), _ternary_logic),
    _Function(r"llvm\.x86\.avx512\.vpdpbusd\.512", ("avx512vnni",), _dot_bytes),
    _Function(r"llvm\.x86\.avx512\.vpdpbusd\.\d+", ("avx512vnni", "avxvnni"), _dot_bytes),
    _Function(r"llvm\.x86\.avx512\.permvar\.sf\.512", ("avx512f",), _lookup_floats),
    _Function(r"llvm\.ldexp\.(?:v\d+)?f32\.(?:v\d+)?i32", ("avx512f",), _scaled),
    _Function(r"llvm\.x86\.avx512\.pshuf\.b\.512", _WIDE, _in_parts("llvm.x86.ssse3.pshuf.b.128")),
    _Function(
        r"llvm\.x86\.avx512\.pmaddubs\.w\.512",
        _WIDE,
        _in_parts("llvm.x86.ssse3.pmadd.ub.sw.128"),
    ),
    _Function(r"llvm\.x86\.avx512\.pmaddw\.d\.512", _WIDE, _in_parts("llvm.x86.sse2.pmadd.wd")),
)
