"""Operators that are imported through the definition by other operators that ONNX gives them."""

from __future__ import annotations

from ...errors import Limit
from ..bodies import expanded
from ..call import Call
from ..registry import rule
from ..scope import Held


@rule(
    "Attention",
    "BlackmanWindow",
    "CenterCropPad",
    "DynamicQuantizeLinear",
    "HammingWindow",
    "HannWindow",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RotaryEmbedding",
    "SoftmaxCrossEntropyLoss",
    "SwiGLU",
    limits={Limit.FORM: "what the operators of its ONNX definition take"},
)
def function(call: Call) -> tuple[Held, ...]:
    """The body of the function, operator by operator."""
    return expanded(call)
