"""Functions that come as LLVM IR of their own become part of the module that calls them."""

from __future__ import annotations

import re

import pytest

from bnnc.backends.codegen.llvm_pipeline import optimize
from bnnc.backends.targets import TARGETS


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_every_foreign_function_is_linked(count: int) -> None:
    """Whatever their number, as they are linked in pairs, and each with its own helper, which has
    the same name in all: inlined, they add the sum of their numbers."""
    foreign = {
        f"foreign.{n}": f"""
            define internal i64 @helper(i64 %x) {{
              %y = add i64 %x, {1 << n}
              ret i64 %y
            }}
            define void @foreign.{n}(ptr %p) {{
              %x = load i64, ptr %p
              %y = call i64 @helper(i64 %x)
              store i64 %y, ptr %p
              ret void
            }}
        """
        for n in range(count)
    }
    declared = "\n".join(f"declare void @{name}(ptr)" for name in foreign)
    calls = "\n".join(f"call void @{name}(ptr %p)" for name in foreign)
    text = f"{declared}\ndefine void @all(ptr %p) {{\n{calls}\nret void\n}}"
    module, _ = optimize(text, TARGETS["x86-64-v3"], foreign)
    assert [function.name for function in module.functions] == ["all"]
    assert re.findall(r" add \D*i64 %\S+, (\d+)", str(module)) == [str((1 << count) - 1)]
