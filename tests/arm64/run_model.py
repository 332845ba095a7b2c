"""Run inside the arm64 Python: load an artifact, run it on an .npz file, write another.

run_model.py MODEL.so INPUTS.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys

import numpy as np

from bnnc import runtime


def main() -> None:
    """Run by name, by position and into ``out``: all must agree bit for bit."""
    path, given, results = sys.argv[1:]
    with np.load(given) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    with runtime.load(path) as model:
        outputs = model.run(inputs)
        again = model(*(inputs[tensor.name] for tensor in model.inputs))
        out = model.run(inputs, out={name: np.empty_like(a) for name, a in outputs.items()})
    again = again if isinstance(again, tuple) else (again,)
    for (name, array), other in zip(outputs.items(), again, strict=True):
        if not array.tobytes() == other.tobytes() == out[name].tobytes():
            sys.exit(f"{path}: output {name!r} differs between two runs")
    np.savez(results, **outputs)


main()
