"""Float product of many samples: weights come through the first-level cache in panels.

A strip is two vectors of output channels, a panel the weights of a strip for some inputs. All
samples of a chunk pass over a panel before the next one, in tiles whose sums are in registers
meanwhile and wait in scratch between panels. Tiles of several samples ask for the next panel
while they work, so that memory and multiply-add units are busy at the same time. One or two
samples have no use for panels: they take all vectors of a block at once, for additions not to wait
for each other.

Each sum adds its inputs in their order, whatever tile it is in and wherever panels end: results
depend neither on the batch nor on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...ir import Array
from ..codegen.kernel_builder import FLOAT, Code, Index, IRValue, vector
from ..codegen.math_float32 import multiply_add
from ..targets import Target
from .geometry import Geometry
from .packed_weights import PackedWeights
from .tiles import CHUNK_PIXELS, Plan, for_blocks, for_chunks

_STRIP = 2
"""Vectors of a strip: a large tile then needs weights about as fast as memory delivers them."""
_DEPTH = 128
"""Inputs of a panel, which takes a third of the first-level cache at most."""
_MOST = 12
"""Samples of a tile: 16 and 64 are some of these and a last one of 4."""
_ASKS = 4
"""Samples of a tile that asks for the next panel."""
FEW = 2
"""Samples that are better off without panels."""
_UNROLL = 4
_LINE = 64


def fits(geometry: Geometry, target: Target) -> bool:
    """Whether a layer is a product whose samples share more weights than one panel, on a target
    whose arithmetic is fast enough to wait for them."""
    if not target.has.fma:
        return False
    window = geometry.size == geometry.kernel == (1, 1) and geometry.groups == 1
    return window and geometry.batch != 1 and geometry.channels > _DEPTH


def strips(weights: Array, plan: Plan) -> Array:
    """Weights [blocks, inputs, channels] as [blocks, strips, inputs, channels of a strip]."""
    width = plan.lanes * min(_STRIP, plan.vectors)
    return weights.reshape(*weights.shape[:2], -1, width).swapaxes(1, 2)


@dataclass(frozen=True)
class _Tile:
    """Addresses of the inputs and weights of ``samples`` x ``vectors`` of channels."""

    x: IRValue
    w: IRValue
    samples: int
    vectors: int


@dataclass(frozen=True)
class _Block:
    """``vectors`` of channels whose weights begin at ``w``, the samples of a chunk (the first and
    the one past the last), and what takes a sample's sums."""

    w: IRValue
    chunk: tuple[Index, Index]
    vectors: int
    done: Callable[[Index, IRValue], None]


