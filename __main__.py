"""``python -m bnnc`` is the command ``bnnc``."""

from .tools.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
