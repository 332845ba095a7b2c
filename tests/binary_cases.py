"""Graphs of one binary convolution, for the tests of its kernels."""

from __future__ import annotations

from dataclasses import dataclass

from bnnc.ir.ops.window import Window

SIGN = "bits<1;-1,1>"


@dataclass(frozen=True)
class Conv:
    """One convolution: input [N, channels, *size], ``zero`` = 0 makes it ternary."""

    channels: int
    out: int
    size: tuple[int, int] = (6, 6)
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1
    zero: int = 1

    def _start(self) -> tuple[str, str, str]:
        """The sign, the head of a region with its convolution, and the shape of the result."""
        window = Window(self.kernel, self.strides, self.dilations, self.pads)
        height, width = window.output(self.size)
        x = f"[N,{self.channels},{self.size[0]},{self.size[1]}]"
        y = f"[N,{self.out},{height},{width}]"
        w = f"{SIGN}[{self.out},{self.channels // self.groups},{self.kernel[0]},{self.kernel[1]}]"
        bits = "ternary" if self.zero == 0 else SIGN

        def listed(values: tuple[int, ...]) -> str:
            return "[" + ",".join(map(str, values)) + "]"

        start = f"""
            input %x: f32{x}
            %w = const() data=random({self.out}) element={SIGN} : {w}
            %b = fused([%x]) kernel="" {{
              (%x: f32{x})
              %c = binarize(%x) zero={self.zero} : {bits}{x}@words
              yield %c
            }} : {bits}{x}@words"""
        conv = f"""(%b: {bits}{x}@words, %w: {w}, PARAMS)
              %c = binary_conv(%b, %w) strides={listed(self.strides)} pads={listed(self.pads)}
                   dilations={listed(self.dilations)} groups={self.groups} : i32{y}@nhwc"""
        return start, conv, y

    def text(self, kernel: str = "") -> str:
        """Sign, convolution, scale; floats and next signs out."""
        start, conv, y = self._start()
        return f"""{start}
            %s = const() data=random(2) element=f32 : f32[{self.out},1,1]
            %y, %q = fused([%b, %w, %s]) kernel="{kernel}" {{
              {conv.replace("PARAMS", f"%s: f32[{self.out},1,1]")}
              %f = cast(%c) to=f32 : f32{y}@nhwc
              %m = mul(%f, %s) : f32{y}@nhwc
              %r = binarize(%m) zero=0 : ternary{y}@words
              yield %m, %r
            }} : f32{y}@nhwc, ternary{y}@words
            %d = fused([%q]) kernel="" {{
              (%q: ternary{y}@words)
              %e = decode(%q) : f32{y}
              yield %e
            }} : f32{y}
            %p = relayout(%y) layout=row : f32{y}
            output %p as "y"
            output %d as "q"
        """

    def thresholded(self, kernel: str = "") -> str:
        """Sign, convolution, integer thresholds, some of them flipped."""
        start, conv, y = self._start()
        params = f"%t: i32[{self.out}], %f: bool[{self.out}]"
        return f"""{start}
            %t = const() data=random(8) element=i32 : i32[{self.out}]
            %f = const() data=random(9) element=bool : bool[{self.out}]
            %q = fused([%b, %w, %t, %f]) kernel="{kernel}" {{
              {conv.replace("PARAMS", params)}
              %r = threshold(%c, %t, %f) : {SIGN}{y}@words
              yield %r
            }} : {SIGN}{y}@words
            %d = fused([%q]) kernel="" {{
              (%q: {SIGN}{y}@words)
              %e = decode(%q) : f32{y}
              yield %e
            }} : f32{y}
            output %d as "q"
        """
