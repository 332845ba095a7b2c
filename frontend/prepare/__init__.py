"""What happens to an ONNX model before the import: read, bounded, checked, rewritten as ONNX."""
