"""What kind of function an operator is: the facts that passes, analyses and tests ask for.

Each operator states its traits (`Op.traits`), and what it does not state does not hold; a test
demands the statement and checks it against the operator's reference. Whoever needs a kind of
operator asks for its trait, so that a new operator joins by what it states, not by being added to
lists. Every operator is pure: equal operands give equal results, and nothing else happens.
"""

from __future__ import annotations

from enum import Flag, auto


class Trait(Flag):
    """Facts about an operator; they hold for numbers (not-a-number aside)."""

    ELEMENTWISE = auto()
    """Each result element depends on the (broadcast) operand elements at its own position."""
    MOVES = auto()
    """Result elements are elements of `Op.sources` (or a border's value), at places that do not
    depend on them."""
    AXISWISE = auto()
    """Moves along each axis by itself: result axes are the operand's axes."""
    SELECTS = auto()
    """Result elements are elements of `Op.sources`, picked by comparing them or by a condition."""
    WINDOW = auto()
    """Slides a window over the axes after the second."""
    REDUCES = auto()
    """Makes one element of all those along some axes."""
    PRODUCT = auto()
    """Multiplies an operand ``x`` by weights ``w`` and sums along the other axes of ``w``."""
    SUMS = auto()
    """Adds up `Op.terms` products or elements."""
    MULTIPLIES = auto()
    """Sums products or quotients of operands: an infinite one makes not-a-number of a zero."""
    AFFINE = auto()
    """Affine in each operand while the others are constant (a quotient in its dividend)."""
    COMMUTES = auto()
    """The two operands may change places, in every bit of a number."""
    RISES = auto()
    """Never falls in any operand, rounding included (that of `APPROXIMATED` ones aside)."""
    FALLS = auto()
    """Never rises in any operand."""
    TURNS = auto()
    """Rises or falls in each operand while the others are constant (a quotient in its dividend)."""
    NONEXPANSIVE = auto()
    """The result moves no further than the operand that was moved."""
    STEPS = auto()
    """Results jump while operands move on: signs, comparisons, roundings, positions."""
    APPROXIMATED = auto()
    """A function that libraries compute to a few units in the last place."""
    PARTIAL = auto()
    """A function of one operand that gives not-a-number for some numbers."""
    BITS = auto()
    """Reads or makes packed bits."""


NO_TRAITS = Trait(0)
"""What an operator states that has none of the traits."""
MONOTONE = Trait.RISES | Trait.FALLS | Trait.TURNS
PASSES_ON = Trait.MOVES | Trait.SELECTS
"""Every result element is an element of the sources (or a border's value)."""
ANCHOR = Trait.WINDOW | Trait.PRODUCT | Trait.REDUCES
"""Has one of these: a kernel of its own, in whose store loop elementwise operators run."""
