"""What is read out of emitted code for its goldens."""

from __future__ import annotations

import pytest
from emitted_code import hot_block, hot_loop, interface, loop_facts, outline

ASSEMBLY = """
.LBB0_1:
	vpopcntd	%zmm0, %zmm1
	jne	.LBB0_9
.LBB0_2:
	vmovups	64(%rsp), %zmm3
	vpxord	%zmm0, %zmm1, %zmm2
	vpternlogd	$150, %zmm0, %zmm1, %zmm2
	vpopcntd	%zmm2, %zmm2
	vpopcntd	%zmm3, %zmm3
	addq	$2, %rax
	jb	.LBB0_2
	vpopcntd	%zmm2, %zmm2
	vpopcntd	%zmm2, %zmm2
	vpopcntd	%zmm2, %zmm2
"""
MODULE = """
define internal void @"fused.1"(ptr noalias %".1", i64 %".2") nounwind "tune-cpu"="haswell" noinline
{
  %".3" = load <8 x i32>, ptr %".1", align 4
  %".4" = add nsw <8 x i32> %".3", %".3"
  %".5" = add <8 x i32> %".4", %".4"
  %".6" = add i64 %".2", 1
  call void @"tvm.83f1927f6650749c3e03"(ptr %".1")
}
declare <8 x i32> @llvm.ctpop.v8i32(<8 x i32>) #1
define void @tvm.05ff1cf7367b470f2767(ptr %a0) #0 {
}
define internal half @__truncsfhf2(float %a0) #2 {
}
@"constants" = internal constant [2 x i8] zeroinitializer, align 64
"""


def test_a_loop_ends_where_it_jumps_back() -> None:
    loop = hot_loop(ASSEMBLY)
    assert loop.count("vpopcntd") == 2
    assert loop_facts(loop) == (
        "counting: vpopcntd 2\nlogic: 2 of ternary logic, xor\non the stack: at most 1\n"
    )


def test_a_block_ends_at_a_branch_or_a_label() -> None:
    assert hot_block(ASSEMBLY, "vpopcntd").count("vpopcntd") == 3
    assert "addq" in hot_block(ASSEMBLY, "vpternlogd")


@pytest.mark.parametrize(
    ("spills", "bound"),
    [(0, "nothing"), (1, "at most 1"), (2, "at most 2"), (5, "at most 8"), (8, "at most 8")],
)
def test_spills_have_a_bound(spills: int, bound: str) -> None:
    block = "\tstr\tq0, [sp, #16]\n" * spills + "\tcnt\tv0.16b, v0.16b\n\tmov\tx0, x1\n"
    facts = loop_facts(block).splitlines()
    assert facts == ["counting: cnt 1", "logic: 0 of ", f"on the stack: {bound}"]


def test_an_outline_counts_vectors_and_calls() -> None:
    assert outline(MODULE).splitlines() == [
        'define internal void fused.1(ptr noalias, i64) "tune-cpu"="haswell" noinline',
        "  2 add <8 x i32>",
        "  1 call tvm.#",
        "  1 load <8 x i32>",
        "define void tvm.#(ptr)",
        "define internal half __truncsfhf2(float)",
        "constants = internal constant [2 x i8] zeroinitializer, align 64",
    ]


def test_an_interface_has_no_helpers_of_its_compiler() -> None:
    assert interface(MODULE) == "declare llvm.ctpop.v8i32\ndefine tvm.#\n"
