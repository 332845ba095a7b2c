"""What an artifact says of itself: the manifest's fields.

The dataclasses mirror the JSON object key by key; ``decode`` reads the text strictly, and
``artifact`` finds it in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FORMAT = 3
ABI = 2
MAX_TENSOR_BYTES = 1 << 47
MAX_RANK = 32
MAX_FILE_BYTES = 1 << 31
UNSEALED = "sha256:" + "0" * 64

# Bytes of one element; the names are NumPy's.
ITEM_BYTES: Mapping[str, int] = {
    "bool": 1,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint64": 8,
}

NO_WORKSPACE = 1 << 63
"""What ``P_workspace_size`` returns for a batch out of range: more than can be allocated, also when
it is rounded up."""

Dim = int | str
Scalar = str | int | float | bool | None
Option = Scalar | Sequence[Scalar]


def extent(dim: Dim, batch: int) -> int:
    """The number of elements along ``dim`` at this batch: 3 -> 3, "N" -> N, "4N" -> 4 * N."""
    return dim if isinstance(dim, int) else multiple(dim) * batch


def multiple(dim: str) -> int:
    """The factor of a symbolic dimension: "N" -> 1, "4N" -> 4."""
    return int(dim[:-1] or 1)


@dataclass(frozen=True)
class Target:
    """What the code was compiled for; ``features`` are those that the host must have.

    Features carry the names of Linux's /proc/cpuinfo (``avx2``, ``asimddp``).
    """

    name: str
    triple: str
    machine: str
    cpu: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Tensor:
    """An input or output: a symbolic dimension is "N", or "4N" for a multiple of N."""

    name: str
    dtype: str
    shape: tuple[Dim, ...]

    def dims(self, batch: int) -> tuple[int, ...]:
        """The shape at this batch."""
        return tuple([extent(dim, batch) for dim in self.shape])

    def nbytes(self, batch: int) -> int:
        """Bytes of the tensor at this batch."""
        total = ITEM_BYTES[self.dtype]
        for dim in self.shape:
            total *= extent(dim, batch)
        return total

    @property
    def symbolic(self) -> bool:
        """Whether the shape depends on the batch."""
        return any(isinstance(dim, str) for dim in self.shape)


@dataclass(frozen=True)
class Rounds:
    """The first ``steps`` steps run for at most ``samples`` samples of the batch a thread, then
    for the next ones. Meanwhile a sample takes ``per_sample`` bytes.

    Rounds of a batch are as equal as can be. No steps: all run once, for the entire batch.
    """

    steps: int = 0
    samples: int = 1
    per_sample: int = 0

    def most(self, batch: int, threads: int) -> int:
        """Samples of the largest round."""
        return min(batch, self.samples * threads)

    def count(self, batch: int, threads: int) -> int:
        """Rounds of a batch."""
        return -(-batch // self.most(batch, threads))


@dataclass(frozen=True)
class Workspace:
    """Memory of one call: ``per_batch * N + fixed + per_thread * threads`` bytes, and what the
    largest round takes."""

    per_batch: int
    fixed: int
    per_thread: int
    rounds: Rounds = Rounds()

    def nbytes(self, batch: int, threads: int) -> int:
        """Bytes at this batch, where so many threads (at least 1) work at once."""
        in_rounds = self.rounds.per_sample * self.rounds.most(batch, threads)
        return self.per_batch * batch + in_rounds + self.fixed + self.per_thread * threads


@dataclass(frozen=True)
class Source:
    """The model that was compiled: digest and size of its file, ONNX opset and producer."""

    sha256: str
    bytes: int
    opset: int
    producer: str


@dataclass(frozen=True)
class Layer:
    """One layer of the model, for reports: ``reason`` says why it is (not) binarized.

    ``macs`` and ``binary_macs`` are multiply-accumulates of one sample, in all and on bits;
    ``window`` is how a convolution's window moves, in words. Bits are those of what is multiplied:
    1 of layers on bits, 32 of floats, those between of integers.
    """

    name: str
    op: str
    binarized: bool
    reason: str
    input: tuple[Dim, ...]
    output: tuple[Dim, ...]
    macs: int
    binary_macs: int
    weight_bytes: int
    window: str = ""
    activation_bits: int = 32
    weight_bits: int = 32


@dataclass(frozen=True)
class Kernel:
    """A node of the code, in the order in which they run.

    ``name`` is the first ONNX node that it came from, ``op`` what it computes, ``kernel`` how.
    ``macs`` and ``cycles`` (predicted) are those of one sample; ``steps`` counts its calls of
    ``parallel_for``, in each round if it runs in rounds; ``weights`` its binary weights, in
    ``weight_bytes`` of the constants.
    """

    name: str
    op: str
    kernel: str
    output: tuple[Dim, ...]
    macs: int
    cycles: int
    steps: int
    weights: int = 0
    weight_bytes: int = 0


def interface_number(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> int:
    """A 64-bit number for what code takes and gives: names, types and shapes in order.

    The compiler puts it into the code, and the header into programs: neither runs by a manifest or
    a header that is another model's.
    """
    sides = [[(t.name, t.dtype, t.shape) for t in side] for side in (inputs, outputs)]
    return int.from_bytes(hashlib.sha256(json.dumps(sides).encode()).digest()[:8], "little")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that an artifact says of itself; ``constants`` and ``expanded_constants`` are bytes.

    ``options`` holds every compiler option that influenced the code: scalars or flat lists.
    ``checksum`` is left to ``seal``.
    """

    bnnc: str
    name: str
    prefix: str
    target: Target
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    workspace: Workspace
    constants: int
    source: Source
    linker: str
    layers: tuple[Layer, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    expanded_constants: int = 0
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    abi: int = ABI
    format: int = FORMAT
    checksum: str = UNSEALED

    @property
    def symbolic(self) -> bool:
        """Whether the model takes any batch size (its C interface then reads ``dims[0]``)."""
        return any(tensor.symbolic for tensor in self.inputs)
