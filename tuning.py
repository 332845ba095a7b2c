"""Cost models that measure instead of predicting: ``bnnc compile --tune``.

The passes choose layouts and kernels by what a cost model says of them. `MeasuredCost` says what
this machine takes: all ways to compute an operator are steps of one small library, run in turns for
a while, and the least time of each counts. Kernels with knobs (those of the TVM backend) are first
searched for their best (`SearchedCost`), which then is one more way. Results are kept by layer,
CPU, target and version, in the user's cache folder. With a tracker the search measures on boards
that it knows, and the predictions choose between kernels.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from .backends.cost_model import NO_CONSTANTS, Constants, CostModel, PredictedCost
from .backends.interface import (
    Backend,
    Choice,
    KernelDescriptor,
    Params,
    Searcher,
    SearchLimits,
)
from .backends.single_layer_library import piece
from .backends.targets import Target, check_host
from .errors import OutputError, TargetError
from .files import write_file
from .ir import (
    Array,
    Bits,
    Graph,
    Node,
    Op,
    Output,
    Slot,
    Stage,
    TensorType,
    Ternary,
    Value,
)
from .ir.ops import Fused, Relayout
from .ir.storage import to_storage
from .ir.structure import structure
from .runtime import artifact
from .runtime.cpu import cpu_name
from .runtime.step_timer import StepTimer

SEARCH_SHARE = 100
"""How much longer than a measurement a search may take."""
LEAST_CALLS, MOST_CALLS = 5, 2000
_MARGIN = 1.03
"""How much faster than the cost model's choice another must be: less than that is noise."""
NANOSECONDS = 0.4
"""Of a predicted cycle, about: for what is only part of a sum."""
_FORMAT = 1


