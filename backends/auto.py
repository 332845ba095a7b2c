"""Both backends at once: each layer goes to the kernel that is expected, or measured, to be faster.

Kernels of either are steps of one module, so that nothing changes at the border between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..ir import Op
from .codegen.module import KernelBackend
from .cost_model import Constants
from .interface import Params, Searcher, SearchLimits
from .llvm import LlvmBackend
from .targets import Target
from .tvm import TvmBackend


class AutoBackend(KernelBackend):
    """The kernels of the LLVM backend, then those of the TVM backend."""

    def __init__(self) -> None:
        self.parts = (LlvmBackend(), TvmBackend())
        super().__init__("auto", tuple(k for part in self.parts for k in part.implementations))

    def searcher(
        self, target: Target, limits: SearchLimits, folder: Path | None, say: Callable[[str], None]
    ) -> Searcher | None:
        """Each kernel's knobs are found by what its own backend searches with."""
        searchers: dict[str, Searcher] = {}
        for part in self.parts:
            searcher = part.searcher(target, limits, folder, say)
            if searcher is not None:
                searchers |= dict.fromkeys((kernel.name for kernel in part.kernels), searcher)
        return _Searchers(searchers) if searchers else None


@dataclass(frozen=True)
class _Searchers:
    """Searchers by the names of the kernels that they know; others have no knobs."""

    by_kernel: Mapping[str, Searcher]

    def __call__(self, op: Op, kernel: str, constants: Constants, title: str) -> Params:
        searcher = self.by_kernel.get(kernel)
        return searcher(op, kernel, constants, title) if searcher is not None else {}
