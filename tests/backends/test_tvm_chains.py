"""What a term of TIR that is used several times becomes: TVM has no name for it."""

from __future__ import annotations

import re

import needs_tvm  # noqa: F401
from library_support import scheduled

from bnnc.backends.targets import TARGETS
from bnnc.driver import load_backend


def test_a_value_that_is_used_often_is_computed_few_times() -> None:
    """Each clip of a chain is two selections and uses its operand three times."""
    clips = 60
    steps = "\n".join(
        f"%c{i + 1} = clip(%c{i}) low=-{i + 1}.0 high={i + 2}.0 : f32[N,64]" for i in range(clips)
    )
    graph = scheduled(f"""graph @g scheduled {{
        input %x: f32[N,64]
        %y = fused([%x]) kernel="" {{
          (%c0: f32[N,64])
          {steps}
          yield %c{clips}
        }} : f32[N,64]
        output %y as "y"
    }}""")
    lowered = load_backend("tvm").lower(graph, TARGETS["icelake-server"])
    (kernel,) = lowered.foreign.values()
    assert len(re.findall(r"= select ", kernel)) < 4 * clips
