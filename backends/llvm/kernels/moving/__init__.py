"""What the kernels that move elements are made of; no kernel of its own."""
