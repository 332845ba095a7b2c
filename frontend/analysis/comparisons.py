"""Masks as comparisons: which of two values is above the other, wherever the mask is true."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import BOOL, F32, Node, Value
from ...ir.ops import Cast, Less, LessEqual, Not, Sign, Sub
from .patterns import Replacement, View


@dataclass(frozen=True)
class Comparison:
    """True where ``upper`` > ``lower``, or >= unless ``strict``. ``node`` makes the mask."""

    upper: Value
    lower: Value
    strict: bool
    node: Node

    def complement(self) -> Comparison:
        """True exactly where this one is false (NaN aside)."""
        return Comparison(self.lower, self.upper, not self.strict, self.node)

    def against_zero(self, view: View) -> tuple[Value, bool] | None:
        """(x, True) for x above zero, (x, False) for x below it, None for another threshold."""
        if view.number(self.lower) == 0:
            return self.upper, True
        return (self.lower, False) if view.number(self.upper) == 0 else None


def comparison_of(view: View, mask: Value) -> Comparison | None:
    """The comparison of float32 values that a mask comes from, directly or through negations."""
    inverted = False
    negation = view.made_by(mask, Not)
    while negation is not None:
        mask, inverted = negation.x, not inverted
        negation = view.made_by(mask, Not)
    less = view.made_by(mask, Less) or view.made_by(mask, LessEqual)
    if less is None or less.a.element != F32:
        return None
    comparison = Comparison(less.b, less.a, isinstance(less, Less), view.node(mask))
    return comparison.complement() if inverted else comparison


def mask_of(view: View, value: Value) -> Value | None:
    """The mask that a float32 value of zeros and ones was cast from."""
    cast = view.made_by(value, Cast)
    return cast.x if cast is not None and cast.x.element == BOOL and cast.to == F32 else None


def choice(view: View, mask: Value, positive: bool, node: Node) -> Replacement | None:
    """+1 where the mask is true and -1 elsewhere, or the reverse, as a sign.

    x >= t exactly where x - t >= 0: the difference of finite numbers is zero only for equal ones.
    """
    comparison = comparison_of(view, mask)
    if comparison is None:
        return None
    if not positive:
        comparison = comparison.complement()
    at_zero = -1 if comparison.strict else 1
    if view.number(comparison.lower) == 0:
        x = comparison.upper
    elif comparison.node.result.type.shape == node.result.type.shape:
        hint = f"{node.result.name}.shifted"
        x = view.add(Sub(comparison.upper, comparison.lower), hint, comparison.node.origin)
    else:
        return None
    return Replacement(Sign(x, at_zero), (comparison.node,))
