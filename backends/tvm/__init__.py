"""The TVM backend: kernels as TensorIR, scheduled for the target and linked as LLVM IR."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ..codegen.module import KernelBackend
from ..interface import Searcher, SearchLimits
from ..targets import Target
from . import kernels
from .tensor_kernel import TensorKernel


class TvmBackend(KernelBackend):
    """All kernels of `kernels/`; `backends.auto` adds those of others."""

    def __init__(self, name: str = "tvm", *others: ModuleType) -> None:
        super().__init__(name, *others, kernels)

    def searcher(
        self, target: Target, limits: SearchLimits, folder: Path | None, say: Callable[[str], None]
    ) -> Searcher:
        """MetaSchedule, for the kernels of this backend."""
        importlib.import_module("xgboost")  # MetaSchedule's cost model asks for it late
        from .search import Search

        held = {k.descriptor.name: k for k in self._kernels if isinstance(k, TensorKernel)}
        return Search(held, target, limits, folder, say)


__all__ = ["TvmBackend"]
