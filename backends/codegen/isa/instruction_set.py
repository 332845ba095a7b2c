"""The operations that machines have instructions of their own for, by what they do.

An operation either has a portable way, which stands here and a machine may override, or needs the
capability of the target (``target.has``) that its docstring names: kernels ask for that first.
Where one instruction does an operation, a machine only names LLVM's function for it.

Operations are written over an `Emission`. Over TIR a value stands for one lane: only operations
that keep lanes apart work there, and they are told how many lanes a vector has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol

from llvmlite import ir

from ....errors import BackendError
from ...targets import Capabilities
from ..kernel_builder import FLOAT, I16, I32, Emission, IRValue, vector
from ..thread_systems import System

Operation = Literal["lookup_bytes", "ternary_logic", "dot_bytes", "multiply_pairs"]
"""Methods that are one call of a function of LLVM's."""

Functions = Mapping[Operation, Mapping[int, str]]
"""LLVM's functions by operation and bits of a vector."""
Signs = tuple[tuple[str, tuple[str, ...]], ...]
"""Regular expressions, and the features that a CPU has where they match."""


class MatrixUnit(Protocol):
    """Eight registers, by their numbers, of 16 rows of 64 bytes.

    They are a thread's own: code takes them at its start and leaves them at its end.
    """

    shapes: ClassVar[bytes]
    """What `take` reads: all registers in full."""

    def take(self, shapes: IRValue) -> None:
        """Make the registers usable; ``shapes`` is the address of these bytes."""
        ...

    def leave(self) -> None:
        """The opposite of `take`."""
        ...

    def clear(self, register: int) -> None:
        """Fill a register with zeros."""
        ...

    def load(self, register: int, at: IRValue, stride: IRValue) -> None:
        """Read a register's rows, ``stride`` bytes (i64) apart."""
        ...

    def store(self, register: int, at: IRValue, stride: IRValue) -> None:
        """Write a register's rows, ``stride`` bytes (i64) apart."""
        ...

    def add_products(self, total: int, x: int, w: int, signed: bool) -> None:
        """To 32-bit element [i, j] of ``total``, the sum over k < 16 and b < 4 of byte 4k + b of
        row i of x, signed or not, times the signed byte 4j + b of row k of w."""
        ...


