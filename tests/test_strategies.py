"""One network, every strategy: results do not depend on kernels, layouts, batch or threads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from library_support import X86_PATHS, present

from bnnc import runtime
from bnnc.backends import linking
from bnnc.backends.cost_model import NO_CONSTANTS, Constants, PredictedCost
from bnnc.backends.interface import Choice
from bnnc.backends.llvm import LlvmBackend
from bnnc.backends.manifest_entries import target_entry, tensor_entries
from bnnc.backends.targets import Target
from bnnc.ir import Graph, Op, interpret, parse
from bnnc.ir.ops import Fused
from bnnc.passes import Context, pipelines, run_passes
from bnnc.runtime import artifact

SAME = "strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1"
HALF = "strides=[2,2] pads=[1,1,1,1] dilations=[1,1] groups=1"
POINT = "strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=1"


def _layer(
    name: str, x: str, shape: str, inputs: int, kernel: int, window: str, words: int = 0
) -> str:
    """A convolution of ``x`` with ±1 weights and a normalization, to f32[N,40,..]; with ``words``
    its kernels are made of so many."""
    w, c = f"[40,{inputs},{kernel},{kernel}]", "f32[1,40,1,1]"
    data = "random(7)"
    if words:
        random = np.random.default_rng(words)
        book = random.choice([-1, 1], (words, kernel * kernel))
        data = f"[{','.join(map(str, book[random.integers(0, words, 40 * inputs)].ravel()))}]"
    return f"""
      %{name}.b = const() data={data} element=f32 : f32{w}
      %{name}.w = sign(%{name}.b) : f32{w}
      %{name}.c = conv({x}, %{name}.w, none) {window} : f32{shape}
      %{name}.k = const() data=random(8) element=f32 : {c}
      %{name}.o = const() data=random(9) element=f32 : {c}
      %{name}.m = mul(%{name}.c, %{name}.k) : f32{shape}
      %{name}.y = add(%{name}.m, %{name}.o) : f32{shape}
    """


NET = f"""graph @net imported {{
  input %x: f32[N,24,19,21]
  %s0 = sign(%x) : f32[N,24,19,21]
  {_layer("a", "%s0", "[N,40,19,21]", 24, 3, SAME)}
  %s1 = sign(%a.y) : f32[N,40,19,21]
  {_layer("b", "%s1", "[N,40,19,21]", 40, 3, SAME)}
  %p = add(%b.y, %a.y) : f32[N,40,19,21]
  %s2 = sign(%p) : f32[N,40,19,21]
  {_layer("c", "%s2", "[N,40,10,11]", 40, 3, HALF)}
  %s3 = sign(%c.y) : f32[N,40,10,11]
  {_layer("d", "%s3", "[N,40,10,11]", 40, 1, POINT)}
  %s4 = sign(%d.y) : f32[N,40,10,11]
  {_layer("e", "%s4", "[N,40,10,11]", 40, 3, SAME, words=5)}
  %q = max_pool(%e.y) kernel=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
       ceil_mode=false : f32[N,40,5,5]
  output %q as "y"
  output %p as "skip"
}}"""
STRATEGIES = (
    "",
    "binary_conv",
    "binary_conv_lookup",
    "binary_conv_sliced bits=512",
    "binary_conv_sliced bits=256",
    "binary_conv_sliced bits=128",
    "binary_conv_sliced bits=512 tree=1",
    "binary_conv_sliced bits=256 tree=1",
    "binary_conv_sliced bits=512 codebook=1",
    "binary_conv_sliced bits=256 codebook=2",
)
TARGETS = ("v3", "v4")


class Preferring(PredictedCost):
    """The backend's kernels with one choice that costs nothing."""

    def __init__(self, text: str, target: Target) -> None:
        super().__init__(target, LlvmBackend().kernels)
        self.text = text

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        name = self.text.partition(" ")[0]
        alone = self.text == name == choice.kernel and bool(choice.params)
        return 0.0 if alone or str(choice) == self.text else super().cost(op, choice, constants)


@cache
def compiled(strategy: str, target: Target) -> tuple[Graph, bytes]:
    """The scheduled network and its library."""
    backend = LlvmBackend()
    context = Context(Preferring(strategy, target))
    graph = run_passes(parse(NET), pipelines.default(), context)
    code = backend.lower(graph, target)
    inputs, outputs = tensor_entries(graph)
    manifest = artifact.Manifest(
        bnnc="test",
        name="net",
        prefix="net",
        target=target_entry(target),
        inputs=inputs,
        outputs=outputs,
        workspace=code.workspace,
        constants=code.constant_bytes,
        source=artifact.Source("0" * 64, 0, 0, "test"),
        linker="",
    )
    obj = code.emit("obj", "net", artifact.section_bytes(manifest))
    return graph, artifact.seal(linking.link(obj, target, None))


def image(batch: int) -> np.ndarray:
    """Random floats, of which some are zero in every second sample."""
    random = np.random.default_rng(3)
    x = random.standard_normal((batch, 24, 19, 21)).astype(np.float32)
    x[1::2][random.random(x[1::2].shape) < 0.01] = 0
    return x


@cache
def expected() -> dict[str, np.ndarray]:
    """What the network as imported says of five samples."""
    return interpret(parse(NET), {"x": image(5)})


def cases() -> Iterator[tuple[str, str]]:
    """Strategies with the targets that have them."""
    for target in TARGETS:
        for strategy in STRATEGIES:
            if (
                not strategy
                or Choice.parse(strategy).get("bits", 0) <= X86_PATHS[target].vector_bits
            ):
                yield target, strategy


@pytest.mark.sampled(per=("strategy",))
@pytest.mark.parametrize(("name", "strategy"), list(cases()))
def test_results_do_not_depend_on_the_strategy(name: str, strategy: str, tmp_path: Path) -> None:
    target = X86_PATHS[name]
    graph, data = compiled(strategy, target)
    kernels = [node.op.kernel for node in graph.nodes if isinstance(node.op, Fused)]
    assert any(kernel.startswith(strategy) for kernel in kernels), kernels
    if not present(target):
        pytest.skip(f"not executed here: this machine cannot run {name}")
    path = tmp_path / "net.so"
    path.write_bytes(data)
    for threads in (1, 3):
        with runtime.load(path, threads=threads) as model:
            batch = model.run({"x": image(5)})
            parts = [model.run({"x": image(5)[i : i + 1]}) for i in range(5)]
        for key, reference in expected().items():
            assert batch[key].tobytes() == reference.tobytes()
            single = np.concatenate([part[key] for part in parts])
            assert single.tobytes() == reference.tobytes()
