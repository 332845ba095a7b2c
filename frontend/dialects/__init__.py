"""How exporters outside the ONNX standard write binarization, one file a domain."""
