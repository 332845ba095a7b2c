"""What may differ between two computations of one value, and what may not.

Float sums of K products are exact to 2 sqrt(K) ulp of their largest magnitude (64 ulp at least,
for what follows them): the float error bound. A step (a sign, a comparison, a rounding, the
position of the largest element) jumps, so it may differ only where the reference's value before it
lies within that bound of the jump: a near-tie. `Walk` computes a graph on the reference's own
values, node by node, and tells the three apart: equal, near-tie, wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ...ir import Array, Graph, Node, Op, Value, ops
from ...ir.interpret import batch_of, evaluate
from ...ir.ops import Fused
from ...ir.ops.binary import largest_product
from ...ir.ops.nn import batch_norm_terms
from ...ir.traits import MONOTONE, PASSES_ON, Trait

EPSILON = 2.0**-23
LEAST = 64.0
"""Of every bound, in ulp: epilogues and transcendental functions."""
INEXACT = Trait.SUMS | Trait.APPROXIMATED
"""Float sums, and functions that are approximated; sums of bits are exact."""
SOFTMAX_TERMS = 4096
"""What the error bound of a softmax is taken from, whatever the length of its axis."""


@dataclass(frozen=True)
class NearTie:
    """Elements of a step that differ where the reference is within the float error bound of the
    jump. ``layer`` is the ONNX node, ``value`` the largest distance from the jump among them, in
    the step's own unit or as a fraction of the largest magnitude (``relative``)."""

    layer: str
    operator: str
    count: int
    size: int
    value: float
    bound: float
    relative: bool = False

    def __str__(self) -> str:
        unit = " of scale" if self.relative else ""
        return (
            f"{self.layer} ({self.operator}): {self.count} of {self.size}, the reference's value "
            f"{self.value:.2g}{unit} from the step, bound {self.bound:.2g}"
        )


def same(a: Array, b: Array) -> Array:
    """Elementwise equality; NaN equals NaN."""
    return (a == b) | ((a != a) & (b != b))


def scale_of(array: Array) -> float:
    """The largest finite magnitude, 1 when there is none."""
    with np.errstate(invalid="ignore"):
        largest = np.max(np.abs(array), initial=0, where=np.isfinite(array))
    return float(largest) or 1.0


def distance(got: Array, expected: Array) -> Array:
    """Absolute differences in float64; NaN where only one side is NaN, infinity likewise."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    return np.where(same(got, expected), 0.0, apart)


def is_exact(op: Op) -> bool:
    """True when a kernel must equal its definition in every bit: each operation rounds once, in
    the graph's order."""
    return not any(o.traits & INEXACT and not counts(o) for o in inside(op))


def counts(op: Op) -> bool:
    """True for sums of products of bits."""
    return Trait.SUMS | Trait.BITS in op.traits


def keeps_errors(op: Op) -> bool:
    """True when results have the errors of the operands, and no larger ones."""
    follows = op.traits & (PASSES_ON | Trait.NONEXPANSIVE)
    return bool(follows) and Trait.APPROXIMATED not in op.traits


def inside(op: Op) -> list[Op]:
    """The operators of a region, or the operator itself."""
    return [node.op for node in op.body.nodes] if isinstance(op, Fused) else [op]


def terms(op: Op) -> int:
    """Products or elements that an operator sums; 1 when it sums none."""
    if isinstance(op, Fused):
        return max(map(terms, inside(op)))
    return SOFTMAX_TERMS if isinstance(op, (ops.Softmax, ops.LogSoftmax)) else op.terms()


def tolerance(count: int) -> float:
    """The float error bound of sums of ``count`` terms, relative to their largest magnitude."""
    return max(LEAST, 2 * max(count, 1) ** 0.5) * EPSILON


def inner_scale(node: Node, args: Sequence[Array], batch: int) -> float:
    """The largest magnitude between a node's operands and its results, which rounding errors are
    relative to when the results themselves are small: sums cancel."""
    op = node.op
    if isinstance(op, Fused):
        with np.errstate(all="ignore"):
            env = {v: np.asarray(a) for v, a in op.environment(args, batch).items()}
        inside = [env[v] for n in op.body.nodes for v in n.results]
        scales = [scale_of(array) for array in inside if array.dtype.kind == "f"]
        for inner in op.body.nodes:
            scales.append(inner_scale(inner, [env[v] for v in inner.op.operands], batch))
        return max(scales, default=0.0)
    floats = Trait.SUMS in op.traits and not counts(op)
    if floats and Trait.MULTIPLIES in op.traits:
        return scale_of(args[0]) * scale_of(args[1])
    if isinstance(op, ops.BatchNorm):
        scale, bias, mean, var = args[1:]
        k, _ = batch_norm_terms(scale, bias, mean, var, op.epsilon)
        return scale_of(args[0]) * scale_of(k)
    return scale_of(args[0]) if floats else 0.0


