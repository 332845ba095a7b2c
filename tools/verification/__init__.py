"""Is a compiled model right: references, what may differ from them, layer by layer."""
