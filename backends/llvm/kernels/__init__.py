"""Kernels of the LLVM backend, one file each, with its descriptor."""