def shifted(
    node: Node,
    args: Sequence[Array],
    batch: int,
    by: int,
    slack: float,
    least: Sequence[float],
) -> tuple[Array, ...]:
    """A node's results when the operand of each step in it lies ``slack`` of its scale higher
    (``by`` = 1), lower (-1), or, within that distance of a sign's step, on it (0). ``least`` has
    for each operand what its scale is at least: sums cancel."""
    op = node.op
    if isinstance(op, Fused):
        env: dict[Value, Array] = dict(zip(op.body.params, args, strict=True))
        scales: dict[Value, float] = dict(zip(op.body.params, least, strict=True))
        for inner in op.body.nodes:
            read = [env[v] for v in inner.op.operands]
            at_least = [scales[v] for v in inner.op.operands]
            results = shifted(inner, read, batch, by, slack, at_least)
            env.update(zip(inner.results, results, strict=True))
            kept = max(at_least, default=0.0) if keeps_errors(inner.op) else 0.0
            scales.update(dict.fromkeys(inner.results, kept))
        return tuple(env[value] for value in op.body.results)
    moved = list(args)
    reach = slack * max([*map(scale_of, args), *least], default=0.0)
    if isinstance(op, ops.Equal) and args[0].dtype.kind == "f":
        near = distance(args[0], args[1]) <= reach
        return (near if by > 0 else np.zeros_like(near),)
    if by == 0 and isinstance(op, ops.Sign):
        near = np.abs(args[0]) <= reach
        return (np.where(near, args[0].dtype.type(0), op.reference(args, batch)),)
    if _has_threshold(op) and args[0].dtype.kind == "f":
        moved[0] = (args[0] + args[0].dtype.type(by * reach)).astype(args[0].dtype)
    return evaluate(Node(op, node.results), dict(zip(op.operands, moved, strict=True)), batch)


def _has_threshold(op: Op) -> bool:
    """Whether results jump where the first operand passes some number."""
    truncates = isinstance(op, ops.Cast) and op.to.dtype.kind in "iu"
    return truncates or (op.jumps and bool(op.traits & MONOTONE))


@dataclass
class Findings:
    """What walks over graphs found, added up."""

    floats: int = 0
    """Float tensors compared."""
    relative: float = 0.0
    """Their largest difference as a fraction of the largest magnitude of the tensor."""
    steps: int = 0
    """Elements of signs, masks and integers compared."""
    near_ties: list[NearTie] = field(default_factory=list[NearTie])
    flips: list[str] = field(default_factory=list[str])
    """Steps that differ and are no near-ties."""
    problems: list[str] = field(default_factory=list[str])
    """Floats that differ by more than their error bound."""