@dataclass
class Panels:
    """One product: operand and weights begin at ``x`` ([sample][input], ``strides`` bytes apart)
    and ``w`` (`strips`); ``done(sample, channel, count, sums)`` takes the results."""

    code: Code
    geometry: Geometry
    plan: Plan
    x: IRValue
    w: IRValue
    strides: tuple[int, int]
    done: Callable[[Index, Index, int, IRValue], None]

    def __post_init__(self) -> None:
        self.type = vector(FLOAT, self.plan.lanes)
        self.strip = min(_STRIP, self.plan.vectors)
        self.row_bytes = 4 * self.plan.lanes * self.strip
        self.strip_bytes = self.geometry.channels * self.row_bytes
        self.sums = self.code.scratch(CHUNK_PIXELS * 4 * self.plan.width)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Samples of tiles, most first: as many as registers have room for, then powers of two."""
        room = self.code.target.registers - 2
        known = self.geometry.batch if isinstance(self.geometry.batch, int) else _MOST
        most = min(_MOST, room // self.strip - 1, known)
        return (most, *(n for n in (8, 4, 2, 1) if n < most))

    def emit(self) -> None:
        """The whole loop nest."""
        code, geometry = self.code, self.geometry

        def chunk(first: Index, last: Index, stripe: Index | None) -> None:
            def block(channel: Index, count: int, number: Index, _: Index) -> None:
                self._block((first, last), channel, count, number)

            for_blocks(code, geometry, self.plan, stripe, block)

        for_chunks(code, geometry, chunk)

    def _block(self, chunk: tuple[Index, Index], channel: Index, count: int, number: Index) -> None:
        """Samples of a chunk times the weights of one block."""
        code, plan = self.code, self.plan
        vectors = plan.vectors_for(count)
        block_bytes = plan.vectors // self.strip * self.strip_bytes
        w = code.offset(self.w, code.mul(number, block_bytes))

        block = _Block(w, chunk, vectors, lambda n, sums: self.done(n, channel, count, sums))
        if isinstance(self.geometry.batch, int) and self.geometry.batch <= FEW:
            self._few(block)
            return
        samples = code.index(code.sub(chunk[1], chunk[0]))
        code.either(
            code.b.icmp_signed("<=", samples, code.index(FEW)),
            lambda: self._few(block),
            lambda: self._panels(block),
        )

    def _few(self, block: _Block) -> None:
        """All inputs at once, and sums that never leave their registers."""
        vectors = block.vectors
        for sample, samples in self._tiles(block.chunk, (2, 1)):
            tile = _Tile(self._row(sample), block.w, samples, vectors)
            zeros = [self.type(None)] * (samples * vectors)
            state = self._all(tile, zeros)
            for number in range(samples):
                sums = state[number * vectors : (number + 1) * vectors]
                block.done(self.code.add(sample, number), self.code.concat(sums))

    def _panels(self, block: _Block) -> None:
        """The strips of a block, panel by panel; sums wait between panels."""
        code, lanes, inputs = self.code, self.plan.lanes, self.geometry.channels
        chunk, block_type = block.chunk, vector(FLOAT, block.vectors * lanes)
        width = min(block.vectors, self.strip)
        with code.loop(*chunk) as sample:
            code.store(block_type(None), self._place(sample, chunk[0]))
        with code.loop(0, block.vectors // width) as strip, code.loop(0, inputs, _DEPTH) as first:
            last = code.min(code.add(first, _DEPTH), inputs)
            here = self._panel(
                code.offset(block.w, code.mul(strip, self.strip_bytes)), first, last, width
            )
            for sample, samples in self._tiles(chunk, self.sizes):
                tile = _Tile(self._row(sample), here, samples, width)
                place = self._place(sample, chunk[0])
                place = code.offset(place, code.mul(strip, 4 * lanes * width))
                self._add(tile, (first, last), place)
        with code.loop(*chunk) as sample:
            block.done(sample, code.load(self._place(sample, chunk[0]), block_type))

    def _tiles(
        self, chunk: tuple[Index, Index], sizes: tuple[int, ...]
    ) -> Iterator[tuple[Index, int]]:
        """(first sample, samples) of tiles of these sizes, each inside the loop over them."""
        code = self.code
        at, last = chunk
        for samples in sizes:
            full = code.mul(code.divide(code.sub(last, at), samples)[0], samples)
            stop = code.add(at, full)
            with code.loop(at, stop, samples) as sample:
                yield sample, samples
            at = stop

    def _row(self, sample: Index) -> IRValue:
        """Where the inputs of a sample are."""
        return self.code.offset(self.x, self.code.mul(sample, self.strides[0]))

    def _place(self, sample: Index, first: Index) -> IRValue:
        """Where the sums of a sample wait."""
        at = self.code.sub(sample, first)
        return self.code.offset(self.sums, self.code.mul(at, 4 * self.plan.width))

    def _add(self, tile: _Tile, inputs: tuple[Index, Index], place: IRValue) -> None:
        """Add products to the sums of a tile, which wait at ``place``."""
        code, lanes = self.code, self.plan.lanes
        places = [
            code.offset(place, 4 * (sample * self.plan.width + v * lanes))
            for sample in range(tile.samples)
            for v in range(tile.vectors)
        ]
        sums = [code.load(at, self.type) for at in places]
        for value, at in zip(self._sums(tile, inputs, sums), places, strict=True):
            code.store(value, at)

    def _panel(self, strip: IRValue, first: Index, last: Index, vectors: int) -> IRValue:
        """The weights of a strip, of which inputs first .. last-1 of some vectors are wanted."""
        return strip

    def _all(self, tile: _Tile, state: list[IRValue]) -> list[IRValue]:
        """``state`` [samples][vectors] and the products of all inputs."""
        return self._sums(tile, (0, self.geometry.channels), state)

    def _sums(
        self, tile: _Tile, inputs: tuple[Index, Index], state: list[IRValue]
    ) -> list[IRValue]:
        """``state`` [samples][vectors] and the products of inputs first .. last-1."""
        code = self.code

        def step(at: Index, state: Sequence[IRValue], size: int = _UNROLL) -> list[IRValue]:
            sums = list(state)
            for j in range(size):
                self._multiply(tile, code.add(at, j), sums)
            return sums

        first, last = inputs
        unrolled = code.mul(code.divide(code.sub(last, first), _UNROLL)[0], _UNROLL)
        stop = code.add(first, unrolled)
        state = code.repeat(first, stop, _UNROLL, state, step)
        if self.geometry.channels % _UNROLL:
            state = code.repeat(stop, last, 1, state, lambda at, state: step(at, state, 1))
        return state

    def _multiply(self, tile: _Tile, number: Index, state: list[IRValue]) -> None:
        """One input of every sample times its weights."""
        code = self.code
        w = code.offset(tile.w, code.mul(number, self.row_bytes))
        weights = [code.load(at, self.type) for at in self._vectors(w, tile.vectors)]
        if tile.samples >= _ASKS:
            self._ask(w, tile.vectors)
        self._add_products(tile, number, weights, state)

    def _vectors(self, w: IRValue, vectors: int) -> list[IRValue]:
        """Where the vectors of a row of weights are."""
        code, lanes, out = self.code, self.plan.lanes, list[IRValue]()
        for v in range(vectors):
            strip, inside = divmod(v, self.strip)
            out.append(code.offset(w, strip * self.strip_bytes + 4 * lanes * inside))
        return out

    def _ask(self, w: IRValue, vectors: int) -> None:
        """Ask for the row of weights of the next panel."""
        for line in range(0, 4 * self.plan.lanes * vectors, _LINE):
            self.code.prefetch(self.code.offset(w, _DEPTH * self.row_bytes + line))

    def _add_products(
        self, tile: _Tile, number: Index, weights: list[IRValue], state: list[IRValue]
    ) -> None:
        """One input of every sample times vectors of weights."""
        code = self.code
        x = code.offset(tile.x, code.mul(number, self.strides[1]))
        for sample in range(tile.samples):
            place = code.offset(x, sample * self.strides[0])
            one = code.splat(code.load(place, FLOAT), self.plan.lanes)
            for v, weight in enumerate(weights):
                at = sample * tile.vectors + v
                state[at] = multiply_add(code, one, weight, state[at])


@dataclass
class PackedPanels(Panels):
    """The same for packed weights in strips: a panel is unpacked for all samples of a chunk, one or
    two samples unpack in registers."""

    packed: PackedWeights

    def __post_init__(self) -> None:
        super().__post_init__()
        self.strip_bytes = self.packed.words(self.geometry.channels) * self.row_bytes
        self.unpacked = self.code.scratch(_DEPTH * self.row_bytes)

    def _panel(self, strip: IRValue, first: Index, last: Index, vectors: int) -> IRValue:
        """Where the weights of input 0 would be, before those of the panel."""
        code, packed = self.code, self.packed
        number, _ = code.divide(first, packed.each)
        count, _ = code.divide(code.add(code.sub(last, first), packed.each - 1), packed.each)
        words = code.offset(strip, code.mul(number, self.row_bytes))
        width = self.plan.lanes * self.strip
        packed.unpack(code, words, count, self.unpacked, width, vectors)
        return code.offset(self.unpacked, code.mul(first, -self.row_bytes))

    def _all(self, tile: _Tile, state: list[IRValue]) -> list[IRValue]:
        code, packed = self.code, self.packed

        def word(number: Index, state: Sequence[IRValue], size: int = packed.each) -> list[IRValue]:
            w = code.offset(tile.w, code.mul(number, self.row_bytes))
            words, sums = packed.load(code, self._vectors(w, tile.vectors)), list(state)
            for j in range(size):
                at = code.add(code.mul(number, packed.each), j)
                self._add_products(tile, at, packed.weights(code, words, j), sums)
            return sums

        full, rest = divmod(self.geometry.channels, packed.each)
        state = code.repeat(0, full, 1, state, word)
        return word(full, state, rest) if rest else state

    def _ask(self, w: IRValue, vectors: int) -> None:
        """Nothing: an unpacked panel is in the first-level cache."""
