"""bnnc compiles binarized ONNX networks to small native libraries and runs them.

``bnnc.compile`` turns an ONNX model into a shared library, ``bnnc.load`` opens one. Both load on
first use, so that ``import bnnc`` costs nothing and works where only NumPy is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import errors
from .version import __version__

if TYPE_CHECKING:
    from . import runtime
    from .driver import compile
    from .options import Options
    from .runtime import load

__all__ = ["Options", "__version__", "compile", "errors", "load", "runtime"]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first asked for (PEP 562)."""
    if name == "runtime":
        return importlib.import_module(".runtime", __name__)
    if name == "load":
        return importlib.import_module(".runtime", __name__).load
    if name == "Options":
        return importlib.import_module(".options", __name__).Options
    if name == "compile":
        return importlib.import_module(".driver", __name__).compile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
