"""The parts of `bnnc.tools.bench`: networks, peers, measuring, tables and plots."""
