"""The whole way from an imported network to machine code, on random networks.

On dyadic networks float32 arithmetic is exact, so that every sign is certain and results agree.
``BNNC_EXAMPLES`` sets the number of networks a path draws.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from ir_support import examples, random_inputs
from kernel_cases import each
from library_support import X86_PATHS, Library, present
from missing_instructions import runnable
from random_graphs import networks

from bnnc.backends.cost_model import PredictedCost
from bnnc.driver import load_backend
from bnnc.ir import Graph, interpret
from bnnc.passes import Context, pipelines, run_passes


@pytest.mark.sampled(per=lambda parameters: parameters["run"][1])
@pytest.mark.parametrize("run", each(*X86_PATHS))
@examples(8)
@given(graph=networks(dyadic=True))
def test_passes_and_kernels_keep_the_meaning(run: tuple[str, str], graph: Graph) -> None:
    path, backend = run
    target = X86_PATHS[path]
    if not present(runnable(target)):
        pytest.skip(f"not executed here: this machine cannot run {path}")
    inputs = {k: np.round(v * 2) / np.float32(2) for k, v in random_inputs(graph, 2, 7).items()}
    context = Context(PredictedCost(target, load_backend(backend).kernels))
    scheduled = run_passes(graph, pipelines.default(), context)
    got = Library(scheduled, target, backend=backend).run(inputs, 2, pieces=3)
    for name, expected in interpret(graph, inputs).items():
        bound = 1e-5 * max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(got[name], expected, rtol=0, atol=bound, err_msg=name)
