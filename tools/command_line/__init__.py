"""The command ``bnnc``: its arguments, exit codes and output; one module a command."""
