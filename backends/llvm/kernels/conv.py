"""Float convolution and product: implicit GEMM in registers, lanes are output channels.

For each tap and input channel, vectors of weights meet one broadcast input per pixel; sums stay
in registers for a tile of pixels x vectors. Taps outside the operand are skipped. The operand may
have any layout: its strides only change where the broadcast loads read. With several groups, blocks
stay inside a group when that fills the lanes, else each lane loads the input of its own group
(depthwise convolution: one vector load, shared by the taps of a kernel row).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ....ir import Array, Op, decode
from ....ir.ops import Conv, Fused, Gemm
from ....runtime.weight_packing import in_lanes
from ... import cache_traffic
from ...codegen.fused_region import anchor_of, floats_for_codes
from ...codegen.kernel_builder import FLOAT, I32, Index, IRValue, vector
from ...codegen.kernel_interface import Job, Kernel
from ...codegen.math_float32 import multiply_add
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from .. import batched_gemm
from ..batched_gemm import Panels
from ..epilogue import Epilogue
from ..geometry import Geometry
from ..product_layer import Layer
from ..tiles import Plan, Tile, balanced, for_tiles, narrowed, refusal, tasks
from ..views import View

_UNROLL = 4
_LATENCY = 8
"""Independent sums that keep two multiply-add units busy."""
_LOAD = 0.15
"""Cycles that a load takes from two multiply-add units."""
_STREAM = 28
"""Bytes a cycle that the second-level cache delivers."""
_SHARING_TAPS = 7
"""Taps whose weights fit in registers beside a tile's sums."""


def cycles(op: Op, target: Target, nbytes: int) -> float:
    """Two vector multiply-adds a cycle (one without FMA), or what ``nbytes`` of weights take to
    come; and the epilogue."""
    assert isinstance(op, Fused)
    geometry = Geometry.of(anchor_of(op, Conv, Gemm))
    useful = min(target.lanes, max(1, geometry.group_out))
    rate = (2.0 if target.has.fma else 1.0) * useful
    pixels = geometry.samples * geometry.out[0] * geometry.out[1] * geometry.out_channels
    products = max(geometry.samples * geometry.macs() / rate, cache_traffic.weights(nbytes))
    return products + pixels / target.lanes * len(op.body.nodes)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """With floats as weights."""
    return cycles(op, target, 4 * anchor_of(op, Conv, Gemm).w.type.elements_per_sample())


