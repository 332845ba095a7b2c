"""A scheduled PrimFunc as LLVM IR: a plain function over addresses and a range of tasks.

The tasks of a kernel are the iterations of its parallel loop, over one sample. TVM's own entry
points, with packed arguments and checks, are left out: `codegen` has the C ABI.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import tvm
from tvm import s_tir
from tvm.ir import PointerType

from ...errors import BackendError
from ...ir import aligned
from ..codegen.kernel_builder import STACK_SCRATCH, Foreign
from ..targets import Target
from .tir import tirx

_NAME = "kernel"
"""What the function is called until its text is known."""
_ELEMENT_BYTES = {"i8": 1, "i16": 2, "half": 2, "i32": 4, "float": 4, "i64": 8, "double": 8}


@dataclass(frozen=True)
class TensorFunction:
    """``void name(ptr .., i64 first, i64 last, ptr scratch)`` of a kernel, how many tasks it has,
    and the bytes of its scratch."""

    foreign: Foreign
    tasks: int
    scratch: int


@cache
def tvm_target(target: Target) -> Any:
    """A target as TVM names it. LLVM optimizes the text with the rest of the module, and only then:
    TVM has it make vectors of scalars, on which LLVM 22 asserts."""
    return tvm.target.Target(
        {
            "kind": "llvm",
            "mtriple": target.triple,
            "mcpu": target.base,
            "mattr": [f"+{name}" for name in target.features],
            "opt-level": 0,
        }
    )


def _passes() -> list[Any]:
    """From schedulable blocks to loops over flat buffers, without TVM's calling convention."""
    s, t = s_tir.transform, tirx.transform
    return [
        s.CanonicalizeLoop(),
        s.LowerInitBlock(),
        s.PlanAndUpdateBufferAllocationLocation(),
        s.ConvertBlocksToOpaque(),
        s.CompactBufferAllocation(),
        s.LowerMatchBuffer(),
        s.StmtSimplify(),
        s.LowerOpaqueBlock(),
        t.FlattenBuffer(),
        s.LoopPartition(),
        t.VectorizeLoop(True),
        s.HoistIfThenElse(),
        t.UnrollLoop(),
        s.RenormalizeSplitPattern(),
        t.StmtSimplify(),
        t.RemoveNoOp(),
        t.LowerIntrin(),
    ]


_OWN = re.compile(r"^define internal [^\n@]*(@[\w.]+)\(.*?^}\n", re.MULTILINE | re.DOTALL)
"""A function that only its text can call."""


def function_of(module: Any, target: Target) -> TensorFunction:
    """The text of a scheduled module's ``main``."""
    bound = tirx.transform.BindTarget(tvm_target(target).with_host(tvm_target(target)))
    lowered = tvm.ir.transform.Sequential(_passes())(bound(module))["main"]
    plain, tasks = _ranged(lowered)
    named = tvm.IRModule({_NAME: plain.with_attr("global_symbol", _NAME)})
    built = tvm.get_global_func("target.build.llvm")(named, tvm_target(target))
    text, scratch = _with_scratch(_stripped(built.inspect_source("ll")))
    name = f"tvm.{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    return TensorFunction(Foreign(name, text.replace(f"@{_NAME}(", f"@{name}(")), tasks, scratch)


def _ranged(function: Any) -> tuple[Any, int]:
    """Buffers become addresses, the parallel loop a serial one over ``first`` .. ``last``; one of a
    single iteration is gone already."""
    addresses = [tirx.Var(p.name, PointerType(p.ty.dtype)) for p in function.params]
    first, last = tirx.Var("first", "int64"), tirx.Var("last", "int64")
    scratch = tirx.Var("scratch", PointerType(tvm.ir.PrimType("uint8")))
    body: list[Any] = [
        tirx.DeclBuffer(p, data=a) for p, a in zip(function.params, addresses, strict=True)
    ]
    extents: list[int] = []

    def rebuilt(statement: Any) -> Any:
        if isinstance(statement, tirx.AttrStmt):
            inner = rebuilt(statement.body)
            return tirx.AttrStmt(statement.node, statement.attr_key, statement.value, inner)
        if isinstance(statement, tirx.For) and statement.kind == tirx.ForKind.PARALLEL:
            extents.append(int(statement.extent))
            kind = statement.loop_var.ty.dtype
            low, count = first.astype(kind), (last - first).astype(kind)
            serial = tirx.ForKind.SERIAL
            return tirx.For(statement.loop_var, low, count, serial, statement.body)
        return statement

    statements = function.body
    body += [
        rebuilt(s)
        for s in (statements.seq if isinstance(statements, tirx.SeqStmt) else [statements])
    ]
    if len(extents) > 1:
        raise BackendError(f"internal: a schedule with {len(extents)} parallel loops outside")
    params = [*addresses, first, last, scratch]
    ranged = tirx.PrimFunc(params, tirx.SeqStmt(body), attrs=function.attrs)
    return ranged, extents[0] if extents else 1


def _stripped(text: str) -> str:
    """Without debug information, module flags, export attributes and lists of constructors;
    functions of TVM's own, and what schedules bring along, belong only to this text, which keeps
    those that it calls. Without TBAA, too, which takes each buffer for memory of its own and names
    it by an address of this process: a result may lie where an operand does."""
    text = "\n".join(
        line
        for line in text.splitlines()
        if "#dbg_" not in line
        and not line.startswith(("@llvm.global_ctors", "!llvm.dbg", "!llvm.module.flags"))
    )
    text = text.replace("dllexport ", "").replace(" weak ", " internal ")
    text = re.sub(r",? !(dbg|tbaa) !\d+", "", text)
    text = re.sub(r"(?<= = (add|sub|mul|shl)) n[su]w(?= (<\d+ x )?i64)", "", text)
    text = re.sub(r'(?<=!")0x[0-9a-f]+', "buffer", text)
    return _OWN.sub(lambda own: own[0] if text.count(f"{own[1]}(") > 1 else "", text)


def _with_scratch(text: str) -> tuple[str, int]:
    """With what TVM puts on the stack in ``scratch``, unless it is small, and the bytes of that."""
    used = 0

    def placed(allocation: re.Match[str]) -> str:
        nonlocal used
        name, element, count = allocation.groups()
        size = int(count) * _ELEMENT_BYTES[element]
        if size <= STACK_SCRATCH:
            return allocation[0]
        start = used
        used += aligned(size)
        return f"{name} = getelementptr i8, ptr %scratch, i64 {start}"

    text = re.sub(r"(%\S+) = alloca (\w+), i64 (\d+), align \d+", placed, text)
    return text.replace("ptr %scratch)", "ptr noalias %scratch)"), used