class Walk:
    """A graph computed on known values: each value that is known replaces the computed one before
    it is read, so that differences do not build up.

    ``known`` holds arrays by value name, ``before`` the reference's value before a packed
    sign by the sign's name. With ``wanted`` nothing but the values of these names is computed, and
    what they need. Afterwards ``values`` has the values as they were read and, with ``keep``,
    ``own`` those that were computed.
    """

    def __init__(
        self,
        graph: Graph,
        given: Mapping[str, Array],
        known: Mapping[str, Array],
        findings: Findings,
        before: Mapping[str, Before] | None = None,
        wanted: Collection[str] | None = None,
        keep: bool = False,
    ) -> None:
        self.graph, self.known, self.findings = graph, known, findings
        self.before = before or {}
        self.batch = batch_of(graph, given)
        self.own: dict[str, Array] = {}
        self.env: dict[Value, Array] = {v: np.asarray(given[v.name]) for v in graph.inputs}
        self._scales: dict[Value, float] = {}
        needed = set(graph.nodes) if wanted is None else self._needed(wanted)
        for node in graph.nodes:
            if node not in needed:
                self.env.update((v, known[v.name]) for v in node.results if self._fits(v))
                continue
            results = evaluate(node, self.env, self.batch)
            self.env.update(zip(node.results, results, strict=True))
            if isinstance(node.op, ops.Const):
                continue
            self.own.update((v.name, a) for v, a in zip(node.results, results, strict=True))
            for value in node.results:
                self.env[value] = self._checked(node, value)
                if not keep:
                    del self.own[value.name]

    def _fits(self, value: Value) -> bool:
        known = self.known.get(value.name)
        return known is not None and known.shape == value.type.concrete(self.batch)

    def _needed(self, wanted: Collection[str]) -> set[Node]:
        """The nodes that compute the values of these names, back to what is known."""
        nodes = {node for node in self.graph.nodes if isinstance(node.op, ops.Const)}
        ahead = [v for n in self.graph.nodes for v in n.results if v.name in wanted]
        while ahead:
            value = ahead.pop()
            node = self.graph.producers.get(value)
            if node is not None and node not in nodes and not self._fits(value):
                nodes.add(node)
                ahead.extend(node.op.operands)
        return nodes

    @property
    def values(self) -> dict[str, Array]:
        """Values as they were read, by name."""
        return {value.name: array for value, array in self.env.items()}

    def _checked(self, node: Node, value: Value) -> Array:
        mine = self.own[value.name]
        known = self._known(value.name, mine)
        if known is None or known.shape != mine.shape or known.dtype != mine.dtype:
            return mine
        if mine.dtype.kind == "f" and not value.type.is_binary:
            self.findings.floats += 1
        else:
            self.findings.steps += mine.size
        off = self.off(node, mine, known)
        if not off.any():
            if mine.dtype.kind == "f":
                apart = float(distance(mine, known).max(initial=0.0)) / scale_of(known)
                self.findings.relative = max(self.findings.relative, apart)
            return known
        tie = self.near_tie(node, value, mine, known, off)
        if tie is not None:
            self.findings.near_ties.append(tie)
            return known
        worst = float(distance(mine, known)[off].max())
        text = f"{layer_of(node, value)}: {int(off.sum())} of {off.size} elements of {value.name} "
        text += f"differ, by up to {worst:.3g}, scale {scale_of(known):.3g}"
        (self.findings.problems if mine.dtype.kind == "f" else self.findings.flips).append(text)
        return known

    def _known(self, name: str, mine: Array) -> Array | None:
        """What is known of a value. Canonicalize moves transposes down and calls what then stands
        before them ``name.t``: of the orders that fit the shape, the one that agrees best."""
        known = self.known.get(name)
        if known is not None or not name.endswith(".t"):
            return known
        known = self.known.get(name.removesuffix(".t"))
        if known is None or known.ndim != mine.ndim:
            return None
        turned = (known.transpose(order) for order in itertools.permutations(range(known.ndim)))
        fitting = [array for array in turned if array.shape == mine.shape]

        def apart(array: Array) -> float:
            return float(np.nan_to_num(distance(mine, array)).sum())

        return min(fitting, key=apart, default=None)

    def arguments(self, node: Node) -> list[Array]:
        """A node's operands as it read them."""
        return [self.env[value] for value in node.op.operands]

    def off(self, node: Node, mine: Array, known: Array) -> Array:
        """Where two results of a node differ by more than float errors explain."""
        if mine.dtype.kind != "f":
            return ~same(mine, known)
        apart, bound = distance(mine, known), tolerance(terms(node.op))
        off = ~(apart <= bound * scale_of(known))
        if off.any():
            value = node.results[0]
            off &= ~(apart <= max(bound, self.slack(value)) * self.largest_before(value))
        return off

    def inner_scale(self, value: Value) -> float:
        """The largest `inner_scale` before a value, as far as errors stay what they are."""
        largest, ahead = 0.0, [value]
        while ahead:
            node = self.graph.producers.get(ahead.pop())
            if node is None or any(v not in self.env for v in node.op.operands):
                continue
            largest = max(largest, inner_scale(node, self.arguments(node), self.batch))
            ahead.extend(node.op.operands if keeps_errors(node.op) else ())
        return largest

    def largest_sum(self, value: Value) -> float:
        """The largest magnitude that the counts before a value could give it: a reference that sums
        the products as floats has errors relative to that, however few are left in the end."""
        nodes = self._since_known(value)
        if not any(counts(op) for node in nodes for op in inside(node.op)):
            return 0.0
        extremes = [_at_count(nodes, self.env, self.batch, sign)[value] for sign in (1, -1)]
        return max(map(scale_of, extremes))

    def largest_before(self, value: Value) -> float:
        """The largest magnitude that errors of a value are relative to, however little is left."""
        return max(self.inner_scale(value), self.largest_sum(value))

    def near_tie(
        self, node: Node, value: Value, mine: Array, known: Array, off: Array
    ) -> NearTie | None:
        """The near-tie that explains every element in ``off``, or None."""
        layer, count = layer_of(node, value), int(off.sum())
        if value.type.is_binary and value.name in self.before:
            seen = self.before[value.name]
            largest = float(np.abs(seen.values[off]).max())
            if largest <= (bound := seen.bound()):
                return NearTie(seen.layer, "sign", count, off.size, largest, bound)
            if np.logical_or.reduce([same(mine, a) for a in seen.moved()])[off].all():
                slack = seen.slack
                return NearTie(seen.layer, "step", count, off.size, slack, slack, True)
            return None
        op = node.op
        if isinstance(op, ops.Sign):
            x, bound = self.env[op.x], self.bound(op.x)
            largest = float(np.abs(x[off]).max())
            return (
                NearTie(layer, "sign", count, off.size, largest, bound)
                if largest <= bound
                else None
            )
        if isinstance(op, ops.TopK):
            x = self.env[op.x]
            picked = [np.take_along_axis(x, index, op.axis)[off] for index in (mine, known)]
            gap, bound = float(distance(*picked).max()), self.bound(op.x)
            return NearTie(layer, "top_k", count, off.size, gap, bound) if gap <= bound else None
        slack = max([tolerance(terms(op)), *map(self.slack, op.operands)])

        def explained(slack: float) -> bool:
            wanted = [known] if mine is self.own.get(value.name) else [known, mine]
            return all(self._explained(node, value, a, slack)[off].all() for a in wanted)

        if not explained(slack):
            return None
        needed = slack
        while needed > EPSILON and explained(needed / 2):
            needed /= 2
        name = next((o.mnemonic() for o in inside(op) if is_step(o)), op.mnemonic())
        return NearTie(layer, name, count, off.size, needed, slack, True)

    def _explained(self, node: Node, value: Value, known: Array, slack: float) -> Array:
        """Where an array is what the node gives when the steps before it are moved."""
        explained = np.zeros(known.shape, np.bool_)
        for by, distant in ((0, 0.0), (-1, slack), (0, slack), (1, slack)):
            moved = self.moved(value, by, distant)
            if known.dtype.kind == "f":
                bound = tolerance(terms(node.op)) * scale_of(known)
                explained |= distance(moved, known) <= bound
            else:
                explained |= same(moved, known)
        return explained

    def slack(self, value: Value) -> float:
        """The relative float error bound of a value: of the longest sum right before it."""
        longest, ahead, seen = 1, [value], set[Value]()
        while ahead:
            value = ahead.pop()
            node = self.graph.producers.get(value)
            if value in seen or node is None:
                continue
            seen.add(value)
            longest = max(longest, terms(node.op))
            if terms(node.op) == 1:
                ahead.extend(node.op.operands)
        return tolerance(longest)

    def bound(self, value: Value) -> float:
        """The float error bound of a value, in its own unit. What it was picked from, or what
        cancelled in it, may be larger than what is left, wherever that is all that is left."""
        largest = self.largest_before(value)
        ahead, seen = [value], set[Value]()
        while ahead:
            part = ahead.pop()
            node = self.graph.producers.get(part)
            if part in seen or part not in self.env or part.element.dtype.kind != "f":
                continue
            seen.add(part)
            if part not in self._scales:
                self._scales[part] = scale_of(self.env[part])
            largest = max(largest, self._scales[part])
            if node is not None and keeps_errors(node.op):
                ahead.extend(node.op.operands)
        return self.slack(value) * largest

    def moved(
        self, value: Value, by: int, slack: float, nodes: Iterable[Node] | None = None
    ) -> Array:
        """A value when the operands of the steps among nodes are moved: if none are given, those
        since the last known values."""
        values: dict[Value, Array] = {}
        for node in self._since_known(value) if nodes is None else nodes:
            args = [values.get(v, self.env[v]) for v in node.op.operands]
            least = [self.largest_before(v) for v in node.op.operands]
            results = shifted(node, args, self.batch, by, slack, least)
            values.update(zip(node.results, results, strict=True))
        return values[value]

    def last_steps(self, value: Value) -> list[Node]:
        """The node that makes a value and those before it, up to the last steps, in order."""
        ahead, nodes = [value], set[Node]()
        while ahead:
            node = self.graph.producers.get(ahead.pop())
            if node is None or node in nodes or Trait.SUMS in node.op.traits:
                continue
            if any(v not in self.env for v in node.op.operands):
                continue
            nodes.add(node)
            ahead.extend(() if is_step(node.op) else node.op.operands)
        return [node for node in self.graph.nodes if node in nodes]

    def _since_known(self, value: Value) -> list[Node]:
        """The node that makes a value and those before it whose results are not known, in order."""
        wanted, ahead = {value}, [value]
        nodes: set[Node] = set()
        while ahead:
            node = self.graph.producers.get(ahead.pop())
            if node is None or node in nodes:
                continue
            nodes.add(node)
            hidden = [v for v in node.op.operands if v.name not in self.known]
            if Trait.SUMS not in node.op.traits:
                ahead.extend(v for v in hidden if v not in wanted)
                wanted.update(hidden)
        return [node for node in self.graph.nodes if node in nodes]


