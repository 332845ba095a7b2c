"""The tools on top of the library: command line, benchmarks, demo and training scripts."""
