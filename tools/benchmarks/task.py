"""The task that every contender of a row gets, and the folder that keeps slowly prepared files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import write_file
from .network_steps import Network
from .networks import Shape
from .timing import Turns, random_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...runtime.manifest import Tensor


@dataclass(frozen=True)
class Store:
    """Prepared models by the digest of their sources: quantizing a network or converting it for
    another runtime takes up to a minute and need not be done twice."""

    folder: Path

    def path(self, suffix: str, *parts: bytes) -> Path:
        """The path of a file that is made from ``parts``."""
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
        return self.folder / f"{digest}{suffix}"

    def keep(self, path: Path, make: Callable[[Path], object]) -> Path:
        """The path, made by ``make`` (which writes to a path beside it) when it is not there."""
        if not path.exists():
            temporary = path.with_name(f"new-{path.name}")
            make(temporary)
            temporary.replace(path)
        return path

    def onnx(self, net: Network) -> Path:
        """The ONNX file of a network."""
        from .to_onnx import to_onnx

        data = to_onnx(net).SerializeToString()
        return self.keep(self.path(".onnx", data), lambda path: write_file(path, data))


@dataclass(frozen=True)
class Task:
    """A model to run on given inputs by so many threads.

    ``network`` has the steps of a built-in network, None for a file that came from elsewhere;
    ``layer`` says that it is a chain of ``depth`` equal layers.
    """

    model: Path
    inputs: Mapping[str, NDArray[Any]]
    batch: int
    threads: int
    store: Store
    network: Network | None = None
    layer: Shape | None = None
    depth: int = 1
    lce_python: str | None = None

    def on(self, tensors: Sequence[Tensor], batch: int, threads: int) -> Task:
        """The same model on random inputs of a batch, by so many threads."""
        inputs = {t.name: random_array(t, batch, seed) for seed, t in enumerate(tensors)}
        return replace(self, inputs=inputs, batch=batch, threads=threads)

    def steps_json(self) -> bytes:
        """The steps as bytes: the key of everything that is built from them."""
        assert self.network is not None
        steps = [(s.kind, s.inputs, s.settings) for s in self.network.steps]
        return json.dumps([self.network.shapes[0], steps], sort_keys=True).encode()


def _nothing() -> None:
    """Nothing to close."""


@dataclass(frozen=True)
class Contender:
    """A contender that is ready: its turns, the library's version, a remark for this row's readers,
    and a function that ends it."""

    turns: Turns
    version: str
    note: str | None = None
    close: Callable[[], None] = field(default=_nothing)


@dataclass(frozen=True)
class Peer:
    """A column of the tables: ``start`` raises PeerError where it cannot run a task."""

    name: str
    start: Callable[[Task], Contender]
    layers: bool = True
    """Whether it has a column in the table of layers."""
    networks: bool = True
