"""Adding up chunk by chunk what a table offers, common to `majority_sums` and `codeword_sums`.

A channel's count of mismatches is twice the sum of planes that its program names in the tables of
all chunks, plus one plane, the parity, which is the same for every channel up to its sign.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .....ir import Array
from ....codegen.constant_contents import Contents
from ....codegen.kernel_builder import I32, I64, Code, Index, IRValue
from ....codegen.kernel_interface import Job
from ...bit_planes import Column, carry_save
from .sliced_layer import Finish, SlicedLayer, Span
from .sliced_plan import SlicedPlan


@dataclass(frozen=True)
class ChunkedPlan(SlicedPlan):
    """Chunks of groups; the last may have fewer."""

    @property
    @abstractmethod
    def groups(self) -> int:
        """All groups; a channel names one entry of a table for each."""

    @property
    @abstractmethod
    def chunk(self) -> int:
        """Groups of a chunk."""

    @property
    def last(self) -> int:
        """Groups of the last chunk."""
        return self.groups - self.chunk * (self.chunks - 1)


class ChunkedLayer(SlicedLayer):
    """Tables and sums in turn; a subclass makes the tables and reads its program."""

    signs: IRValue
    """A word of ones or zeros for each channel: the sign of its parity."""

    def __init__(self, job: Job, code: Code, plan: ChunkedPlan) -> None:
        super().__init__(job, code, plan)
        self.chunk, self.last = plan.chunk, plan.last

    @abstractmethod
    def make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
        """The table of a chunk, for all channels; ``filled`` reads zeros as +1."""

    @abstractmethod
    def absorb(self, column: Column, chunk: Index, channel: Index, count: int) -> list[IRValue]:
        """Add what a channel names for the first ``count`` groups of a chunk."""

    @property
    @abstractmethod
    def parity(self) -> IRValue:
        """Where the parity's plane lies after the last chunk's table."""

    def negation(self, channel: Index) -> IRValue | None:
        """Ones where a channel's weights were added complemented: then its planes are
        2**n - 1 - mismatches, n those of K, or of 2 K where all is added twice and one more.
        `SlicedPlan.padded` knows what is too much. None where no channel is."""
        return None

    def once(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Two-valued operand: the last chunk's sums are finished without leaving registers."""
        code, plan = self.code, self.plan
        final = plan.chunks - 1

        def rest(chunk: Index) -> None:
            self.make_table(chunk, masks, span, filled=False)
            code.either(
                code.b.icmp_signed("==", code.index(chunk), I64(0)),
                lambda: self._add(chunk, span, self.chunk, fresh=True),
                lambda: self._add(chunk, span, self.chunk),
            )

        if final:
            with code.loop(0, final) as chunk:
                rest(chunk)
        self.make_table(final, masks, span, filled=False)

        def counts(channel: Index) -> list[IRValue]:
            column = self._column(channel, span, fresh=not final)
            digits = self.absorb(column, final, channel, self.last)
            parity = code.load(self.parity, self.type)
            planes = [code.b.xor(parity, self.word_of(self.signs, channel)), *digits]
            own = plan.inputs.bit_length()
            return [*self._turned(planes[:own], self.negation(channel)), *planes[own:]]

        finish(span, Finish(counts, doubled=False))

    def twice(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Zeros as -1, then as +1."""
        code, plan = self.code, self.plan
        first = code.scratch(plan.plane)
        self.clear(span)
        for filled in (False, True):
            with code.loop(0, plan.chunks - 1) as chunk:
                self.make_table(chunk, masks, span, filled)
                self._add(chunk, span, self.chunk)
            self.make_table(plan.chunks - 1, masks, span, filled)
            self._add(plan.chunks - 1, span, self.last)
            if not filled:
                code.store(code.load(self.parity, self.type), first)

        def counts(channel: Index) -> list[IRValue]:
            column = self._column(channel, span, fresh=False)
            sign, turn = self.word_of(self.signs, channel), self.negation(channel)
            a, x = (code.b.xor(code.load(at, self.type), sign) for at in (first, self.parity))
            low, carry = carry_save(code, a, x, turn)
            column.add(carry)
            return self._turned([low, *self.known(column.settle())], turn)

        finish(span, Finish(counts, doubled=True))

    def _column(self, channel: Index, span: Span, fresh: bool) -> Column:
        blank: list[IRValue] = [None] * self.plan.digits
        return Column(self.code, blank if fresh else self.state_of(channel, span))

    def _add(self, chunk: Index, span: Span, count: int, fresh: bool = False) -> None:
        """Add a chunk to the sums of all channels of a span."""
        with self.code.loop(span.start, span.stop) as channel:
            column = self._column(channel, span, fresh)
            self.keep(self.absorb(column, chunk, channel, count), channel, span)

    def _turned(self, planes: list[IRValue], turn: IRValue | None) -> list[IRValue]:
        return planes if turn is None else [self.code.b.xor(plane, turn) for plane in planes]

    def known(self, digits: list[IRValue | None]) -> list[IRValue]:
        """Digits with planes of zeros where there is none."""
        return [self.type(None) if plane is None else plane for plane in digits]

    def sign_words(self, signs: Contents[Array]) -> IRValue:
        """Signs [O] as data: words of ones or zeros."""
        return self.code.data(
            signs.map(lambda signs: np.where(signs != 0, np.uint32(0xFFFFFFFF), np.uint32(0)))
        )

    def word_of(self, words: IRValue, channel: Index) -> IRValue:
        """A channel's word in all lanes."""
        at = self.code.offset(words, self.code.mul(channel, 4))
        return self.code.splat(self.code.load(at, I32), self.type.count)
