"""Operators that are imported through the definition by other operators that ONNX gives them."""

from __future__ import annotations

from ..bodies import expanded
from ..call import Call
from ..registry import rule
from ..scope import Held


@rule(
    "Attention",
    "BlackmanWindow",
    "CenterCropPad",
    "HammingWindow",
    "HannWindow",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RotaryEmbedding",
    "SoftmaxCrossEntropyLoss",
    "SwiGLU",
)
def function(call: Call) -> tuple[Held, ...]:
    """The body of the function, operator by operator."""
    return expanded(call)
