"""One file a kernel: blocks of TensorIR and their schedule."""
