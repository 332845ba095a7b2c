"""What the suite runs over.

Tests take the fixture ``backend``, or the parameters of `kernel_cases.each`; both come from here.
"""

from __future__ import annotations

import pytest

BACKENDS = ("llvm", "tvm")
"""Every backend by the name of ``--backend``. A graph that one of them takes and another refuses is
a failure."""

MARKS: dict[str, tuple[pytest.MarkDecorator, ...]] = {"llvm": (), "tvm": (pytest.mark.tvm,)}
"""What tests of a backend need."""
