"""``i32 P_supported(i64 hwcap)``: whether a CPU has what an artifact's code needs; 1 yes, 0 no, -1
where that cannot be told.

A C program asks before it runs the model, which on a lesser CPU would end in SIGILL. So the
function itself is compiled for the machine's baseline. How a CPU is asked is in the files of `isa`.
"""

from __future__ import annotations

from string import Template

from ..targets import MACHINES, Target
from .isa import of_machine

_UNKNOWN = "define i32 @${P}supported(i64 %hwcap) $shown {\n  ret i32 -1\n}\n"


def support_function(target: Target, prefix: str) -> str:
    """The function as LLVM IR."""
    linux = "linux" in target.triple
    text = of_machine(target.machine).supported(target.features, linux) or _UNKNOWN
    base = MACHINES[target.machine].base if target.machine in MACHINES else target.base
    shown = f'nounwind noinline "target-cpu"="{base}" "target-features"=""'
    return Template(text).substitute(P=prefix, shown=shown)