def tuned_cost(
    backend: Backend,
    target: Target,
    version: str,
    seconds: float,
    trials: int,
    tracker: str | None = None,
    say: Callable[[str], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> CostModel:
    """The cost model of ``--tune``: measurements of this machine; with a tracker, predictions for
    what a search on its boards found. Raises TargetError where neither can be had."""
    if tracker is None:
        check_host(target, "tune", "leave out --tune")
    features = " ".join(target.features)
    place = f"{version} {tracker or cpu_name()} {target.triple} {target.cpu} {features}"
    cache = Cache.load(cache_file(), place, warn)
    limits = SearchLimits(trials, seconds * SEARCH_SHARE, tracker)
    searcher = backend.searcher(target, limits, search_folder(place), say)
    if searcher is None and tracker is not None:
        raise TargetError(
            f"the {backend.name} backend measures on this machine; --tune-tracker is for "
            "the tvm backend"
        )
    predicted = PredictedCost(target, backend.kernels)
    if searcher is not None:
        predicted = SearchedCost(
            target, backend.kernels, searcher, only_searched=tracker is not None
        )
    if tracker is not None:
        return predicted
    return MeasuredCost(predicted, backend, cache, seconds, say)


class SearchedCost(PredictedCost):
    """Predictions, with what a search found for the knobs of kernels among the ways.

    ``only_searched``: they take the place of the kernels' own candidates, for a search that
    measured elsewhere.
    """

    def __init__(
        self,
        target: Target,
        kernels: tuple[KernelDescriptor, ...],
        searcher: Searcher,
        only_searched: bool = False,
    ) -> None:
        super().__init__(target, kernels)
        self._searcher = searcher
        self._only_searched = only_searched
        self._best: dict[tuple[str, str], Params] = {}

    def choices(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Choice, ...]:
        own = super().choices(op, constants)
        out: list[Choice] = []
        for name in dict.fromkeys(choice.kernel for choice in own):
            ways = [choice for choice in own if choice.kernel == name]
            best = self._searched(op, name, constants)
            if best:
                ways = [*([] if self._only_searched else ways), Choice.of(name, best)]
            out += ways
        return tuple(out)

    def _searched(self, op: Op, name: str, constants: Constants) -> Params:
        """The best parameters found for an operator; none where there is nothing to search."""
        if not any(kernel.knobs for kernel in self.kernels if kernel.name == name):
            return {}
        key = (name, signature(op, constants))
        if key not in self._best:
            self._best[key] = self._searcher(op, name, constants, _title(op))
        return self._best[key]


class MeasuredCost(CostModel):
    """Nanoseconds on this machine, each distinct layer measured once and kept in a cache.

    A ``predicted`` model says which ways there are; the one that it favours is taken unless
    another is faster by more than noise.
    """

    def __init__(
        self,
        predicted: CostModel,
        backend: Backend,
        cache: Cache,
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(predicted.target, predicted.kernels)
        self._predicted = predicted
        self._backend = backend
        self._cache = cache
        self._seconds = seconds
        self._say = say
        self._expected = self._done = 0
        self._spent = 0.0

    def expect(self, ops: Iterable[Op], constants: Constants) -> None:
        """Count what is not in the cache yet."""
        missing = {
            signature(op, constants)
            for op in ops
            if (choices := self.choices(op, constants)) and self._compared(op, choices)
            if any(str(c) not in self._cache.times(signature(op, constants)) for c in choices)
        }
        self._expected = self._done + len(missing)

    def _compared(self, op: Op, choices: Sequence[Choice]) -> bool:
        """Whether it matters how long an operator takes."""
        return len(choices) > 1 or _has_layouts(op)

    def choices(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Choice, ...]:
        return self._predicted.choices(op, constants)

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        """Nanoseconds of a way that is one of several, as least; about those of an only one."""
        choices = self.choices(op, constants)
        if not self._compared(op, choices):
            return self._predicted.cost(op, choice, constants) * NANOSECONDS
        favourite = self._predicted.cheapest(op, constants)
        assert favourite is not None
        margin = 1.0 if choice == favourite.choice else _MARGIN
        return self._times(op, choices, constants)[str(choice)] * margin

    def _times(
        self, op: Op, choices: Sequence[Choice], constants: Constants
    ) -> Mapping[str, float]:
        """Nanoseconds of all ways, measured now unless the cache has them."""
        key = signature(op, constants)
        times = self._cache.times(key)
        if any(str(choice) not in times for choice in choices):
            title, started = _title(op), time.perf_counter()
            self._tell(title, len(choices))
            times = measure(op, choices, constants, self._backend, self.target, self._seconds)
            self._cache.keep(key, title, times)
            self._done, self._spent = self._done + 1, self._spent + time.perf_counter() - started
        return times

    def _tell(self, title: str, candidates: int) -> None:
        """How far tuning is, and how long the rest takes at the pace so far."""
        most = max(self._expected, self._done + 1)
        each = self._spent / self._done if self._done else self._seconds
        left = f"about {each * (most - self._done):.0f} s left"
        self._say(f"tuning {self._done + 1} of {most}: {title}, {candidates} candidates, {left}")


def _has_layouts(op: Op) -> bool:
    """Whether the layouts of the operator's bits are a matter of choice: then its only way is
    weighed against others of the graph."""
    if not isinstance(op, (Fused, Relayout)):
        return False
    values = (v.type for v in (*op.operands, *(op.body.results if isinstance(op, Fused) else ())))
    return any(type_.is_binary and type_.rank > 2 for type_ in values)


def _title(op: Op) -> str:
    leader = op.leader()
    result = leader.results[0].type if leader else op.infer()[0]
    return f"{(leader.op if leader else op).mnemonic()} {result}"


# --- measuring --------------------------------------------------------------------------------


def measure(
    op: Op,
    choices: Sequence[Choice],
    constants: Constants,
    backend: Backend,
    target: Target,
    seconds: float,
) -> dict[str, float]:
    """Least nanoseconds of each way to compute an operator, at N = 1 and on random operands."""
    graph = _candidates(op, choices, constants)
    data = piece(graph, backend, target)
    random = np.random.default_rng(0)
    inputs = [to_storage(_random(v.type, random), v.type) for v in graph.inputs]
    timer = StepTimer(data, artifact.read_manifest(data, "tuning"), "tuning", inputs)
    clock = time.perf_counter
    end = clock() + seconds
    while timer.calls < LEAST_CALLS or (clock() < end and timer.calls < MOST_CALLS):
        timer.run()
    least = [min(seconds) * 1e9 for seconds in timer.seconds()]
    return {str(choice): time_ for choice, time_ in zip(choices, least, strict=True)}


def _candidates(op: Op, choices: Sequence[Choice], constants: Constants) -> Graph:
    """The same operator once for each choice, on the same operands."""
    inputs: dict[Value, Value] = {}
    nodes: list[Node] = []
    outputs: list[Output] = []
    for value in dict.fromkeys(op.operands):
        if value in constants:
            nodes.append(Node(constants[value], (value,)))
        else:
            number = len(inputs)
            inputs[value] = Value(f"x{number}", value.type, (), Slot("input", number))
    moved = op.map_operands(lambda v: inputs.get(v, v))
    for number, choice in enumerate(choices):
        chosen = replace(moved, kernel=str(choice)) if isinstance(moved, Fused) else moved
        results = tuple(
            Value(f"y{at}.{number}", type_, (), Slot("output", at))
            for at, type_ in enumerate(chosen.infer())
        )
        outputs = [Output(value.name, value) for value in results]  # all write the same memory
        nodes.append(Node(chosen, results))
    return Graph("tuning", tuple(inputs.values()), tuple(nodes), tuple(outputs), Stage.SCHEDULED)


def _random(type_: TensorType, random: np.random.Generator) -> Array:
    """A logical array for N = 1. Ternary bits have no zeros: those are rare after most layers."""
    shape, element = type_.concrete(1), type_.element
    if isinstance(element, Bits):
        return random.integers(0, len(element.values), shape).astype(np.uint8)
    if isinstance(element, Ternary):
        return (random.integers(0, 2, shape) * 2 - 1).astype(np.int8)
    if element.dtype.kind == "f":
        return random.standard_normal(shape).astype(element.dtype)
    return random.integers(0, 2, shape).astype(element.dtype)


# --- what is kept -----------------------------------------------------------------------------


def signature(op: Op, constants: Constants) -> str:
    """Text that is equal for operators that take the same time: their structure and which operands
    are constants, but neither names nor the contents of constants."""
    known = [number for number, value in enumerate(op.operands) if value in constants]
    return f"{structure(op)}; constants {known}"


def cache_file() -> Path | None:
    """Where measurements are kept: ``bnnc/tuning.json`` in the user's cache folder; None for a user
    without a home."""
    folder = _cache_folder()
    return folder and folder / "tuning.json"


def search_folder(place: str) -> Path | None:
    """Where searches keep what they measured at one place: ``bnnc/search/..`` in the user's cache
    folder."""
    folder = _cache_folder()
    return folder and folder / "search" / hashlib.sha256(place.encode()).hexdigest()[:16]


def _cache_folder() -> Path | None:
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "bnnc"


@dataclass
class Cache:
    """Measured nanoseconds by layer and choice. A file that cannot be read is begun anew."""

    path: Path | None
    place: str
    entries: dict[str, dict[str, Any]]
    warn: Callable[[str], None]

    @classmethod
    def load(cls, path: Path | None, place: str, warn: Callable[[str], None]) -> Cache:
        """The cache of a file, if any, for one ``place`` (version, CPU and target)."""
        try:
            text = path.read_bytes() if path is not None else None
        except OSError:
            text = None
        if text is None:
            return cls(path, place, {}, warn)
        try:
            entries = _decoded(json.loads(text))
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            warn(f"{path}: not a tuning cache ({reason}); measuring anew")
            entries = {}
        return cls(path, place, entries, warn)

    def _key(self, layer: str) -> str:
        return hashlib.sha256(f"{self.place}\n{layer}".encode()).hexdigest()[:32]

    def times(self, layer: str) -> Mapping[str, float]:
        """Nanoseconds by choice; empty when the layer is not known."""
        entry = self.entries.get(self._key(layer))
        return entry["times"] if entry else {}

    def keep(self, layer: str, title: str, times: Mapping[str, float]) -> None:
        """Remember a layer, and write the file; the first that cannot be written is warned of, and
        then nothing more is kept."""
        self.entries[self._key(layer)] = {"title": title, "times": dict(times)}
        if self.path is None:
            return
        text = json.dumps({"format": _FORMAT, "entries": self.entries}, indent=1, sort_keys=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.path, text.encode())
        except (OSError, OutputError) as error:
            reason = error if isinstance(error, OutputError) else f"{self.path}: {error.strerror}"
            self.warn(f"{reason}; measurements are not kept for the next time")
            self.path = None


def _decoded(value: object) -> dict[str, dict[str, Any]]:
    """The entries of a file's JSON value; raises ValueError when it is something else."""
    if not isinstance(value, dict):
        raise ValueError("no object")
    fields = cast("dict[str, object]", value)
    if fields.get("format") != _FORMAT:
        raise ValueError(f"format {fields.get('format')!r}")
    entries = fields.get("entries")
    if not isinstance(entries, dict):
        raise ValueError("no entries")
    layers = cast("dict[str, object]", entries)
    for entry in layers.values():
        times = cast("dict[str, object]", entry).get("times") if isinstance(entry, dict) else None
        if not isinstance(times, dict):
            raise ValueError("an entry without times")
        for time_ in cast("dict[str, object]", times).values():
            if not (isinstance(time_, float) and 0 <= time_ < float("inf")):
                raise ValueError(f"a time of {str(time_)[:20]!r}")
    return cast("dict[str, dict[str, Any]]", layers)
