"""Float convolutions and products, as cases of `kernel_cases`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnc.ir.ops.window import Window


@dataclass(frozen=True)
class Conv:
    """One convolution: input [N, channels, *size]; ``layout`` and ``result`` name layouts,
    ``weights`` their element, ``kernel_name`` what computes it, by default the first that does."""

    channels: int
    out: int
    size: tuple[int, ...] = (6, 6)
    kernel: tuple[int, ...] = (3, 3)
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (1, 1, 1, 1)
    dilations: tuple[int, ...] = (1, 1)
    groups: int = 1
    layout: str = "nhwc"
    result: str = "nhwc"
    bias: bool = True
    weights: str = "f32"
    kernel_name: str = ""

    @property
    def terms(self) -> int:
        """Products in one sum."""
        return self.channels // self.groups * math.prod(self.kernel) + self.bias

    def text(self) -> str:
        """Convolution with a bias; the sums and their signs out."""
        window = Window(self.kernel, self.strides, self.dilations, self.pads)
        x = listed(("N", self.channels, *self.size))
        y = listed(("N", self.out, *window.output(self.size)))
        w = f"{self.weights}{listed((self.out, self.channels // self.groups, *self.kernel))}"
        at = "" if self.layout == "row" else "@nhwc"
        to = "" if self.result == "row" else "@nhwc"
        moved = f"%m = relayout(%x) layout=nhwc : f32{x}@nhwc" if at else ""
        operand = "%m" if at else "%x"
        return f"""
            input %x: f32{x}
            {moved}
            %w = const() data=random({self.out}) element={self.weights} : {w}
            %v = const() data=random(2) element=f32 : f32[{self.out}]
            %y, %q = fused([{operand}, %w, %v]) kernel="{self.kernel_name}" {{
              ({operand}: f32{x}{at}, %w: {w}, %v: f32[{self.out}])
              %c = conv({operand}, %w, {"%v" if self.bias else "none"})
                   strides={listed(self.strides)} pads={listed(self.pads)}
                   dilations={listed(self.dilations)} groups={self.groups} : f32{y}{to}
              %r = binarize(%c) zero=1 : bits<1;-1,1>{y}@words
              yield %c, %r
            }} : f32{y}{to}, bits<1;-1,1>{y}@words
            %d = fused([%q]) kernel="" {{
              (%q: bits<1;-1,1>{y}@words)
              %e = decode(%q) : f32{y}
              yield %e
            }} : f32{y}
            {f"%p = relayout(%y) layout=row : f32{y}" if to else ""}
            output {"%p" if to else "%y"} as "y"
            output %d as "q"
        """


def listed(values: tuple[object, ...]) -> str:
    """``[1,2]``."""
    return "[" + ",".join(map(str, values)) + "]"


def gemm(
    inputs: int, out: int, weights: str = "f32", kernel_name: str = "", batch: str = "N"
) -> str:
    """A product with a bias."""
    w = f"{weights}[{out},{inputs}]"
    return f"""
        input %x: f32[{batch},{inputs}]
        %w = const() data=random(7) element={weights} : {w}
        %v = const() data=random(8) element=f32 : f32[{out}]
        %y = fused([%x, %w, %v]) kernel="{kernel_name}" {{
          (%x: f32[{batch},{inputs}], %w: {w}, %v: f32[{out}])
          %c = gemm(%x, %w, %v) : f32[{batch},{out}]
          yield %c
        }} : f32[{batch},{out}]
        output %y as "y"
    """
