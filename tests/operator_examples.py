"""One small graph for every operator: `EXAMPLES` maps the mnemonic to the graph's text."""

from __future__ import annotations

from bnnc.ir import Op

_BITS = "bits<1;-1,1>"
_CONV = "strides=[2,1] pads=[1,0,1,2] dilations=[1,2] groups=2"
_POOL = "kernel=[2,3] strides=[2,1] pads=[1,0,0,2] dilations=[1,1]"
_BODIES: dict[str, str] = {
    "const": f"%y = const() data=[0, 1, 1] element={_BITS} : {_BITS}[3]\n%z = decode(%y) : f32[3]",
    "sign": "input %x: f32[N,3]\n%y = sign(%x) zero=-1 : f32[N,3]",
    "clip": "input %x: f32[N,3]\n%y = clip(%x) low=-0.5 high=inf : f32[N,3]",
    "cast": "input %x: f32[N,3]\n%y = cast(%x) to=i64 : i64[N,3]",
    "not": "input %x: bool[N,3]\n%y = not(%x) : bool[N,3]",
    "where": "input %c: bool[N,1]\ninput %x: f32[3]\ninput %z: f32[N,3]\n"
    "%y = where(%c, %x, %z) : f32[N,3]",
    "conv": "input %x: f32[2N,4,5,6]\ninput %w: f32[6,2,2,3]\ninput %b: f32[6]\n"
    f"%y = conv(%x, %w, %b) {_CONV} : f32[2N,6,3,4]",
    "gemm": "input %x: f32[N,3]\ninput %w: f32[2,3]\n%y = gemm(%x, %w, none) : f32[N,2]",
    "mat_mul": "input %x: f32[N,4,2,3]\ninput %w: f32[4,3,5]\n%y = mat_mul(%x, %w) : f32[N,4,2,5]",
    "batch_norm": "input %x: f32[N,3,2]\ninput %p: f32[3]\n%v = exp(%p) : f32[3]\n"
    "%y = batch_norm(%x, %p, %p, %p, %v) epsilon=0.001 : f32[N,3,2]",
    "max_pool": f"input %x: f32[N,2,4,4]\n%y = max_pool(%x) {_POOL} ceil_mode=true : f32[N,2,3,4]",
    "average_pool": "input %x: f32[N,2,4,4]\n"
    f"%y = average_pool(%x) {_POOL} ceil_mode=false count_pads=true : f32[N,2,2,4]",
    "softmax": "input %x: f32[N,3,2]\n%y = softmax(%x) axis=1 : f32[N,3,2]",
    "log_softmax": "input %x: f32[N,3,2]\n%y = log_softmax(%x) axis=2 : f32[N,3,2]",
    "reshape": "input %x: f32[2N,3,2]\n%y = reshape(%x) shape=[N,4,3] : f32[N,4,3]",
    "transpose": "input %x: i8[N,3,2]\n%y = transpose(%x) perm=[0,2,1] : i8[N,2,3]",
    "concat": "input %x: u8[N,3]\ninput %z: u8[N,1]\n%y = concat([%x, %z, %x]) axis=1 : u8[N,7]",
    "slice": "input %x: f16[N,5,4]\n"
    "%y = slice(%x) starts=[0,4,1] steps=[1,-2,1] sizes=[0,3,2] : f16[N,3,2]",
    "pad": "input %x: f64[N,2]\n%y = pad(%x) before=[0,1] after=[0,2] value=-1.5 : f64[N,5]",
    "expand": "input %x: f32[N,1,3]\n%y = expand(%x) shape=[2,1] : f32[N,2,3]",
    "gather": "input %x: f32[N,3,2]\n%i = const() data=[2, -1] element=i64 : i64[2]\n"
    "%y = gather(%x, %i) axis=1 : f32[N,2,2]",
    "gather_elements": "input %x: f32[N,3,2]\n%i = top_k(%x) axis=1 k=2 largest=true last=false : "
    "i64[N,2,2]\n%y = gather_elements(%x, %i) axis=1 : f32[N,2,2]",
    "top_k": "input %x: f32[N,3,2]\n%y = top_k(%x) axis=1 k=2 largest=false last=true : i64[N,2,2]",
    "relayout": "input %x: f32[N,2,2]\n%y = relayout(%x) layout=nhwc : f32[N,2,2]@nhwc",
    "binarize": "input %x: f32[N,3]\n%y = binarize(%x) zero=0 : ternary[N,3]",
    "decode": f"input %x: {_BITS}[N,3]\n%y = decode(%x) : f32[N,3]",
    "threshold": "input %x: i32[N,2,3]\ninput %t: i32[2]\ninput %f: bool[2]\n"
    f"%y = threshold(%x, %t, %f) : {_BITS}[N,2,3]",
    "binary_conv": f"input %x: ternary[N,4,5,6]\ninput %w: {_BITS}[6,2,2,3]\n"
    f"%y = binary_conv(%x, %w) {_CONV} : i32[N,6,3,4]",
    "binary_gemm": f"input %x: {_BITS}[N,65]\ninput %w: {_BITS}[2,65]\n"
    "%y = binary_gemm(%x, %w) : i32[N,2]",
    "fused": 'input %x: f32[N,3]\ninput %w: f32[2,3]\n%y, %z = fused([%x, %w]) kernel="k" {\n'
    "(%a: f32[N,3], %w: f32[2,3])\n%g = gemm(%a, %w, none) : f32[N,2]\n"
    "%r = relu(%g) : f32[N,2]\nyield %g, %r\n} : f32[N,2], f32[N,2]",
}
_UNARY = (
    "neg abs relu sigmoid tanh exp log erf sqrt reciprocal floor ceil round sin cos tan asin acos "
)
for _name in f"{_UNARY} atan sinh cosh asinh acosh atanh".split():
    _BODIES[_name] = f"input %x: f32[N,3]\n%y = {_name}(%x) : f32[N,3]"
for _name in "add sub mul div max min prelu pow".split():
    _BODIES[_name] = f"input %x: f32[N,2,3]\ninput %z: f32[2,1]\n%y = {_name}(%x, %z) : f32[N,2,3]"
for _name in "equal less less_equal".split():
    _BODIES[_name] = f"input %x: i32[N,3]\ninput %z: i32[1]\n%y = {_name}(%x, %z) : bool[N,3]"
for _name in "and or".split():
    _BODIES[_name] = f"input %x: bool[N,3]\ninput %z: bool[3]\n%y = {_name}(%x, %z) : bool[N,3]"
for _name in "mean sum max min".split():
    _BODIES[f"reduce_{_name}"] = (
        f"input %x: f32[N,3,2]\n%y = reduce_{_name}(%x) axes=[1,2] keepdims=false : f32[N]"
    )
_STAGES = {
    "imported": {},
    "binarized": {"const", "binarize", "decode", "threshold", "binary_conv", "binary_gemm"},
    "packed": {"relayout", "fused"},
}


def _graph(name: str, body: str) -> str:
    stage = next((s for s, names in _STAGES.items() if name in names), "imported")
    shown = "z" if name == "const" else "y"
    return f'graph @{name} {stage} {{\n{body}\noutput %{shown} as "y"\n}}\n'


EXAMPLES = {name: _graph(name, body) for name, body in _BODIES.items()}


def example(cls: type[Op]) -> str:
    """The example of an operator; a new operator needs one here."""
    return EXAMPLES[cls.mnemonic()]
