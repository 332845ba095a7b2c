"""bnnc with the interface that the ONNX project defines for runtimes and for their tests.

>>> from bnnc.tools import onnx_backend
>>> onnx_backend.prepare(onnx.load("mnist.onnx")).run([images])

The module itself is the backend: it has a backend class's methods as functions, which
``onnx.backend.test.BackendTest(onnx_backend, __name__)`` and users of other backends expect.
"""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper
from onnx.backend.base import Backend, BackendRep, Device, DeviceType

from ..driver import compile
from ..errors import InputError, ModelError
from ..runtime import Model


class Refused(ModelError, unittest.SkipTest):
    """A model beyond the limits of docs/operators.md; test runners count it as skipped."""


class BnncRep(BackendRep):
    """A compiled model. ``halves`` are the outputs that the ONNX model declares as float16 or
    bfloat16: bnnc computes them in float32, callers of a backend get what was declared."""

    def __init__(self, model: Model, halves: Mapping[str, np.dtype[Any]] | None = None) -> None:
        self.model = model
        self.halves = halves or {}

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs in graph order, for arrays in graph order, by name, or the only one."""
        if kwargs:
            raise InputError(f"unknown argument {sorted(kwargs)[0]!r}")
        if not isinstance(inputs, Mapping):
            arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            names = [info.name for info in self.model.inputs]
            if len(arrays) != len(names):
                raise InputError(f"expected {len(names)} inputs, got {len(arrays)}")
            inputs = dict(zip(names, arrays, strict=True))
        results = self.model.run(inputs)
        return tuple(
            array.astype(self.halves[name]) if name in self.halves else array
            for name, array in results.items()
        )


def _halves(model: ModelProto) -> dict[str, np.dtype[Any]]:
    """The outputs of half-precision types, whose bits float32 holds."""
    codes = {info.name: info.type.tensor_type.elem_type for info in model.graph.output}
    return {
        name: helper.tensor_dtype_to_np_dtype(code)
        for name, code in codes.items()
        if code in (TensorProto.FLOAT16, TensorProto.BFLOAT16)
    }


class BnncBackend(Backend):
    """`bnnc.compile`, then `bnnc.load`."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """True when the model can be imported: nothing else decides."""
        from ..frontend import load_model

        try:
            load_model(model)
        except ModelError:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> BnncRep:
        """Compile for this machine and load.

        ``kwargs`` go to `bnnc.compile` (``target``, ``shapes``, ``exact_float`` and so on). Raises
        Refused for a model beyond bnnc's limits, ModelError for one that is wrong.
        """
        if not cls.supports_device(device):
            raise InputError(f"unknown device {device!r}; expected CPU")
        try:
            return BnncRep(compile(model, **kwargs), _halves(model))
        except ModelError as error:
            if None in error.limits:
                raise
            raise Refused(str(error), error.problems, error.limits) from error

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Compile and run one operator of ONNX opset ``opset_version`` (default: the newest).

        The first input is data; the others (weights, shapes, axes) are known and become constants.
        """
        version = kwargs.pop("opset_version", defs.onnx_opset_version())
        names = [name for name in node.input if name]
        arrays = [np.asarray(array) for array in inputs]
        types = [helper.np_dtype_to_tensor_dtype(array.dtype) for array in arrays]
        values = [
            helper.make_tensor_value_info(name, type_, array.shape)
            for name, type_, array in zip(names, types, arrays, strict=True)
        ]
        graph = helper.make_graph(
            [node],
            "node",
            values[:1],
            [helper.make_empty_tensor_value_info(name) for name in node.output if name],
            [
                numpy_helper.from_array(a, name)
                for name, a in zip(names[1:], arrays[1:], strict=True)
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
        return cls.prepare(model, device, **kwargs).run(arrays[:1])

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """True only for the CPU."""
        try:
            return Device(device).type == DeviceType.CPU
        except AttributeError:
            return False


is_compatible = BnncBackend.is_compatible
prepare = BnncBackend.prepare
run_model = BnncBackend.run_model
run_node = BnncBackend.run_node
supports_device = BnncBackend.supports_device
