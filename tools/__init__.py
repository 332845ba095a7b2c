"""What stands on top of the library: the command line, benchmarks, demo and training scripts."""
