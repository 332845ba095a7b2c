"""Reading ONNX: a model file or ModelProto becomes an imported graph."""
