"""bnnc compiles binarized ONNX networks to small native libraries and runs them.

``bnnc.compile`` turns an ONNX model into a shared library, ``bnnc.load`` opens one;
``bnnc.inspect``, ``bnnc.verify``, ``bnnc.benchmark`` and ``bnnc.targets`` return what the commands
of these names print. All load on first use, so that ``import bnnc`` costs nothing and works where
only NumPy is installed.
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
    from .tools.benchmarks.call_times import benchmark
    from .tools.inspection.contents import inspect
    from .tools.inspection.target_list import targets
    from .tools.verification.model_check import verify

__all__ = [
    "Options",
    "__version__",
    "benchmark",
    "compile",
    "errors",
    "inspect",
    "load",
    "runtime",
    "targets",
    "verify",
]

_PLACES = {
    "Options": ".options",
    "benchmark": ".tools.benchmarks.call_times",
    "compile": ".driver",
    "inspect": ".tools.inspection.contents",
    "load": ".runtime",
    "targets": ".tools.inspection.target_list",
    "verify": ".tools.verification.model_check",
}
"""The module of each public name that is loaded when it is first asked for (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name == "runtime":
        return importlib.import_module(".runtime", __name__)
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