def _at_count(
    nodes: Sequence[Node], env: Mapping[Value, Array], batch: int, sign: int
) -> dict[Value, Array]:
    """Values where every product of bits has the same sign."""
    values = dict(env)
    for node in nodes:
        op = node.op
        if isinstance(op, (ops.BinaryConv, ops.BinaryGemm)):
            shape = node.result.type.concrete(batch)
            largest = largest_product(op) * terms(op)
            values[node.result] = np.full(shape, sign * largest, np.int32)
        elif isinstance(op, Fused):
            read = dict(zip(op.body.params, (values[v] for v in op.operands), strict=True))
            inner = _at_count(op.body.nodes, read, batch, sign)
            values.update(zip(node.results, (inner[v] for v in op.body.results), strict=True))
        else:
            values.update(zip(node.results, evaluate(node, values, batch), strict=True))
    return values


def before_moves(graph: Graph, known: Mapping[str, Array], batch: int) -> dict[str, Array]:
    """Known values, and those that follow from them: what stands before a transpose or reshape
    whose result is known. A product from the left is imported as one from the right between two
    transposes."""
    out = dict(known)
    for node in reversed(graph.nodes):
        op = node.op
        if not isinstance(op, (ops.Transpose, ops.Reshape)) or op.x.name in out:
            continue
        after = out.get(node.result.name)
        if after is not None and after.shape == node.result.type.concrete(batch):
            back = after.transpose(np.argsort(op.perm)) if isinstance(op, ops.Transpose) else after
            out[op.x.name] = back.reshape(op.x.type.concrete(batch))
    return out


