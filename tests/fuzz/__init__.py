"""Differential fuzzer: random binarized ONNX models through bnnc, ONNX Runtime and the interpreter.

``python -m fuzz --graphs 2000`` with ``tests/`` on the path, or ``make fuzz``.
"""
