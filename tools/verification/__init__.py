"""Checks that a compiled model is right: references, and the differences allowed in each layer."""
