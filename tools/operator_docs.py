"""docs/operators.md: the operators that the importer takes, printed from the import rules.

``python -m bnnc.tools.operator_docs [FILE]`` writes to FILE, or prints.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

from onnx import defs

from ..errors import Limit
from ..frontend import OLDEST_OPSET
from ..frontend.importing.constant_folding import FOLDED
from ..frontend.registry import ANY, NUMBERS, ONNX, REASONS, Rule, Stated, all_rules
from .generated_page import write_page

INTERNAL = "bnnc"
"""Domain of nodes that the importer makes itself."""

WORDS = {
    Limit.CONSTANT: "constant: {}",
    Limit.SHAPE: "known at compile time: {}",
    Limit.BATCH: "symbolic batch: {}",
    Limit.OUTPUT: "not computed: {}",
    Limit.TRAINING: "training mode: {}",
    Limit.EMPTY: "no elements: refused in {}",
}
"""How to print a limit of a rule; limits that are not listed are printed as they are."""

TYPES = {
    "f32": "float32", "i8": "int8", "u8": "uint8", "i16": "int16", "i32": "int32", "i64": "int64",
    "bool": "bool",
}  # fmt: skip
_ONNX_TYPES = {"f32": "float", "i8": "int8", "u8": "uint8", "i16": "int16", "i32": "int32",
               "i64": "int64", "bool": "bool"}  # fmt: skip

HEAD = f"""\
# Operators

`make operators` writes this file from the import rules (`frontend/rules/`), which state opsets,
types and limits beside the functions that they apply to. [onnx-suite.md](onnx-suite.md) counts the
results of the ONNX project's own tests.

## Limits of every model

A refusal names the node, and every problem of the model at once.

- **Opsets** {OLDEST_OPSET} and newer, up to the newest one of the installed `onnx`.
- **Element types** float32, int8, uint8, int16, int32, int64 and bool ("numbers": the first six;
  "all": with bool). float16 and bfloat16 are computed in float32, inputs and outputs included. Not
  float64, float8, 4-bit, unsigned 16 to 64-bit, complex or string. Constants may have any type but
  complex and string where they are converted at import: 4-bit and 2-bit weights behind a
  DequantizeLinear are floats, per tensor, per axis or in blocks.
- **Tensors** only: no sequences, maps, optional values or sparse tensors; none without elements;
  at most one symbolic dimension, the first ("symbolic batch"). `--shape` fixes the others.
- **Constants** hold no NaN that a result could depend on.
- "Constant" operands are initializers or computed from initializers; "known at compile time" means
  that the shapes of the model's inputs decide them, whatever the graph does to compute them.
"""


def text() -> str:
    """The complete page."""
    return "\n".join([HEAD, *_operators(), *_at_import(), *_refused(), *_unclaimed()]) + "\n"


def claimed() -> tuple[Rule, ...]:
    """The rules of operators that a model can hold."""
    return tuple(rule for rule in all_rules() if rule.domain != INTERNAL)


def _operators() -> Iterator[str]:
    tables: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for domain in sorted({rule.domain for rule in claimed()}):
        rows = tuple(_row(rule) for rule in claimed() if rule.domain == domain)
        tables[rows].append(domain)
    for rows, domains in tables.items():
        names = ", ".join(f"`{domain or 'ai.onnx'}`" for domain in domains)
        yield from (f"## Operators of {names}", "")
        yield from ("| operator | opsets | element types | limits |", "|---|---|---|---|")
        yield from (*rows, "")


def _row(rule: Rule) -> str:
    limits = "; ".join(_stated(stated) for stated in rule.limits)
    return f"| {rule.op} | {_opsets(rule)} | {_types(rule)} | {limits} |"


def _stated(stated: Stated) -> str:
    return WORDS.get(stated.limit, "{}").format(stated.words)


def _schemas(op: str) -> list[defs.OpSchema]:
    """The definitions of a standard operator, oldest first."""
    schemas = [s for s in defs.get_all_schemas_with_history() if s.name == op and not s.domain]
    return sorted(schemas, key=lambda s: s.since_version)


def _opsets(rule: Rule) -> str:
    """The opsets in which the rule holds and the operator exists."""
    schemas = _schemas(rule.op)
    if rule.domain != ONNX or not schemas:
        return "all"
    first = max(OLDEST_OPSET, rule.since, schemas[0].since_version)
    gone = [schemas[-1].since_version - 1] if schemas[-1].deprecated else []
    ends = [*gone, *([] if rule.until is None else [rule.until])]
    if not ends:
        return f"{first}+"
    last = min(ends)
    return f"{first} to {last}" if first < last else f"{first}"


def _types(rule: Rule) -> str:
    """Element types of the rule's operand that ONNX allows, too."""
    types = rule.types
    schema = next((s for s in reversed(_schemas(rule.op)) if not s.deprecated), None)
    if rule.domain == ONNX and schema is not None:
        if not schema.inputs:
            return ""
        operand = schema.inputs[min(rule.operand, len(schema.inputs) - 1)]
        types = tuple(t for t in types if f"tensor({_ONNX_TYPES[t]})" in operand.types)
    if types in (ANY, NUMBERS):
        return "all" if types == ANY else "numbers"
    return ", ".join(TYPES[t] for t in types)


def _at_import() -> Iterator[str]:
    names = sorted(FOLDED - {rule.op for rule in claimed() if rule.domain == ONNX})
    yield "## Computed only at import"
    yield ""
    yield "Where all operands are known. (So is every operator above, with all operands known.)"
    yield ""
    yield from _paragraph(names)
    yield ""


def _refused() -> Iterator[str]:
    yield "## Refused by name"
    yield ""
    for reason in dict.fromkeys(REASONS.values()):
        yield f"- **{reason}**"
        yield from (f"  {line}" for line in _paragraph(sorted(o for o, r in REASONS.items()
                                                               if r == reason)))  # fmt: skip
    yield ""


def _unclaimed() -> Iterator[str]:
    """Standard operators without a rule. These too are refused with the operator's name."""
    known = {rule.op for rule in claimed() if rule.domain == ONNX} | set(REASONS) | FOLDED
    names = {s.name for s in defs.get_all_schemas() if not s.domain and not s.deprecated} - known
    yield "## Not claimed"
    yield ""
    yield "Other operators of `ai.onnx`; refused as not supported."
    yield ""
    yield from _paragraph(sorted(names))


def _paragraph(names: Sequence[str]) -> Iterator[str]:
    """Names in lines of up to 98 letters."""
    line = ""
    for name in names:
        entry = name if name == names[-1] else f"{name},"
        if line and len(line) + 1 + len(entry) > 98:
            yield line
            line = ""
        line = f"{line} {entry}" if line else entry
    yield line


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``python -m bnnc.tools.operator_docs``."""
    return write_page("bnnc.tools.operator_docs", __doc__, text(), argv)


if __name__ == "__main__":
    sys.exit(main())
