"""The commands, one module each: its arguments and what it does.

A command imports the compiler inside ``run``: see ``tools.cli``.
"""

from . import bench, compile, expand, inspect, opt, run, targets, verify

COMMANDS = (compile, run, verify, bench, inspect, expand, opt, targets)
