"""Convolutions on planes, for the tests of the pixel-sliced kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from kernel_cases import Cases

from bnnc.ir import Ternary
from bnnc.ir.ops.binary import BLOCK

SIGN = "bits<1;-1,1>"


@dataclass(frozen=True)
class Layer:
    """A convolution on [N, channels, height, width].

    ``lanes`` ends in floats and packed words, else in a threshold whose bits stay planes. ``bits``
    0 is the target's own width. ``tree`` adds along a forest, a random one as any forest gives the
    same counts; channels are all equal where ``same``.
    """

    channels: int
    out: int
    size: tuple[int, int] = (14, 14)
    kernel: tuple[int, int] = (3, 3)
    pads: tuple[int, int] | None = None
    dilations: tuple[int, int] = (1, 1)
    ternary: bool = False
    lanes: bool = False
    bits: int = 128
    batch: str = "N"
    tree: bool = False
    same: bool = False

    def text(self) -> str:
        """One fused node between packed inputs and outputs."""
        element = "ternary" if self.ternary else SIGN
        x = f"[{self.batch},{self.channels},{self.size[0]},{self.size[1]}]"
        y = f"[{self.batch},{self.out},{self.size[0]},{self.size[1]}]"
        w = f"{SIGN}[{self.out},{self.channels},{self.kernel[0]},{self.kernel[1]}]"
        reach = tuple((k - 1) * d for k, d in zip(self.kernel, self.dilations, strict=True))
        pads = self.pads or (reach[0] // 2, reach[1] // 2)
        ends = tuple(r - p for r, p in zip(reach, pads, strict=True))
        conv = (
            f"%c = binary_conv(%b, %w) strides=[1,1] pads=[{pads[0]},{pads[1]},{ends[0]},{ends[1]}]"
            f" dilations=[{self.dilations[0]},{self.dilations[1]}] groups=1 {self.notes()}"
            f" : i32{y}@nhwc"
        )
        params = {"bits": self.bits, **self.way()}
        kernel = " ".join(["binary_conv_sliced", *(f"{k}={v}" for k, v in params.items() if v)])
        head = (
            f"input %b: {element}{x}@planes\n%w = const() data={self.data()} element={SIGN} : {w}"
        )
        return head + (self._lanes if self.lanes else self._planes)(conv, kernel, element, x, y, w)

    def data(self) -> str:
        """The weights."""
        return "splat(1)" if self.same else "random(5)"

    def way(self) -> dict[str, int]:
        """Parameters of the kernel's choice that decide its sums."""
        return {"tree": int(self.tree)}

    def notes(self) -> str:
        """Parents among those placed before in a random order of each block."""
        if not self.tree:
            return ""
        random = np.random.default_rng(self.out)
        parents = np.full(self.out, -1)
        for start in range(0, self.out, BLOCK):
            order = start + random.permutation(min(BLOCK, self.out - start))
            for place, channel in enumerate(order[1:], 1):
                parents[channel] = random.choice([-1, *order[:place]])
        inputs = self.channels * self.kernel[0] * self.kernel[1]
        return f"parents={parents.tolist()} distances={[inputs] * self.out}"

    def _planes(self, conv: str, kernel: str, element: str, x: str, y: str, w: str) -> str:
        random = np.random.default_rng(self.out)
        spread = np.sqrt(self.channels * self.kernel[0] * self.kernel[1])
        limits = random.normal(0, spread, self.out).astype(int)
        limits[::7] = 10**6 * (-1) ** np.arange(len(limits[::7]))
        listed = ",".join(map(str, limits))
        return f"""
            %t = const() data=[{listed}] element=i32 : i32[{self.out}]
            %f = const() data=random(4) element=bool : bool[{self.out}]
            %r = fused([%b, %w, %t, %f]) kernel="{kernel}" {{
              (%b: {element}{x}@planes, %w: {w}, %t: i32[{self.out}], %f: bool[{self.out}])
              {conv}
              %s = threshold(%c, %t, %f) : {SIGN}{y}@planes
              yield %s
            }} : {SIGN}{y}@planes
            output %r as "r"
        """

    def _lanes(self, conv: str, kernel: str, element: str, x: str, y: str, w: str) -> str:
        return f"""
            input %k: f32{y}
            %t = const() data=random(1) element=f32 : f32[1,{self.out},1,1]
            %q, %y = fused([%b, %w, %t, %k]) kernel="{kernel}" {{
              (%b: {element}{x}@planes, %w: {w}, %t: f32[1,{self.out},1,1], %k: f32{y})
              {conv}
              %f = cast(%c) to=f32 : f32{y}@nhwc
              %m = mul(%f, %t) : f32{y}@nhwc
              %s = add(%m, %k) : f32{y}@nhwc
              %q = binarize(%s) zero=0 : ternary{y}@words
              yield %q, %s
            }} : ternary{y}@words, f32{y}@nhwc
            %p = relayout(%y) layout=row : f32{y}
            output %p as "y"
            output %q as "q"
        """


class Packed(Cases):
    """Cases with packed inputs; of ternary ones, every second image holds zeros."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        """Random floats and codes."""
        random = np.random.default_rng(1)
        arrays: dict[str, np.ndarray] = {}
        for value in self.graph.inputs:
            shape = value.type.concrete(batch)
            if not value.type.is_binary:
                arrays[value.name] = random.standard_normal(shape).astype(np.float32)
                continue
            codes = random.integers(0, 2, shape)
            if isinstance(value.type.element, Ternary):
                codes = 2 * codes - 1
                codes[1::2][random.random(codes[1::2].shape) < 0.05] = 0
            arrays[value.name] = codes.astype(value.type.element.dtype)
        return arrays
