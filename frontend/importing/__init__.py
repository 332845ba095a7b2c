"""From ONNX nodes to operators of the IR: what a rule sees, what is folded, what went wrong."""
