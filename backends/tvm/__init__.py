"""The TVM backend: kernels as TensorIR, scheduled for the target and linked as LLVM IR."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from ..codegen.module import KernelBackend, kernels_of
from ..interface import Searcher, SearchLimits
from ..targets import Target
from . import kernels
from .tensor_kernel import TensorKernel


class TvmBackend(KernelBackend):
    """All kernels of `kernels/`."""

    def __init__(self) -> None:
        super().__init__("tvm", kernels_of(kernels))

    def searcher(
        self, target: Target, limits: SearchLimits, folder: Path | None, say: Callable[[str], None]
    ) -> Searcher:
        """MetaSchedule, here or on the boards that a tracker knows (HOST:PORT/KEY)."""
        from .board import Board

        board = Board.parse(limits.tracker) if limits.tracker is not None else None
        importlib.import_module("xgboost")  # MetaSchedule's cost model asks for it late
        from .search import Search

        searched = {
            k.descriptor.name: k for k in self.implementations if isinstance(k, TensorKernel)
        }
        return Search(searched, target, limits, folder, say, board)


__all__ = ["TvmBackend"]
