"""What a sample holds of a file of kernel cases, and which of them are compiled."""

from __future__ import annotations

from itertools import product
from typing import Any

import kernel_cases
import pytest
from kernel_cases import asked_for, per_case
from sampling import Sample

CASES = {
    "same": "%y = add(%x, %x)",
    "again": "%y = add(%x, %z)",
    "other": "%y = mul(%x, %z)",
    "ternary": "input %x: ternary[N] %y = add(%x, %z)",
}
TARGETS = [("v2", "llvm"), ("v3", "llvm"), ("arm64", "llvm"), ("v3", "tvm"), ("arm64", "tvm")]


def kept(seed: int, targets: list[Any]) -> set[tuple[str, Any]]:
    every = [{"cases": target, "name": name} for name, target in product(CASES, targets)]
    sample = Sample(seed, complete=False).of(every, per_case(CASES), "file")
    assert len(sample) < len(every)
    return {(case["name"], case["cases"]) for case in sample}


@pytest.mark.parametrize("seed", range(5))
def test_each_case_and_each_kind(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(kernel_cases, "present", lambda target: True)
    sample = kept(seed, TARGETS)
    for backend in ("llvm", "tvm"):
        here = {name for name, (target, by) in sample if by == backend and target != "arm64"}
        assert here == set(CASES)
        names = {name for name, chosen in sample if chosen == ("arm64", backend)}
        assert len(names & {"same", "again"}) == 1
        assert names >= {"other", "ternary"}


def test_a_target_that_does_not_run_here_takes_no_case_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel_cases, "present", lambda target: target.name != "x86-64-v3")
    for seed in range(5):
        assert {name for name, target in kept(seed, ["v2", "v3"]) if target == "v2"} == set(CASES)


@pytest.fixture(params=["one", "two"])
def compiled(request: pytest.FixtureRequest) -> dict[str, str]:
    return asked_for(request, {"a": "1", "b": "2", "c": "3", "always": "4"}, "always")


@pytest.mark.parametrize("name", ["a", "c"])
def test_what_is_asked_for_is_compiled(compiled: dict[str, str], name: str) -> None:
    assert name in compiled
    assert "always" in compiled
    assert "b" not in compiled
