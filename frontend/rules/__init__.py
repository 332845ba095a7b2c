"""Import rules of standard ONNX operators, one file an operator family, found by folder listing."""