class InstructionSet:
    """A machine of which nothing is known; subclasses say what others have."""

    functions: ClassVar[Functions] = {}
    """The methods say what they take."""
    dot_takes_signed: ClassVar[bool] = True
    """Whether the inputs x of `dot_bytes` are signed."""
    system: ClassVar[System | None] = None
    """What the pool of threads needs of the machine; where there is none it has no threads."""
    signs: ClassVar[Signs] = ()
    """What in the assembly of the probes in `triples` shows a CPU's features, plainest first."""
    probe: ClassVar[str] = ""
    """One more probe, LLVM IR for which LLVM ends the process where a CPU has no instruction."""

    @classmethod
    def supported(cls, features: Sequence[str], linux: bool) -> str | None:
        """LLVM IR of `cpu_support`, for code that needs these features (LLVM's names), on Linux or
        elsewhere; none where a CPU cannot be asked."""
        return None

    def __init__(self, code: Emission) -> None:
        self.code = code

    @property
    def has(self) -> Capabilities:
        """What the target of the code can do."""
        return self.code.target.has

    def lookup_bytes(self, table: IRValue, numbers: IRValue, lanes: int) -> IRValue:
        """Entries of a table of 16 bytes, repeated in each 16 of a vector's ``lanes``, by numbers
        0 .. 15. Needs ``byte_lookup``."""
        self._require(self.has.byte_lookup, "lookups of bytes")
        return self._call("lookup_bytes", 8 * lanes, numbers.type, table, numbers)

    def ternary_logic(self, table: int, a: IRValue, b: IRValue, c: IRValue) -> IRValue:
        """Any function of the bits of three vectors of 32-bit lanes; bit 4a + 2b + c of ``table``
        is its value. Needs ``logic`` to be "ternary"."""
        self._require(self.has.logic == "ternary", "functions of three bits")
        return self._call("ternary_logic", 32 * a.type.count, a.type, a, b, c, I32(table))

    def dot_bytes(self, total: IRValue, x: IRValue, w: IRValue) -> IRValue:
        """To each 32-bit lane, the products of its four bytes of x with those of w, which are
        signed. Needs ``byte_products`` to be "fours"."""
        self._require(self.has.byte_products == "fours", "dot products of bytes")
        return self._call("dot_bytes", 32 * total.type.count, total.type, total, x, w)

    def multiply_pairs(self, x: IRValue, w: IRValue) -> IRValue:
        """Products of unsigned bytes x with signed ones w, two neighbours summed in 16 bits, which
        must hold them. Needs ``byte_products`` to be "pairs"."""
        self._require(self.has.byte_products == "pairs", "sums of two products of bytes")
        sums = vector(I16, x.type.count // 2)
        return self._call("multiply_pairs", 8 * x.type.count, sums, x, w)

    def add_products(self, x: IRValue, w: IRValue) -> IRValue:
        """Products of signed 16-bit lanes, two neighbours summed in each 32-bit one."""
        b, type_ = self.code.b, vector(I32, x.type.count // 2)
        half = filled(type_, 16)
        x, w = b.bitcast(x, type_), b.bitcast(w, type_)
        low = b.mul(b.ashr(b.shl(x, half), half), b.ashr(b.shl(w, half), half))
        return b.add(low, b.mul(b.ashr(x, half), b.ashr(w, half)))

    def add_pairs(self, sums: IRValue) -> IRValue:
        """Two neighbouring signed 16-bit lanes summed in each 32-bit one."""
        b, type_ = self.code.b, vector(I32, sums.type.count // 2)
        both, half = b.bitcast(sums, type_), filled(type_, 16)
        return b.add(b.ashr(b.shl(both, half), half), b.ashr(both, half))

    def add_bytes(self, total: IRValue, octets: IRValue) -> IRValue:
        """To each 32-bit lane, the sum of its four unsigned bytes."""
        b, type_ = self.code.b, total.type
        lanes, low = b.bitcast(octets, type_), filled(type_, 0x00FF00FF)
        pairs = b.add(b.and_(lanes, low), b.and_(b.lshr(lanes, filled(type_, 8)), low))
        low, half = filled(type_, 0xFFFF), filled(type_, 16)
        return b.add(total, b.add(b.and_(pairs, low), b.lshr(pairs, half)))

    def lookup_floats(self, table: Sequence[float], words: IRValue, at: int) -> IRValue:
        """Entries of a table of 2, 4, 8 or 16 floats by the bits of 32-bit lanes from bit ``at``
        on."""
        b, half = self.code.b, len(table) // 2
        low, high = table[:half], table[half:]
        mask = filled(words.type, 1 << at + half.bit_length() - 1)
        chosen = b.icmp_signed("!=", b.and_(words, mask), words.type(None))
        parts = [
            filled(vector(FLOAT, words.type.count), part[0])
            if half == 1
            else self.lookup_floats(part, words, at)
            for part in (high, low)
        ]
        return b.select(chosen, *parts)

    def matrix_unit(self) -> MatrixUnit:
        """The target's. Needs ``matrix_unit``."""
        raise self._lacks("matrix unit")

    def _call(
        self, operation: Operation, bits: int, type_: ir.VectorType, *args: IRValue
    ) -> IRValue:
        return self.code.intrinsic(self.functions[operation][bits], type_, *args)

    def _require(self, there: bool, what: str) -> None:
        if not there:
            raise self._lacks(what)

    def _lacks(self, what: str) -> BackendError:
        return BackendError(f"internal: {self.code.target.name} has no {what}")


def filled(type_: ir.VectorType, number: float) -> ir.Constant:
    """The number in each lane."""
    return ir.Constant(type_, [number] * type_.count)
