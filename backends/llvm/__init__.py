"""The LLVM backend: kernels that write LLVM IR, instruction by instruction."""

from ..codegen.module import KernelBackend, kernels_of
from . import kernels


class LlvmBackend(KernelBackend):
    """All kernels of `kernels/`."""

    def __init__(self) -> None:
        super().__init__("llvm", kernels_of(kernels))


__all__ = ["LlvmBackend"]
