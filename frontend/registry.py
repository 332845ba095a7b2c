"""Which function imports which ONNX operator: rules register themselves with `rule`.

A file in the folder ``rules`` is found by listing it; no table names the files.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import Limit, ModelError

if TYPE_CHECKING:
    from .importing.call import Call

FLOAT = ("f32",)
INTEGERS = ("i8", "u8", "i16", "i32", "i64")
NUMBERS = (*FLOAT, *INTEGERS)
BOOL = ("bool",)
ANY = (*NUMBERS, *BOOL)
"""Element types, by the names of the IR."""

FLOAT32 = "export the model in float32 (in PyTorch: model.float() before the export)"
"""The advice for other floats."""

RuleFunction = Callable[["Call"], Any]
"""Returns the tensor of the node's output, or a tuple with an entry for each output."""

ONNX = ""
QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "finn")
"""Domains that have the same operators, by age of the exporter."""


@dataclass(frozen=True)
class Stated:
    """One limit of a rule, in words for docs/operators.md."""

    limit: Limit
    words: str


@dataclass(frozen=True)
class Rule:
    """How to import an operator of a domain in versions ``since`` .. ``until`` (None: no end).

    ``types`` are the element types that input ``operand`` may have; ``limits`` says what else ONNX
    allows and the rule refuses.
    """

    op: str
    domain: str
    since: int
    until: int | None
    function: RuleFunction
    types: tuple[str, ...] = ANY
    operand: int = 0
    limits: tuple[Stated, ...] = ()

    def covers(self, version: int | None) -> bool:
        """True for a domain version in range; a domain without a version counts as the newest."""
        if version is None:
            return self.until is None
        return self.since <= version and (self.until is None or version <= self.until)

    def apply(self, call: Call) -> Any:
        """Import a node by the rule; raises ModelError for an element type it does not take."""
        element = call.element(self.operand)
        if element is not None and element not in self.types:
            text = f"{element} is not supported; expected {' or '.join(self.types)}"
            if element in ("f16", "f64"):
                text = f"{text}; {FLOAT32}"
            raise ModelError(text, limits=[Limit.TYPE])
        return self.function(call)


_RULES: dict[tuple[str, str], list[Rule]] = {}


def rule(
    *ops: str,
    since: int = 1,
    until: int | None = None,
    domains: Sequence[str] = (ONNX,),
    types: Sequence[str] = ANY,
    operand: int = 0,
    limits: Mapping[Limit, str] = MappingProxyType({}),
) -> Callable[[RuleFunction], RuleFunction]:
    """Register the decorated function as the rule of ``ops`` in these domains and versions.

    ``types`` are the element types of input ``operand``, which the importer enforces. ``limits``
    states, by kind and in words that fit a table, what ONNX allows and the function refuses.
    """
    stated = tuple(Stated(limit, words) for limit, words in limits.items())

    def register(function: RuleFunction) -> RuleFunction:
        for op in ops:
            for domain in domains:
                entry = Rule(op, domain, since, until, function, tuple(types), operand, stated)
                _RULES.setdefault((domain, op), []).append(entry)
        return function

    return register


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, after loading each file of the folder ``rules``."""
    from . import rules

    for module in sorted(m.name for m in pkgutil.iter_modules(rules.__path__)):
        importlib.import_module(f"{rules.__name__}.{module}")
    return tuple(entry for key in sorted(_RULES) for entry in _RULES[key])


def find_rule(domain: str, op: str, version: int | None) -> Rule | None:
    """The rule of an operator in a version of its domain, None when there is none."""
    all_rules()
    return next((r for r in _RULES.get((domain, op), []) if r.covers(version)), None)


CONTROL_FLOW = (
    "control flow: export the model with it resolved (fixed shapes, no data-dependent branch)"
)
"""The advice for branches and loops."""

_TRAINING = "a training operator: export the model for inference"
_SEQUENCE = "sequences and optional values have no place in a compiled model"
_RANDOM = "a random operator: export the model for inference"
_STRING = "strings and encoded images have no place in a compiled model: prepare the data outside"
_DATA = "the data decides how large its result is; compile the model up to its operand"
_RECURRENT = "recurrent layers are not compiled"
_PARTITION = "a model inside the model: compile it before it is partitioned"
_HARDWARE = "a hardware layer of FINN: export the model before its conversion to hardware layers"
REASONS = {
    **dict.fromkeys(("Loop", "Scan"), CONTROL_FLOW),
    **dict.fromkeys(("Adagrad", "Adam", "Momentum", "Gradient"), _TRAINING),
    **dict.fromkeys(
        ("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
         "SequenceLength", "SequenceMap", "SplitToSequence", "ConcatFromSequence", "Optional",
         "OptionalGetElement", "OptionalHasElement"),
        _SEQUENCE,
    ),
    **dict.fromkeys(
        ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial",
         "Bernoulli"),
        _RANDOM,
    ),
    **dict.fromkeys(
        ("ImageDecoder", "RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit",
         "TfIdfVectorizer"),
        _STRING,
    ),
    **dict.fromkeys(("NonMaxSuppression", "Unique"), _DATA),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _RECURRENT),
    "ai.onnx.ml": "classical machine learning (trees, scalers, encoders) belongs outside the model",
    "com.microsoft": "made by ONNX Runtime's optimizer: take the model from before it",
    "GenericPartition": _PARTITION,
    "StreamingDataflowPartition": _PARTITION,
    "FloatQuant": "small floats stay floats; BipolarQuant, Quant, IntQuant and Trunc are supported",
    "finn.custom_op.fpgadataflow": _HARDWARE,
    "finn.custom_op.fpgadataflow.hls": _HARDWARE,
    "finn.custom_op.fpgadataflow.rtl": _HARDWARE,
}  # fmt: skip
"""Why an operator, or every operator of a domain, is not supported."""
