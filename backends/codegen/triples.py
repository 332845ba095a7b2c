"""Targets named TRIPLE:CPU, for any CPU that LLVM knows.

What the CPU can do is read off the assembly that LLVM emits for a few probes, in a process of its
own: LLVM warns on stderr of a CPU that it does not know, and ends the process where CPU and triple
contradict each other.
"""

from __future__ import annotations

import re
import subprocess
import sys

from ...errors import TargetError
from ..targets import MACHINES, TARGETS, Target
from .isa import of_machine

_TIMEOUT = 60.0
_SEEN = "## all instructions seen"
_PROBE = """
import sys
import llvmlite.binding as llvm

triple, cpu, text, more = sys.argv[1:]
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
try:
    registered = llvm.Target.from_triple(triple)
except RuntimeError:
    sys.exit(3)
machine = registered.create_target_machine(cpu=cpu, opt=2, reloc="pic", codemodel="small")
print(llvm.get_object_format(triple))
print(machine.target_data)
for part in (text, more):
    module = llvm.parse_assembly(part)
    module.triple = triple
    print(machine.emit_assembly(module))
    print(SEEN, flush=True)
""".replace("SEEN", repr(_SEEN))
_THREE = "(<4 x float> %a, <4 x float> %a, <4 x float> %a)"
_FUNCTIONS = {
    "count": ("i64", "i64 @llvm.ctpop.i64(i64 %a)"),
    "round": ("<4 x float>", "<4 x float> @llvm.roundeven.v4f32(<4 x float> %a)"),
    "multiply_add": ("<4 x float>", "<4 x float> @llvm.fma.v4f32" + _THREE),
    "dwords": ("<16 x i32>", "<16 x i32> @llvm.ctpop.v16i32(<16 x i32> %a)"),
    "bytes": ("<64 x i8>", "<64 x i8> @llvm.ctpop.v64i8(<64 x i8> %a)"),
    "matrix": ("<64 x i8>", "<64 x i8> @llvm.bitreverse.v64i8(<64 x i8> %a)"),
}  # fmt: skip
_MORE = """
define <8 x i32> @double_width(<8 x i32> %a) {
  %r = add <8 x i32> %a, %a
  ret <8 x i32> %r
}
define <64 x i8> @fourfold_width(<64 x i8> %a) {
  %r = add <64 x i8> %a, %a
  ret <64 x i8> %r
}
define <4 x i64> @products(<4 x i64> %a, <4 x i64> %b) {
  %r = mul <4 x i64> %a, %b
  ret <4 x i64> %r
}
define <8 x float> @halves(<8 x half> %a) {
  %r = fpext <8 x half> %a to <8 x float>
  ret <8 x float> %r
}
define i32 @dot(<16 x i8> %a, <16 x i8> %b) {
  %x = zext <16 x i8> %a to <16 x i32>
  %y = zext <16 x i8> %b to <16 x i32>
  %p = mul <16 x i32> %x, %y
  %r = call i32 @llvm.vector.reduce.add.v16i32(<16 x i32> %p)
  ret i32 %r
}
define i32 @signed(<64 x i8> %a, <64 x i8> %b) {
  %x = zext <64 x i8> %a to <64 x i32>
  %y = sext <64 x i8> %b to <64 x i32>
  %p = mul <64 x i32> %x, %y
  %r = call i32 @llvm.vector.reduce.add.v64i32(<64 x i32> %p)
  ret i32 %r
}
define <16 x i32> @funnel(<16 x i32> %a, <16 x i32> %b) {
  %r = call <16 x i32> @llvm.fshl.v16i32(<16 x i32> %a, <16 x i32> %b, <16 x i32> %b)
  ret <16 x i32> %r
}
define <64 x i8> @permute(<64 x i8> %a) {
  %r = shufflevector <64 x i8> %a, <64 x i8> %a, <64 x i32> PERMUTATION
  ret <64 x i8> %r
}
declare <16 x i32> @llvm.fshl.v16i32(<16 x i32>, <16 x i32>, <16 x i32>)
declare i32 @llvm.vector.reduce.add.v16i32(<16 x i32>)
declare i32 @llvm.vector.reduce.add.v64i32(<64 x i32>)
"""


def resolve(name: str) -> Target:
    """The target of a name TRIPLE:CPU.

    Raises TargetError for triples and CPUs that LLVM does not know, and for machines that are not
    64-bit, little-endian and ELF.
    """
    triple, _, cpu = name.rpartition(":")
    if not triple or not cpu:
        known = ", ".join(TARGETS)
        raise TargetError(f"target '{name}': expected TRIPLE:CPU, or one of {known}")
    form, layout, assembly = _probe(name, triple, cpu)
    if form != "ELF" or not layout.startswith("e") or re.search(r"-p:(?!64)", layout):
        raise TargetError(f"target '{name}': only 64-bit little-endian ELF targets are supported")
    machine = triple.split("-", 1)[0]
    base = MACHINES[machine].base if machine in MACHINES else cpu
    features: list[str] = []
    for pattern, names in of_machine(machine).signs:
        if re.search(pattern, assembly):
            features.extend(names)
    nearest = next((t for t in TARGETS.values() if t.machine == machine), TARGETS["arm64"])
    return Target(name, triple, cpu, tuple(features), base, nearest.l1, nearest.l2)


def _probe(name: str, triple: str, cpu: str) -> tuple[str, str, str]:
    """Object format, data layout and the probes' assembly; that of the machine's own probe is
    missing where LLVM cannot write it."""
    own = of_machine(triple.split("-", 1)[0]).probe
    command = [sys.executable, "-c", _PROBE, triple, cpu, _module(), own]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(f"target '{name}': cannot ask LLVM: {error}") from error
    if done.returncode == 3:
        raise TargetError(f"target '{name}': LLVM does not know the triple {triple}")
    ended = done.returncode and _SEEN not in done.stdout
    if ended or "is not a recognized processor" in done.stderr:
        raise TargetError(f"target '{name}': LLVM does not know the CPU {cpu} for {triple}")
    form, layout, assembly = done.stdout.split("\n", 2)
    return form, layout, assembly


def _module() -> str:
    """LLVM IR of the probes."""
    lines: list[str] = []
    for name, (type_, call) in _FUNCTIONS.items():
        lines.append(f'define {type_} @"{name}"({type_} %a) {{')
        lines.append(f"  %r = call {call}\n  ret {type_} %r\n}}")
        head, _, arguments = call.partition("(")
        types = ", ".join(part.rsplit(" ", 1)[0] for part in arguments[:-1].split(", "))
        lines.append(f"declare {head}({types})")
    permutation = ", ".join(f"i32 {37 * i % 64}" for i in range(64))
    return "\n".join(lines) + _MORE.replace("PERMUTATION", f"<{permutation}>")
