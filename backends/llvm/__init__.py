"""The LLVM backend: scheduled graphs to objects, assembly or LLVM IR; needs llvmlite."""

from .module import LlvmBackend, LlvmLowered

__all__ = ["LlvmBackend", "LlvmLowered"]
