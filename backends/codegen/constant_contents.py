"""What kernels make of the contents of constants, put off until a node's constants are read.

Layers that differ only in their weights share one kernel function: what tells them apart is data
in its frame. A kernel therefore says how that data follows from the operands' contents,

    code.data(job.contents(op.w).map(pack))

and the same is done with the contents of every other layer whose function it is. Where contents
decide what the code is, the kernel has to ask for them (`Job.ask`); layers for which the answer is
another one get a function of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from ...ir import Array

T = TypeVar("T")
S = TypeVar("S")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, eq=False)
class Contents(Generic[T_co]):
    """A function of the contents of a node's constant operands.

    ``make`` gets what its ``parts`` are, or the contents of ``operand``. All else that it knows
    must follow from the node's structure (`ir.structure`): other nodes use it too.
    """

    make: Callable[..., T_co]
    parts: tuple[Contents[Any], ...] = ()
    operand: int | None = None

    @classmethod
    def of(cls, operand: int) -> Contents[Array]:
        """The contents of an operand, in logical axis order."""
        return Contents(_same, (), operand)

    def map(self, make: Callable[[T_co], S]) -> Contents[S]:
        """What a function makes of it."""
        return Contents(make, (self,))


@overload
def joined(
    make: Callable[[S, U], T], first: Contents[S], second: Contents[U], /
) -> Contents[T]: ...
@overload
def joined(make: Callable[..., T], /, *parts: Contents[Any]) -> Contents[T]: ...
def joined(make: Callable[..., T], /, *parts: Contents[Any]) -> Contents[T]:
    """What a function makes of several."""
    return Contents(make, parts)


def _same(array: Array) -> Array:
    return array


class Reading:
    """The contents of one node's operands, None for those that are no constants."""

    def __init__(self, operands: Sequence[Array | None]) -> None:
        self._operands = operands
        self._known: dict[Contents[Any], Any] = {}

    def of(self, contents: Contents[T]) -> T:
        """What a function of contents is for this node."""
        if contents not in self._known:
            if contents.operand is None:
                arguments: list[Any] = [self.of(part) for part in contents.parts]
            else:
                arguments = [self._operands[contents.operand]]
            self._known[contents] = contents.make(*arguments)
        return self._known[contents]
