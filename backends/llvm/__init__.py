"""The LLVM backend: scheduled graphs to objects, assembly or LLVM IR; needs llvmlite."""
