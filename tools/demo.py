"""The demo: compile the MNIST network, run it, compare with ONNX Runtime, compile it for arm64.

`make demo` runs ``python -m bnnc.tools.demo``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OutputError, TargetError
from ..runtime.cpu import cpu_name
from .benchmarks.onnx_engines import ONNXRUNTIME, PeerError
from .benchmarks.timing import measure, pinned
from .command_line.console import (
    require_compiler,
    show,
    show_text,
    table,
    time_text,
)
from .command_line.exits import guarded
from .inspection.layer_report import smaller_text, totals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..driver import Compilation

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "mnist"
LEAST_RIGHT = 0.98
"""Below this share of right digits the demo fails: the network has 99.05 % on all test images."""

BOARD = """\
  Copy {library} to the board (arm64 Linux). With bnnc and NumPy there:

      import bnnc
      model = bnnc.load("{name}")
      scores = model(images)      # float32 [N, 1, 28, 28], pixels / 255; the largest is the digit

  A C program needs no Python: it includes {header} and links the library."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit code: 0 when the results are right."""
    parser = argparse.ArgumentParser(prog="python -m bnnc.tools.demo", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/demo"), metavar="DIR")
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing each, default 1")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments.output, arguments.seconds))


def run(folder: Path, seconds: float) -> int:
    """All steps; a step that this machine cannot do says why."""
    require_compiler("the demo")
    model = DATA / "mnist_bnn.onnx"
    if not model.is_file():
        raise OutputError(f"{model}: is missing; the demo runs in a checkout of bnnc")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write: {error.strerror}") from error
    with np.load(DATA / "test200.npz") as data:
        images = data["images"][:, None].astype(np.float32) / np.float32(255)
        labels = data["labels"]
    show("1. Compile a binary MNIST network for this machine")
    try:
        library = folder / "mnist.so"
        _compile(model, library, "native")
    except TargetError as error:
        show(f"  skipped: {error}")
        right = True
    else:
        right = _compare(model, library, images, labels, seconds)
    show("4. Compile it for a 64-bit ARM board")
    library, header = folder / "mnist-arm64.so", folder / "mnist-arm64.h"
    _compile(model, library, "arm64", header)
    show_text(BOARD.format(library=library, name=library.name, header=header))
    return 0 if right else 1


def _compile(model: Path, output: Path, target: str, header: Path | None = None) -> None:
    from ..driver import compile_file
    from ..options import Options

    options = Options(prefix="mnist", header=header)
    compilation: Compilation = compile_file(str(model), target, output, options)
    layers = compilation.manifest.layers
    counted = totals(layers)
    share = 100 * counted["binary_macs"] / counted["macs"]
    show(
        f"  {output}: {smaller_text(layers, len(compilation.data))}; {compilation.seconds:.1f} s",
        f"  {counted['binarized']} of {counted['total']} layers and {share:.1f} % of the "
        f"arithmetic run on bits, for {compilation.manifest.target.cpu}",
    )


def _compare(
    model: Path, library: Path, images: NDArray[Any], labels: NDArray[Any], seconds: float
) -> bool:
    """Accuracy and speed next to ONNX Runtime; True when enough digits are right."""
    from ..runtime import load

    with load(library) as compiled:
        digits = np.argmax(compiled.run({"image": images})["logits"], axis=-1)
        share = float(np.mean(digits == labels))
        show(
            f"2. Run {len(labels)} test images",
            f"  {int((digits == labels).sum())} right, {100 * share:.1f} %",
        )
        image = np.ascontiguousarray(images[:1])
        contenders: dict[str, Callable[[], Any]] = {"bnnc": lambda: compiled(image)}
        try:
            theirs = ONNXRUNTIME.load(str(model), {"image": images})()[0].argmax(-1)
            same = int((theirs == digits).sum())
            show(f"  the same digit as ONNX Runtime on {same} of {len(labels)}")
            contenders["onnxruntime"] = ONNXRUNTIME.load(str(model), {"image": image})
        except PeerError as error:
            show(f"  no comparison: {error}")
        with pinned():
            timed = measure(contenders, seconds)
    show(f"3. Time of one image, one thread of {cpu_name()}")
    rows = [("", "median", "fastest")]
    rows += [(name, time_text(t.median), time_text(t.minimum)) for name, t in timed.items()]
    show(*(f"  {line}" for line in table(rows)))
    if "onnxruntime" in timed:
        ratio = timed["onnxruntime"].median / timed["bnnc"].median
        show(
            f"  bnnc takes 1/{ratio:.1f} of the time"
            if ratio >= 1
            else f"  {1 / ratio:.1f}x slower"
        )
    return share >= LEAST_RIGHT


if __name__ == "__main__":
    raise SystemExit(main())
