"""How weights lie in the registers of a matrix unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 16
"""Rows of a register, and its 32-bit columns."""
ROW = 64
"""Bytes of a row."""
BLOCK = 2 * SIDE
"""Output channels whose weights lie side by side."""


def in_registers(weights: Array) -> Array:
    """Weights [O, C, taps] as rows of a matrix unit's registers, [blocks, 2, rows, 16, 64], 0 where
    there are none.

    A register has 64 inputs of a tap for 16 output channels: in its row i, in the bytes 4 j .. 4 j
    + 3, the weights of channel j for the inputs 4 i .. 4 i + 3. Inputs of a tap fill whole
    registers.
    """
    outputs, channels, taps = weights.shape
    blocks, depth = -(-outputs // BLOCK), -(-channels // ROW) * ROW
    padded = np.zeros((blocks * BLOCK, taps, depth), weights.dtype)
    padded[:outputs, :, :channels] = weights.swapaxes(1, 2)
    rows = taps * depth // ROW
    split = padded.reshape(blocks, 2, SIDE, rows, SIDE, 4)
    ordered = split.transpose(0, 1, 3, 4, 2, 5)
    return ordered.reshape(blocks, 2, rows, SIDE, ROW)
