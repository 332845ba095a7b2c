"""`P_supported` as arm64 code, asked with what the kernel says of the processor (AT_HWCAP)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import handmade
import pytest
from arm64 import sysroot

from bnnc.backends.codegen.cpu_support import support_function
from bnnc.backends.codegen.llvm_pipeline import optimize
from bnnc.backends.targets import TARGETS

NAMES = ("arm64", "cortex-a53", "cortex-a76")
"""The last one's code needs dot products and atomics."""
MAIN = """
#include <stdio.h>
#include <sys/auxv.h>
int t0_supported(unsigned long long), t1_supported(unsigned long long);
int t2_supported(unsigned long long);
int main(void) {
  unsigned long long bits = getauxval(AT_HWCAP);
  printf("%d %d %d", t0_supported(bits), t1_supported(bits), t2_supported(bits));
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prints what the function of each target says."""
    sysroot.require_emulator()
    folder = tmp_path_factory.mktemp("supported")
    text = "\n".join(support_function(TARGETS[name], f"t{i}_") for i, name in enumerate(NAMES))
    module, machine = optimize(text, TARGETS["arm64"], {})
    (folder / "supported.o").write_bytes(machine.emit_object(module))
    (folder / "main.c").write_text(MAIN)
    handmade.run(
        *handmade.ZIG, "cc", *sysroot.STATIC, "-O1", folder / "main.c", folder / "supported.o",
        "-o", folder / "program",
    )  # fmt: skip
    return folder / "program"


@pytest.mark.parametrize(
    ("cpu", "says"),
    [("cortex-a53", "1 1 0"), ("cortex-a72", "1 1 0"), ("neoverse-n1", "1 1 1"), ("max", "1 1 1")],
)
def test_each_target_on_a_processor(program: Path, cpu: str, says: str) -> None:
    command = ["qemu-aarch64", "-cpu", cpu, program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == says
