"""The page of predicted cycles on Arm: what it counts, and what it says when a tool is missing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bnnc.errors import InputError
from bnnc.tools.benchmarks import arm_cycles, executed_code
from bnnc.tools.benchmarks.executed_code import Run


def test_the_plain_loop_is_the_mix_that_the_page_names() -> None:
    run, products = arm_cycles.plain_loop()
    mix = Counter(line.split()[0] for line in run.instructions)
    assert [mix[name] for name in ("eor", "cnt", "addp", "uadalp")] == [32, 32, 28, 4]
    assert mix["ldr"] + 2 * mix["ld1"] == 12
    assert products == 4096
    counted = [line for line in run.instructions if line.startswith("uadalp")]
    assert len(set(counted)) == 4


@pytest.mark.parametrize("missing", ["llvm-mca", "qemu-aarch64"])
def test_a_missing_tool_is_one_line(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    executed_code.tool.cache_clear()
    monkeypatch.setattr(
        executed_code.shutil, "which", lambda name: None if name.startswith(missing) else name
    )
    assert arm_cycles.main([]) == 2
    shown = capsys.readouterr()
    assert re.fullmatch(rf"\S*.*{missing}.* is not installed: apt-get install .*\n", shown.err)
    assert not shown.out
    executed_code.tool.cache_clear()


def test_runs_end_at_jumps_and_where_the_count_changes() -> None:
    texts = ["add x0, x0, #1", "subs x1, x1, #1", "b.ne 0x1000 <f>", "mov x2, x3", "ret"]
    listing = {0x1000 + 4 * i: text for i, text in enumerate(texts)}
    counts = Counter({0x1000: 9, 0x1004: 9, 0x1008: 9, 0x100C: 1, 0x1010: 1})
    runs = executed_code._runs(listing, counts)
    assert runs == [Run(tuple(texts[:3]), 9), Run(tuple(texts[3:]), 1)]
    counts[0x1004] = 8
    assert [run.times for run in executed_code._runs(listing, counts)] == [9, 8, 9, 1]


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ("b.ne\t0x1024 <fused.1+0x40>", "b.ne\t#0"),
        ("tbz\tw8, #0x1, 0x1024 <f>", "tbz\tw8, #0x1, #0"),
        ("adrp\tx8, 0x1023000 <f>", "adr\tx8, #0"),
        ("add\tx8, x8, #0x40", "add\tx8, x8, #0x40"),
        ("mov\tw9, #0x7800              // =30720", "mov\tw9, #0x7800"),
    ],
)
def test_listed_instructions_are_assembled_again(listed: str, read: str) -> None:
    assert executed_code._assembled(listed) == read


def test_a_core_that_the_model_does_not_know_is_refused() -> None:
    try:
        executed_code.tool("llvm-mca")
    except InputError as error:
        pytest.skip(f"not executed here: {error}")
    loop, _ = arm_cycles.plain_loop()
    assert executed_code.cycles([loop, loop], "neoverse-n1") > 80
    with pytest.raises(InputError, match=r"llvm-mca neoverse-n1: .*unrecognized"):
        executed_code.cycles([Run(("nonsense x0",), 1)], "neoverse-n1")


def test_the_page_is_of_this_tool() -> None:
    text = Path("docs/arm.md").read_text("utf-8")
    head, _, tail = arm_cycles.PAGE.format(target=arm_cycles.TARGET, rows="\0").partition("\0")
    assert text.startswith(head)
    assert text.endswith(tail)
    rows = re.findall(r"^\| (\S+, \dx\d) \|", text, re.MULTILINE)
    assert rows == [shape.name for shape, _ in arm_cycles.CASES]
