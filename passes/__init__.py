"""Passes: each rewrites a graph into a graph; `pipelines` orders them."""

from .manager import Context, Pass, parse_pipeline, pass_types, run_passes

__all__ = ["Context", "Pass", "parse_pipeline", "pass_types", "run_passes"]
