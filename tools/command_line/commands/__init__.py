"""The commands, one module each: the arguments of the command and the function that runs it.

A command imports the compiler inside ``run``: see ``tools.command_line.cli``.
"""

from . import bench, compile, completion, expand, inspect, opt, run, targets, verify

COMMANDS = (compile, run, verify, bench, inspect, expand, opt, targets, completion)
