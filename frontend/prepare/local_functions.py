"""Model-local functions: expanded in place, unless bnnc has a rule for the function itself."""

from __future__ import annotations

from onnx import FunctionProto, ModelProto, checker, inliner

from ...errors import ModelError
from ..registry import find_rule

MAX_NODES = 50_000
"""Nodes of a model, several times those of the largest networks that people export; nested
functions can double them at every level."""


def inline_functions(model: ModelProto) -> ModelProto:
    """The model without calls of its own functions.

    A function that bnnc imports as an operator (a QONNX quantizer with its body attached) stays a
    call. Raises ModelError for recursive functions and for more than `MAX_NODES` nodes.
    """
    functions = {(f.domain, f.name): f for f in model.functions}
    if len(functions) != len(model.functions):
        raise ModelError("a model-local function is defined twice")
    sizes: dict[tuple[str, str], int] = {}
    total = sum(_size((n.domain, n.op_type), functions, sizes, ()) for n in model.graph.node)
    if total > MAX_NODES:
        expanded = " with its functions expanded" if functions else ""
        raise ModelError(f"the model has {total} nodes{expanded}; bnnc takes up to {MAX_NODES}")
    if not functions:
        return model
    known = [key for key in functions if key[0] and find_rule(*key, None)]
    try:
        return inliner.inline_selected_functions(model, known, exclude=True)
    except (RuntimeError, ValueError, checker.ValidationError) as error:
        raise ModelError(f"model-local functions cannot be expanded: {one_line(error)}") from error


def _size(
    key: tuple[str, str],
    functions: dict[tuple[str, str], FunctionProto],
    sizes: dict[tuple[str, str], int],
    above: tuple[tuple[str, str], ...],
) -> int:
    """Nodes that a call of ``key`` expands to; raises ModelError when it calls itself."""
    if key not in functions:
        return 1
    if key in above:
        raise ModelError(f"model-local function '{key[1]}' calls itself")
    if len(above) > 100:
        raise ModelError("model-local functions are nested too deeply")
    if key not in sizes:
        body = functions[key].node
        sizes[key] = sum(
            _size((n.domain, n.op_type), functions, sizes, (*above, key)) for n in body
        )
    return sizes[key]


def one_line(error: BaseException) -> str:
    """The message of another library's exception without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
