"""Pad in all its modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import Limit
from ...ir import Value, ops
from ..importing.call import Call
from ..registry import rule
from .select_join_pad import sliced

MAX_SIZE = 1 << 24
"""Positions of an axis that is padded with its own elements."""

MODES = ("constant", "reflect", "edge", "wrap")


@dataclass(frozen=True)
class Border:
    """Widths before and after each axis, negative ones cut, and the value of a constant border."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    fill: float

    @classmethod
    def of(cls, call: Call, x: Value) -> Border:
        """From attributes (opset < 11) or inputs."""
        rank = x.type.rank
        if call.version is not None and call.version < 11:
            pads, fill = call.ints("pads") or (), call.float("value", 0.0)
            axes: tuple[int, ...] = tuple(range(rank))
        else:
            pads = call.integers(1, "pads")
            fill = float(call.scalar(2, "the padding value")) if call.has(2) else 0.0
            axes = call.axes(call.integers(3, "axes"), rank) if call.has(3) else tuple(range(rank))
        if len(pads) != 2 * len(axes):
            call.refuse(f"pads {list(pads)} do not fit {len(axes)} axes")
        before, after = [0] * rank, [0] * rank
        for i, axis in enumerate(axes):
            before[axis], after[axis] = pads[i], pads[i + len(axes)]
        if x.type.symbolic and (before[0] or after[0]):
            call.refuse("the symbolic batch cannot be padded", Limit.BATCH)
        return cls(tuple(before), tuple(after), fill)


@rule(
    "Pad", limits={Limit.SHAPE: "pads and axes", Limit.CONSTANT: "value", Limit.BATCH: "not padded"}
)
def pad(call: Call) -> Value:
    """A border of one value or of the operand's own elements; negative widths cut."""
    x = call.x(0)
    mode = call.string("mode", "constant")
    if mode not in MODES:
        call.refuse(f"unknown mode '{mode}'; expected one of {', '.join(MODES)}")
    border = Border.of(call, x)
    cut: dict[int, tuple[int, int, int]] = {}
    for axis, (dim, b, a) in enumerate(zip(x.shape, border.before, border.after, strict=True)):
        if isinstance(dim, int):
            cut[axis] = (max(0, -b), dim - max(0, -a), 1)
    x = sliced(call, x, dict(cut))
    before, after = (tuple(max(0, d) for d in side) for side in (border.before, border.after))
    if mode == "constant":
        return call.add(ops.Pad(x, before, after, border.fill)) if any((*before, *after)) else x
    for axis, widths in enumerate(zip(before, after, strict=True)):
        if any(widths):
            x = _continued(call, x, axis, widths, mode)
    return x


def _continued(call: Call, x: Value, axis: int, widths: tuple[int, int], mode: str) -> Value:
    """The operand between parts of itself; positions that no slice names are gathered."""
    size = x.shape[axis]
    assert isinstance(size, int)
    if mode == "reflect" and size == 1:
        call.refuse(f"axis {axis} of {x!r} has nothing to reflect")
    if size + sum(widths) > MAX_SIZE:
        call.refuse(f"pads {list(widths)} of axis {axis} are absurdly large")
    order = np.pad(np.arange(size), widths, mode)  # type: ignore[call-overload]
    if mode == "edge" and max(widths) <= 64:
        ends = [sliced(call, x, {axis: (i, i + 1, 1)}) for i in (0, size - 1)]
        parts = [*[ends[0]] * widths[0], x, *[ends[1]] * widths[1]]
        return call.add(ops.Concat(tuple(parts), axis))
    if mode == "edge" or max(widths) > (size - 1 if mode == "reflect" else size):
        return call.add(ops.Gather(x, call.const(order), axis))
    front, back = order[: widths[0]], order[widths[0] + size :]
    borders = [_run(call, x, axis, part) for part in (front, back)]
    parts = [*borders[0], x, *borders[1]]
    return call.add(ops.Concat(tuple(parts), axis))


def _run(call: Call, x: Value, axis: int, positions: np.ndarray) -> list[Value]:
    """Consecutive positions, upwards or downwards, as a slice; nothing for none."""
    if not positions.size:
        return []
    first, last = int(positions[0]), int(positions[-1])
    step = 1 if last >= first else -1
    size = x.shape[axis]
    assert isinstance(size, int)
    end = last + step if last + step >= 0 else -size - 1
    return [sliced(call, x, {axis: (first, end, step)})]
