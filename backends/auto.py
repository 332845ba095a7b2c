"""Both backends at once: each layer goes to the kernel that is expected, or measured, to be faster.

Kernels of either are steps of one module, so that nothing changes at the border between them.
"""

from .llvm import kernels
from .tvm import TvmBackend


class AutoBackend(TvmBackend):
    """The kernels of the LLVM backend, then those of the TVM backend."""

    def __init__(self) -> None:
        super().__init__("auto", kernels)
