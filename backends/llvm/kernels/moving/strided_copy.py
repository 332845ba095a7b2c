"""Copies between strided arrays: contiguous runs, transposes in registers, and the rest.

An axis of a copy has an extent and the bytes that one step takes in the target and in the source.
All of these are known at compile time; what depends on the batch is the loop around.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from llvmlite import ir

from ....codegen.kernel_builder import I1, I8, Code, Index, vector


@dataclass(frozen=True)
class Axis:
    """``extent`` elements that lie ``to`` bytes apart in the target, ``frm`` in the source."""

    extent: int
    to: int
    frm: int


def normalized(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The same copy with axes in falling order of target stride, joined where both sides run on."""
    if any(axis.extent == 0 for axis in axes):
        return (Axis(0, 0, 0),)
    kept = sorted((a for a in axes if a.extent != 1), key=lambda a: -a.to)
    out: list[Axis] = []
    for axis in kept:
        span = (axis.extent * axis.to, axis.extent * axis.frm)
        if out and (out[-1].to, out[-1].frm) == span:
            out[-1] = replace(axis, extent=axis.extent * out[-1].extent)
        else:
            out.append(axis)
    return tuple(out)


def copy(code: Code, axes: Sequence[Axis], size: int, to: ir.Value, frm: ir.Value) -> None:
    """Copy elements of ``size`` (1, 2, 4, 8) bytes from address ``frm`` to ``to``.

    The target must not overlap the source. Runs that are contiguous on both sides move by memcpy;
    where source and target are contiguous along different axes, square blocks are transposed in
    registers.
    """
    axes = normalized(axes)
    if axes and axes[0].extent == 0:
        return
    along = [a for a in axes if a.to == size]
    across = [a for a in axes if a.frm == size]
    if along and across:
        inner = (along[0], across[0])
        rest = [a for a in axes if a not in inner]
        with _nest(code, rest, to, frm) as (target, source):
            if along[0] == across[0]:
                memory_copy(code, target, source, along[0].extent * size)
            else:
                _transpose(code, *inner, size, target, source)
        return
    with _nest(code, axes, to, frm) as (target, source):
        code.store(code.load(source, ir.IntType(8 * size)), target)


def memory_copy(code: Code, to: ir.Value, frm: ir.Value, count: Index) -> None:
    """``count`` bytes from ``frm`` to ``to``, which do not overlap."""
    _memory(code, "llvm.memcpy.p0.p0.i64", to, frm, count)


def memory_set(code: Code, to: ir.Value, byte: int, count: Index) -> None:
    """Fill ``count`` bytes."""
    _memory(code, "llvm.memset.p0.i64", to, I8(byte), count)


def fill(code: Code, to: ir.Value, pattern: bytes, count: int) -> None:
    """``count`` elements with the bytes ``pattern`` (1, 2, 4 or 8 of them, little endian)."""
    size = len(pattern)
    if len(set(pattern)) == 1:
        memory_set(code, to, pattern[0], count * size)
        return
    value = ir.Constant(ir.IntType(8 * size), int.from_bytes(pattern, "little"))
    with code.loop(0, count) as i:
        code.store(value, code.offset(to, code.mul(i, size)))


def _memory(code: Code, name: str, to: ir.Value, second: ir.Value, count: Index) -> None:
    code.intrinsic(name, ir.VoidType(), to, second, code.index(count), I1(0))


@contextmanager
def _nest(
    code: Code, axes: Sequence[Axis], to: ir.Value, frm: ir.Value
) -> Generator[tuple[ir.Value, ir.Value]]:
    """Loops over ``axes``, outermost first; gives target and source address inside."""
    if not axes:
        yield to, frm
        return
    first, *rest = axes
    with code.loop(0, first.extent) as i:
        target = code.offset(to, code.mul(i, first.to))
        source = code.offset(frm, code.mul(i, first.frm))
        with _nest(code, rest, target, source) as inner:
            yield inner


def _transpose(
    code: Code, along: Axis, across: Axis, size: int, to: ir.Value, frm: ir.Value
) -> None:
    """A matrix that is contiguous along ``along`` in the target, along ``across`` in the source.

    Blocks of B x B elements; where B does not divide an extent, the last block starts earlier and
    writes some elements a second time.
    """
    block = min(code.target.vector_bits // 8 // size, 16 // max(1, size // 4))
    while block > min(along.extent, across.extent):
        block //= 2
    wide = across.extent >= along.extent  # the longer axis outside: the other stays in the cache
    outer, inner = (across, along) if wide else (along, across)
    with (
        _blocks(code, outer.extent, block) as first,
        _blocks(code, inner.extent, block) as second,
    ):
        column, row = (first, second) if wide else (second, first)
        source = code.offset(frm, code.mul(row, along.frm))
        source = code.offset(source, code.mul(column, size))
        target = code.offset(to, code.mul(column, across.to))
        target = code.offset(target, code.mul(row, size))
        type_ = vector(ir.IntType(8 * size), block)
        rows = [code.load(code.offset(source, i * along.frm), type_) for i in range(block)]
        for i, column_of in enumerate(transposed(code, rows)):
            code.store(column_of, code.offset(target, i * across.to))


@contextmanager
def _blocks(code: Code, extent: int, block: int) -> Generator[Index]:
    """Starts of blocks that cover ``extent``; the last one overlaps the one before."""
    with code.loop(0, extent, block) as start:
        yield code.min(start, extent - block) if extent % block else start


def transposed(code: Code, rows: Sequence[ir.Value]) -> list[ir.Value]:
    """The columns of a square matrix given as vectors of its rows; a power of two of them.

    log2(B) rounds; each swaps the off-diagonal quarters of blocks of twice ``half`` rows.
    """
    count = len(rows)
    out = list(rows)
    half = 1
    while half < count:
        low = [c if not c & half else c - half + count for c in range(count)]
        high = [c + half if not c & half else c + count for c in range(count)]
        for i in range(count):
            if not i & half:
                pair = out[i], out[i + half]
                out[i] = code.shuffle(*pair, low)
                out[i + half] = code.shuffle(*pair, high)
        half *= 2
    return out
