"""Control flow that is decided at import."""

from __future__ import annotations

from ...errors import Limit
from ..importing.call import Call
from ..importing.scope import ImportedTensor
from ..registry import BOOL, CONTROL_FLOW, rule


@rule("If", types=BOOL, limits={Limit.SHAPE: "the condition"})
def if_(call: Call) -> tuple[ImportedTensor, ...]:
    """The branch that a constant condition takes; tests of shapes are constant."""
    condition = call.constant(0)
    if condition is None:
        name = call.node.input[0]
        text = f"the condition ('{name}') must be known at compile time: {CONTROL_FLOW}"
        call.refuse(text, Limit.SHAPE)
    if condition.size != 1:
        call.refuse(f"the condition must be one truth value, got {condition.size}")
    return call.branch("then_branch" if condition.item() else "else_branch")
