"""Targets, the backend protocol, and the backends (each a package, imported only when used)."""
