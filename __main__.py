"""``python -m bnnc`` is the command ``bnnc``."""

from .tools.command_line.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
