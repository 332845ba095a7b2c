"""Attributes that convolutions and pools share."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Value
from ..importing.call import Call


def spatial_attribute(call: Call, name: str, spatial: int) -> tuple[int, ...]:
    """Strides or dilations, one per spatial axis, 1 by default."""
    sizes = call.ints(name) or (1,) * spatial
    if len(sizes) != spatial or min(sizes) < 1:
        call.refuse(f"{name} {list(sizes)} do not fit {spatial} spatial axes")
    return sizes


def explicit_pads(
    call: Call,
    x: Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, ...]:
    """``pads`` as begins then ends. SAME_UPPER puts an odd pixel at the end, SAME_LOWER at the
    beginning, so that the output has ceil(size / stride) positions."""
    spatial = len(kernel)
    mode = call.string("auto_pad", "NOTSET") or "NOTSET"
    if mode in ("NOTSET", "VALID"):
        pads = call.ints("pads", (0,) * 2 * spatial) or (0,) * 2 * spatial
        if mode == "VALID":
            return (0,) * 2 * spatial
        if len(pads) != 2 * spatial or min(pads) < 0:
            call.refuse(f"pads {list(pads)} do not fit {spatial} spatial axes")
        return pads
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        call.refuse(f"unknown auto_pad '{mode}'")
    begins, ends = [], []
    for axis in range(spatial):
        size = x.shape[2 + axis]
        if not isinstance(size, int):
            call.refuse("auto_pad needs fixed spatial dimensions")
        count = -(-size // strides[axis])
        extent = dilations[axis] * (kernel[axis] - 1) + 1
        total = max(0, (count - 1) * strides[axis] + extent - size)
        small, large = total // 2, total - total // 2
        begins.append(small if mode == "SAME_UPPER" else large)
        ends.append(large if mode == "SAME_UPPER" else small)
    return (*begins, *ends)
