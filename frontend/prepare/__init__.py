"""The steps before an ONNX model is imported: read, bounded, checked, rewritten as ONNX."""
