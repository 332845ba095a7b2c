"""The LLVM backend: kernels that write LLVM IR, instruction by instruction."""

from ..codegen.module import KernelBackend
from . import kernels


class LlvmBackend(KernelBackend):
    """All kernels of `kernels/`."""

    def __init__(self) -> None:
        super().__init__("llvm", kernels)


__all__ = ["LlvmBackend"]
