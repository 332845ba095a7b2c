"""The version of bnnc, in one place: the package, the command line and every artifact name it."""

__version__ = "0.1.0"
