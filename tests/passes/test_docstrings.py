"""The ``Before:`` and ``After:`` of every pass are what the pass does."""

from __future__ import annotations

import inspect
import textwrap

import pytest
from ir_support import WORDS_AND_PLANES

from bnnc.ir import parse, print_graph, verify
from bnnc.passes import Pass, pass_types, run_passes


def example(cls: type[Pass]) -> tuple[str, str]:
    """The two blocks of a docstring, without indentation."""
    text = inspect.getdoc(cls) or ""
    before, heading, after = text.partition("Before:\n")[2].partition("After:\n")
    assert heading, f"{cls.__name__} shows no Before: and After:"
    after = after.partition("\n\n")[0]
    return textwrap.dedent(before).strip(), textwrap.dedent(after).strip()


@pytest.mark.parametrize("name", pass_types())
def test_docstring(name: str) -> None:
    cls = pass_types()[name]
    before, after = example(cls)
    stage = min(cls.requires).name.lower()
    graph = parse(f"graph @example {stage} {{\n{before}\n}}")
    verify(graph)
    printed = textwrap.dedent(
        "\n".join(print_graph(run_passes(graph, (cls(),), WORDS_AND_PLANES)).splitlines()[1:-1])
    )
    assert f"\n{after}\n" in f"\n{printed}\n"
