"""Every operator of the IR has code, or is one of those that a scheduled graph cannot hold."""

from __future__ import annotations

import pytest
from under_test import BACKENDS

from bnnc.backends.codegen import elementwise_emitters
from bnnc.backends.targets import TARGETS
from bnnc.driver import load_backend
from bnnc.ir import F16, F32, F64, Op, TensorType, Value, ops
from bnnc.ir.traits import Trait

GONE = {ops.BatchNorm, ops.Const, ops.Fused}
"""Folded by the passes; constants and the container of regions are no computation."""


@pytest.mark.parametrize("name", sorted(Op.REGISTRY))
def test_each_operator_has_a_kernel_or_an_emitter(backend: str, name: str) -> None:
    kind = Op.REGISTRY[name]
    kernels = [k for k in load_backend(backend).kernels if k.operator is kind]
    if Trait.ELEMENTWISE in kind.traits:
        assert kind in elementwise_emitters.EMITTERS
    elif kind not in GONE:
        assert kernels, f"no kernel computes {name}"


@pytest.mark.tvm
def test_descriptors_have_names_of_their_own() -> None:
    """Also among the kernels of all backends."""
    names = [k.name for backend in BACKENDS for k in load_backend(backend).kernels]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("op", "target", "reason"),
    [
        (ops.Exp(Value("x", TensorType((3,), F64))), "x86-64-v3", "exp has no f64 code"),
        (ops.Neg(Value("x", TensorType((3,), F16))), "arm64", "does not compute in f16"),
        (ops.Cast(Value("x", TensorType((3,), F64)), F16), "arm64", "does not round to f16"),
        (ops.Exp(Value("x", TensorType((3,), F32))), "x86-64-v2", None),
    ],
)
def test_refusals_say_why(op: Op, target: str, reason: str | None) -> None:
    said = elementwise_emitters.refusal(op, TARGETS[target])
    assert said is None if reason is None else reason in (said or "")
