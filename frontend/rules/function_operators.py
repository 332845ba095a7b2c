"""Operators that are imported through the definition by other operators that ONNX gives them."""

from __future__ import annotations

from ...errors import Limit
from ..importing.call import Call
from ..importing.function_bodies import expanded
from ..importing.scope import ImportedTensor
from ..registry import rule

_DEFINITION = {Limit.FORM: "what the operators of its ONNX definition take"}


@rule(
    "Attention",
    "DynamicQuantizeLinear",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RotaryEmbedding",
    "SoftmaxCrossEntropyLoss",
    "SwiGLU",
    limits=_DEFINITION,
)
def function(call: Call) -> tuple[ImportedTensor, ...]:
    """The body of the function, operator by operator."""
    return expanded(call)


@rule(
    "BlackmanWindow",
    "HammingWindow",
    "HannWindow",
    limits={Limit.CONSTANT: "size", Limit.TYPE: "only float32 results"},
)
def window(call: Call) -> tuple[ImportedTensor, ...]:
    """A constant curve."""
    call.array(0, "size")
    return expanded(call)


@rule("CenterCropPad", limits={**_DEFINITION, Limit.SHAPE: "shape"})
def center_crop_pad(call: Call) -> tuple[ImportedTensor, ...]:
    """A slice, then a border."""
    call.integers(1, "shape")
    return expanded(call)