def lanewise(geometry: Geometry, lanes: int, packs: bool) -> bool:
    """Whether lanes of one block read inputs of different groups: groups that fill no block, or
    whose bits would share words."""
    fills = geometry.group_out >= max(8, lanes // 2)
    return geometry.groups > 1 and (not fills or (packs and geometry.group_out % 64 != 0))


class FloatLayer(Layer[Conv | Gemm]):
    """One convolution for one target: its plan, weights and operand."""

    @cached_property
    def lanewise(self) -> bool:
        """Whether each lane reads the input of its own group."""
        return lanewise(self.geometry, self.code.lanes, self.job.packs)

    @cached_property
    def plan(self) -> Plan:
        """Sums for all registers but those of the weights, the input and temporaries."""
        if self.shares:
            return self._sharing_plan()
        target, lanes = self.code.target, self.code.lanes
        wide = target.registers == 32
        vectors = 4 if self.geometry.by_sample or (wide and lanes == 4) else 2
        vectors = max(vectors, -(-8 // lanes))
        maps = self.strides[1] == 4 and not self.lanewise and not self.geometry.by_sample
        if wide and lanes > 4 and maps:
            vectors = min((2, 4), key=self._row_cycles)
        vectors = narrowed(vectors, lanes, self._block_channels())
        pixels = self._most_pixels(vectors)
        return Plan(lanes, vectors, pixels, self.job.packs, split_groups=not self.lanewise)

    @cached_property
    def tap_classes(self) -> list[list[int]]:
        """Kernel columns whose inputs lie at the same distances from those of a pixel; all where
        lanes read their own inputs, so that a sum takes the taps in their order."""
        g = self.geometry
        if self.lanewise:
            return [list(range(g.kernel[1]))]
        classes: dict[int, list[int]] = {}
        for column in range(g.kernel[1]):
            classes.setdefault(column * g.dilations[1] % g.strides[1], []).append(column)
        return list(classes.values())

    @cached_property
    def shares(self) -> bool:
        """Whether taps share inputs: the weights of a class of taps stay in registers while each
        input is loaded once and meets every pixel that sees it."""
        most = max(map(len, self.tap_classes))
        if self.geometry.by_sample or most > _SHARING_TAPS:
            return False
        if self.lanewise:
            return self.contiguous
        return self.code.target.registers == 32 and most > 1

    def _sharing_plan(self) -> Plan:
        """As many pixels as leave room for the weights, or fewer where a row then divides
        better. Where lanes read their own inputs, blocks may be half as wide: more pixels then
        share a weight, but two blocks a cache line."""
        lanes, channels = self.code.lanes, self._block_channels()
        widths = (2, 1) if self.lanewise else (2,)
        vectors = [narrowed(max(n, -(-8 // lanes)), lanes, channels) for n in widths]
        options = [(v, p) for v in vectors for p in range(self._most_sharing(v), 0, -1)]
        best = min(options, key=lambda option: self._sharing_cycles(*option))
        return Plan(
            lanes,
            *best,
            self.job.packs,
            split_groups=not self.lanewise,
            ragged=True,
            blocks_inside=self.lanewise,
        )

    def _most_sharing(self, vectors: int) -> int:
        """Pixels that registers have room for beside the weights and an input."""
        weights = max(map(len, self.tap_classes)) * vectors
        return max(1, (self.code.target.registers - weights - 2) // vectors)

    def _sharing_cycles(self, vectors: int, pixels: int) -> float:
        """For one input channel of a row and a vector: sums, which wait for each other when few,
        and loads."""
        g, total = self.geometry, 0.0
        lines = max(1.0, cache_traffic.LINE / (4 * self.code.lanes * vectors))
        inputs = vectors * lines if self.lanewise else 1
        rests = [g.out[1] % pixels] if g.out[1] % pixels else []
        for n in [pixels] * (g.out[1] // pixels) + rests:
            loads = g.kernel[1] * vectors + inputs * (g.kernel[1] + (n - 1) * g.strides[1])
            total += max(n * vectors, _LATENCY) / 2 * g.kernel[1] + _LOAD * loads
        return total / vectors

    def _most_pixels(self, vectors: int) -> int:
        room = self.code.target.registers - vectors - (2 if self.code.target.has.fma else 4)
        return max(1, min(6 if self.lanewise else 14, room // vectors))

    def _row_cycles(self, vectors: int) -> float:
        """Estimated cycles for one input of a row of pixels and 16 channels.

        A load costs part of a multiply-add: many vectors need fewer broadcasts. Weights beyond
        the first-level cache come slowly: tiles of few pixels wait for them.
        """
        g, target = self.geometry, self.code.target
        weights = 64 * vectors
        cached = weights * g.taps * g.group_channels <= target.l1 // 2
        narrow = narrowed(vectors, self.code.lanes, g.group_out)
        cycles = 0.0
        for segment in g.segments():
            size = balanced(segment.count, self._most_pixels(vectors))
            for pixels in [size] * (segment.count // size) + [segment.count % size]:
                loads = narrow + pixels if pixels else 0
                sums = pixels * narrow / 2 + _LOAD * loads
                cycles += max(sums, 0 if cached or not pixels else weights / _STREAM)
        return cycles / narrow

    @property
    def batched(self) -> bool:
        """Whether samples form tiles."""
        return self.geometry.by_sample and self.geometry.batch != 1

    def copies(self, tile: Tile, vectors: int) -> int:
        """Copies of the sums of a tile: so many that additions do not wait for each other.

        One where samples form tiles: a sample that shares a tile with others adds in the order of
        one that is alone, or results would depend on batch and threads.
        """
        if self.batched or self.shares:
            return 1
        sums = tile.pixels * vectors
        return 1 if sums >= _LATENCY else min(4, _LATENCY // sums)

    def _block_channels(self) -> int:
        g = self.geometry
        return g.out_channels if self.lanewise else g.group_out

    @cached_property
    def merged(self) -> bool:
        """Whether the inputs of neighbouring taps of a row are one run in memory."""
        g, (_, channel, _, column) = self.geometry, self.strides
        near = g.dilations[1] == 1 and channel == 4 and column == 4 * g.channels
        return near and g.groups == 1

    @cached_property
    def contiguous(self) -> bool:
        """Lanes read neighbouring inputs: depthwise, channels innermost."""
        return self.geometry.group_channels == self.geometry.group_out == 1 and (
            self.strides[1] == 4 or self.geometry.channels == 1
        )

    def blocked(self, weights: Array) -> Array:
        """[blocks, taps, inputs of a group, width], lanes innermost, missing channels 0."""
        g, plan = self.geometry, self.plan
        w = weights.reshape(g.out_channels, g.group_channels, g.taps)
        return in_lanes(w.swapaxes(1, 2), plan.width, g.groups if plan.split_groups else 1)

    def body(self) -> None:
        """The whole kernel function."""
        code = self.code
        self.x = code.pointer(self.job.outer(self.op.x))
        self.bias: View | None = None
        if self.op.bias is not None:
            constant = self.job.is_constant(self.op.bias)
            self.bias = View.of(code, self.job.outer(self.op.bias), 1, constant)
        self.region = Epilogue(code, self.job)
        self.emit_sums()

    def emit_sums(self) -> None:
        """The loops over weights, which are floats in memory."""
        code = self.code
        floats = self.constant.map(lambda w: self.blocked(decode(w, self.op.w.element)))
        if batched_gemm.fits(self.geometry, code.target):
            w = code.data(floats.map(lambda w: batched_gemm.strips(w[:, 0], self.plan)))
            steps = self.strides[:2]
            Panels(code, self.geometry, self.plan, self.x, w, steps, self.sample_done).emit()
        else:
            self.w = code.data(floats)
            for_tiles(code, self.geometry, self.plan, self.tile)

    @property
    def block_bytes(self) -> int:
        """Bytes of the floats of a block."""
        return 4 * self.geometry.taps * self.geometry.group_channels * self.plan.width

    def block_weights(self, block: Index) -> IRValue:
        """Where the floats of a block are while its tiles are computed."""
        return self.code.offset(self.w, self.code.mul(block, self.block_bytes))

    def sample_done(self, sample: Index, channel: Index, count: int, value: IRValue) -> None:
        """Take the sums of a block of channels of one sample."""
        self._done(self.geometry.index(sample, channel, 0, 0), count, value)

    def tile(self, tile: Tile) -> None:
        """Compute one tile."""
        for pixel, value in enumerate(_Run(self, tile).sums()):
            self._done(tile.index(self.code, self.geometry, pixel), tile.count, value)

    def _done(self, index: tuple[Index, ...], count: int, value: IRValue) -> None:
        """Bias and epilogue of one pixel's block of channels."""
        if self.bias is not None:
            bias = self.bias.load(index[1:2], 0, value.type.count, count)
            value = self.code.b.fadd(value, bias)
        self.region.apply(index, 1, value, count)


class _Run:
    """The inner loops of one tile: state [copies][pixels][vectors] of sums.

    A small tile keeps several copies of its sums, so that additions do not wait for each other.
    """

    def __init__(self, layer: FloatLayer, tile: Tile) -> None:
        self.layer = layer
        self.tile = tile
        self.code = layer.code
        g, plan, code = layer.geometry, layer.plan, layer.code
        self.vectors = plan.vectors_for(tile.count)
        self.type = vector(FLOAT, plan.lanes)
        n, channel, row, column = layer.strides
        self.step = n if g.by_sample else column * g.strides[1]
        self.row_bytes = row
        first = code.sub(code.mul(tile.column, g.strides[1]), g.pads[1])
        first = code.add(first, tile.columns[0] * g.dilations[1])
        at = code.add(code.mul(tile.sample, n), code.mul(first, column))
        self.lane_offsets: list[Index] = []
        if layer.lanewise:
            self._find_lanes(channel)
        else:
            at = code.add(at, code.mul(tile.group, g.group_channels * channel))
        self.x = code.offset(layer.x, at)
        self.x_row = code.sub(code.mul(tile.row, g.strides[0]), g.pads[0])
        self.input_bytes = 4 * plan.width
        self.w = layer.block_weights(tile.block)
        self.columns = tile.columns[1] - tile.columns[0]
        self.copies = layer.copies(tile, self.vectors)

    def _find_lanes(self, channel: int) -> None:
        """Byte offset of each lane's first input channel."""
        g, code = self.layer.geometry, self.code
        for lane in range(1 if self.layer.contiguous else self.tile.count):
            group, _ = code.divide(code.add(self.tile.channel, lane), g.group_out)
            self.lane_offsets.append(code.mul(group, g.group_channels * channel))

    def sums(self) -> list[IRValue]:
        """Loop over the kernel's rows; one vector of the block's channels for each pixel."""
        per_copy = self.tile.pixels * self.vectors
        state: list[IRValue] = [self.type(None)] * (per_copy * self.copies)
        low, high = self.tile.rows
        if self.columns:
            state = self.code.repeat(low, high, 1, state, self._row)
        while len(state) > per_copy:
            half = len(state) // 2
            state = [
                self.code.b.fadd(a, b) for a, b in zip(state[:half], state[half:], strict=True)
            ]
        return [
            self.code.concat(state[p * self.vectors : (p + 1) * self.vectors])
            for p in range(self.tile.pixels)
        ]

    def _row(self, ky: Index, state: Sequence[IRValue]) -> Sequence[IRValue]:
        """All taps of one kernel row."""
        g, code = self.layer.geometry, self.code
        y = code.add(self.x_row, code.mul(ky, g.dilations[0]))
        x = code.offset(self.x, code.mul(y, self.row_bytes))
        tap = code.add(code.mul(ky, g.kernel[1]), self.tile.columns[0])
        tap_bytes = g.group_channels * self.input_bytes
        w = code.offset(self.w, code.mul(tap, tap_bytes))
        _, channel, _, column = self.layer.strides
        if self.layer.shares:
            return self._sharing(x, w, state)
        if self.layer.merged:
            return self._inputs(x, w, self.columns * g.channels, 4, list(state))

        def at(kx: Index, state: Sequence[IRValue]) -> Sequence[IRValue]:
            return self._inputs(
                code.offset(x, code.mul(kx, column * g.dilations[1])),
                code.offset(w, code.mul(kx, tap_bytes)),
                g.group_channels,
                channel,
                list(state),
            )

        return code.repeat(0, self.columns, 1, state, at)

    def _sharing(self, x: IRValue, w: IRValue, state: Sequence[IRValue]) -> Sequence[IRValue]:
        """All input channels of one kernel row, broadcasts shared by taps."""
        g, code = self.layer.geometry, self.code
        channel = self.layer.strides[1]

        def at(number: Index, state: Sequence[IRValue]) -> Sequence[IRValue]:
            sums = list(state)
            here = code.offset(x, code.mul(number, channel))
            weights = code.offset(w, code.mul(number, self.input_bytes))
            for taps in self.layer.tap_classes:
                self._tap_class(here, weights, taps, sums)
            return sums

        return code.repeat(0, g.group_channels, 1, state, at)

    def _tap_class(self, x: IRValue, w: IRValue, taps: list[int], state: list[IRValue]) -> None:
        """One input channel: the inputs that a class of taps sees, from left to right."""
        g, code, lanes = self.layer.geometry, self.code, self.layer.plan.lanes
        known = self.tile.column if isinstance(self.tile.column, int) else None
        columns, base = g.axes[1].ranges, self.tile.columns[0]
        seen: dict[int, list[tuple[int, int]]] = {}
        for pixel in range(self.tile.pixels):
            first, last = self.tile.columns if known is None else columns[known + pixel]
            for tap in taps:
                if first <= tap < last:
                    offset = pixel * g.strides[1] + (tap - base) * g.dilations[1]
                    seen.setdefault(offset, []).append((pixel, tap))
        tap_bytes = g.group_channels * self.input_bytes
        weights = {
            (tap, v): code.load(code.offset(w, (tap - base) * tap_bytes + 4 * lanes * v), self.type)
            for tap in sorted({tap for pairs in seen.values() for _, tap in pairs})
            for v in range(self.vectors)
        }
        for offset, pairs in sorted(seen.items()):
            inputs = self._load(code.offset(x, offset * self.layer.strides[3]))
            for pixel, tap in pairs:
                for v in range(self.vectors):
                    place = pixel * self.vectors + v
                    state[place] = multiply_add(code, inputs[v], weights[tap, v], state[place])

    def _inputs(
        self, x: IRValue, w: IRValue, count: int, step: int, state: list[IRValue]
    ) -> list[IRValue]:
        """``count`` inputs, ``step`` bytes apart, and their weights.

        What one pass of the loop reads must not overlap between pixels: LLVM would keep the shared
        inputs in registers, and spill the sums.
        """
        code = self.code
        apart = self.step // step if self.layer.merged and self.tile.pixels > 1 else _UNROLL
        unroll = min(_UNROLL, apart)

        def block(at: Index, state: Sequence[IRValue], size: int = unroll) -> list[IRValue]:
            there = code.offset(x, code.mul(at, step))
            weights = code.offset(w, code.mul(at, self.input_bytes))
            sums = list(state)
            for j in range(size):
                here = code.offset(there, j * step)
                self._multiply(here, code.offset(weights, j * self.input_bytes), j, sums)
            return sums

        unrolled = count // unroll * unroll
        state = code.repeat(0, unrolled, unroll, state, block)
        return block(unrolled, state, count - unrolled) if unrolled < count else state

    def _multiply(self, x: IRValue, w: IRValue, number: int, state: list[IRValue]) -> None:
        """One input of every pixel times the weights of all vectors."""
        code, lanes = self.code, self.layer.plan.lanes
        weights = [code.load(code.offset(w, 4 * lanes * v), self.type) for v in range(self.vectors)]
        copy = number % self.copies
        for pixel in range(self.tile.pixels):
            inputs = self._load(code.offset(x, pixel * self.step))
            for v in range(self.vectors):
                place = (copy * self.tile.pixels + pixel) * self.vectors + v
                state[place] = multiply_add(code, inputs[v], weights[v], state[place])

    def _load(self, x: IRValue) -> list[IRValue]:
        """One input for each vector: broadcast, or each lane its own."""
        code, lanes = self.code, self.layer.plan.lanes
        if not self.layer.lanewise:
            value = code.splat(code.load(x, FLOAT), lanes)
            return [value] * self.vectors
        out: list[IRValue] = []
        for v in range(self.vectors):
            count = max(0, min(lanes, self.tile.count - v * lanes))
            if self.layer.contiguous:
                at = code.offset(code.offset(x, self.lane_offsets[0]), 4 * lanes * v)
                out.append(code.load_lanes(at, FLOAT, lanes, count))
                continue
            value = self.type(None)
            for lane in range(count):
                at = code.offset(x, self.lane_offsets[v * lanes + lane])
                value = code.b.insert_element(value, code.load(at, FLOAT), I32(lane))
            out.append(value)
        return out


def _lower(job: Job) -> None:
    op = anchor_of(job.op, Conv, Gemm)
    job.step(tasks(Geometry.of(op)), lambda code: FloatLayer(job, code, op).body())


KERNELS = tuple(
    Kernel(KernelDescriptor(name, kind, refusal, _cycles, extra_bytes=floats_for_codes), _lower)
    for name, kind in (("conv", Conv), ("gemm", Gemm))
)