@dataclass(frozen=True)
class Before:
    """What a sign reads, as the reference has it: values, their float error bound, and the ONNX
    node that the sign came from; what the sign becomes where it reads other steps, and the
    operands of those are ``moved`` by ``slack`` of their scale. What takes time is computed where
    it is asked for."""

    values: Array
    bound: Callable[[], float]
    layer: str
    moved: Callable[[], list[Array]]
    slack: float

    def map(self, change: Callable[[Array], Array]) -> Before:
        """The same in another order of channels."""
        return replace(
            self, values=change(self.values), moved=lambda: list(map(change, self.moved()))
        )


def signs_of(walk: Walk) -> dict[str, Before]:
    """What stands before each packed sign of a walk's graph, by the sign's name."""
    signs: dict[str, Before] = {}
    for node in walk.graph.nodes:
        if isinstance(node.op, ops.Binarize) and node.op.x in walk.env:
            x, sign = node.op.x, node.result
            layer, moved = layer_of(node, sign), partial(_moved_sign, walk, node)
            bound = partial(walk.bound, x)
            signs[sign.name] = Before(walk.env[x], bound, layer, moved, walk.slack(x))
    return signs


def _moved_sign(walk: Walk, node: Node) -> list[Array]:
    """A packed sign where the operands of the steps before it lie lower, on the jump, or higher."""
    x = node.op.operands[0]
    nodes, slack = [*walk.last_steps(x), node], walk.slack(x)
    return [walk.moved(node.result, by, slack, nodes) for by in (-1, 0, 1)]


def is_step(op: Op) -> bool:
    """True when an operator's results jump."""
    return any(o.jumps for o in inside(op))


def layer_of(node: Node, value: Value) -> str:
    """The ONNX node that a value came from, or its name."""
    origin = value.origin or node.origin
    return origin[0] if origin else value.name
