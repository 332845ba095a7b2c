"""Constants."""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import Array
from ..importing.call import Call
from ..prepare.tensor_data import check_tensor, tensor_array
from ..registry import rule


@rule("Constant", limits={Limit.FORM: "no strings, no sparse tensors"})
def constant(call: Call) -> Array:
    """A constant in any of its attribute forms except strings and sparse tensors."""
    given = call.tensor("value")
    if given is not None:
        check_tensor(given)
        return tensor_array(given)
    for name in ("value_float", "value_floats"):
        if call.given(name):
            attribute = call.node_attribute(name)
            numbers = attribute.f if name == "value_float" else list(attribute.floats)
            return np.array(numbers, np.float32)
    for name in ("value_int", "value_ints"):
        if call.given(name):
            attribute = call.node_attribute(name)
            numbers = attribute.i if name == "value_int" else list(attribute.ints)
            return np.array(numbers, np.int64)
    return call.refuse("holds no number; strings and sparse tensors are not supported", Limit.FORM)
