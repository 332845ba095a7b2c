"""Loading an artifact and running it on NumPy arrays."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ..errors import ArtifactError, InputError
from .array_checks import as_input, batch_of, check_output, check_overlap, new_output
from .artifact import read_manifest, to_dict
from .artifact_file import expanded
from .cpu import host_machine, missing_features
from .elf import SHARED, parse_elf
from .library import Library
from .manifest import Manifest, Tensor
from .thread_pool import thread_count
from .verified_bytes import VerifiedBytes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_IN_MEMORY = "artifact"
"""What messages call an artifact that is no file."""


class TensorInfo(NamedTuple):
    """An input or output of a model; None stands for a dimension that follows the batch."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


def load(
    artifact: str | os.PathLike[str] | bytes | bytearray | memoryview, threads: int | None = None
) -> Model:
    """Load an artifact that ``bnnc compile`` made for this machine: by its path, or its bytes.

    ``threads`` is how many threads one run may use, the caller's among them: up to 64, or 0 for
    one per core that this process may use (affinity and control groups count). Where none is
    given, the environment variable BNNC_THREADS says how many, else it is 1. All models share one
    set of workers, and one run at a time uses them: runs in other threads meanwhile use only their
    own. Results are the same.

    The file is read once; its checksum, format, architecture and CPU features are checked, and
    exactly the bytes checked are loaded: a file recompiled at the same path gives the new model.
    The checksum finds damage, not malice: an artifact is native code, so load only what you trust.
    Raises ArtifactError (one that is a FileNotFoundError too where there is no such file), and
    InputError for a number of threads out of range.
    """
    stored: str | bytes
    if isinstance(artifact, (str, os.PathLike)):
        name = os.fsdecode(artifact)
        stored = os.path.abspath(name)  # who unpickles the model may be in another folder
    else:
        name = _IN_MEMORY
        stored = artifact if isinstance(artifact, bytes) else bytes(memoryview(artifact))
    if sys.platform != "linux":
        raise ArtifactError(
            f"{name}: artifacts run only on Linux (x86-64 and arm64), and this is {sys.platform}"
        )
    count = thread_count(threads, name)
    try:
        with closing(
            VerifiedBytes(expanded(stored, name))
            if isinstance(stored, bytes)
            else VerifiedBytes.read(name)
        ) as verified:
            return _load_verified(verified, name, count, _Origin(stored, threads))
    except MemoryError:
        raise ArtifactError(f"{name}: not enough memory to load the artifact") from None


def _load_verified(verified: VerifiedBytes, name: str, threads: int, origin: _Origin) -> Model:
    manifest = read_manifest(verified.data, name)
    if parse_elf(verified.data, name).kind != SHARED:
        raise ArtifactError(
            f"{name}: a relocatable object, which a C program links; compile with --emit so"
        )
    _check_host(manifest, name)
    return Model(Library(verified, manifest, name, threads), manifest, name, origin)


class _Origin(NamedTuple):
    """What a model was loaded from: an absolute path, or bytes; and the threads asked for."""

    stored: str | bytes
    threads: int | None


def _load_again(stored: str | bytes, threads: int | None, checksum: str) -> Model:
    """A model from its pickle: the same one, or ArtifactError."""
    model = load(stored, threads)
    if model.metadata["checksum"] != checksum:
        raise ArtifactError(
            f"{stored}: the file has changed since the model was pickled; load and pickle it again"
        )
    return model


def _check_host(manifest: Manifest, path: str) -> None:
    """Refuse code for another architecture or for CPU features that this machine lacks."""
    machine = host_machine()
    if manifest.target.machine != machine:
        raise ArtifactError(
            f"{path}: compiled for {manifest.target.machine} ({manifest.target.name}), and this "
            f"machine is {machine}; compile the model with --target native here"
        )
    missing = missing_features(manifest.target.features)
    if missing:
        raise ArtifactError(
            f"{path}: compiled for {manifest.target.name}, and this CPU lacks "
            f"{', '.join(missing)}; compile the model with --target native here"
        )


class Model:
    """A loaded artifact; ``load`` creates it. Several threads may run one model at once.

    Once there is a workspace per concurrent call and the largest batch has been seen, a run
    allocates only its outputs. Models survive a fork.

    A model that was loaded from a path is pickled as that path, the threads asked for and the
    artifact's checksum: where the file is another one by then, unpickling raises ArtifactError.
    One that was loaded from bytes takes them along.
    """

    def __init__(self, library: Library, manifest: Manifest, path: str, origin: _Origin) -> None:
        self._library: Library | None = library
        self._manifest = manifest
        self._path = path
        self._origin = origin
        self._info = tuple(
            tuple(_info(tensor) for tensor in side) for side in (manifest.inputs, manifest.outputs)
        )

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape and dtype of each input, in graph order."""
        return self._info[0]

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape and dtype of each output, in graph order."""
        return self._info[1]

    @property
    def metadata(self) -> dict[str, object]:
        """A copy of the artifact's manifest: target, options, source, layers and so on."""
        return to_dict(self._manifest)

    def run(
        self,
        inputs: Mapping[str, ArrayLike],
        out: Mapping[str, NDArray[Any]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run on arrays by input name; returns arrays by output name, in graph order.

        ``out`` gives arrays to write some or all outputs into; each must have the output's shape
        and dtype, be C-contiguous and writeable, and overlap no other array. A batch of 0 gives
        empty outputs, if all outputs follow the batch. Raises InputError for arrays that do not
        fit, ArtifactError after ``close``.
        """
        names = [tensor.name for tensor in self._manifest.inputs]
        _check_names(inputs, names, names, f"{self._path}: input")
        targets = [tensor.name for tensor in self._manifest.outputs]
        given: Mapping[str, NDArray[Any]] = {} if out is None else out
        _check_names(given, targets, [], f"{self._path}: out")
        results = self._run([inputs[name] for name in names], [given.get(key) for key in targets])
        return dict(zip(targets, results, strict=True))

    def __call__(
        self,
        *inputs: ArrayLike,
        out: NDArray[Any] | Sequence[NDArray[Any]] | None = None,
    ) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """Run on arrays in graph order; returns the output, or a tuple when there are several.

        ``out`` is an array, or a sequence of as many as there are outputs; see ``run``.
        """
        expected = len(self._manifest.inputs)
        if len(inputs) != expected:
            names = ", ".join(tensor.name for tensor in self._manifest.inputs)
            raise InputError(
                f"{self._path}: expected {expected} inputs ({names}), got {len(inputs)}"
            )
        results = self._run(inputs, self._positional_out(out))
        return results[0] if len(results) == 1 else results

    def close(self) -> None:
        """Unload the code, as soon as calls in other threads have returned."""
        self._library = None

    def __reduce__(self) -> tuple[Any, ...]:
        self._open_library()
        return _load_again, (*self._origin, self._manifest.checksum)

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self._library is not None else ", closed"
        return f"<bnnc model {self._path!r} for {self._manifest.target.name}{state}>"

    def _open_library(self) -> Library:
        if self._library is None:
            raise ArtifactError(f"{self._path}: the model is closed")
        return self._library

    def _positional_out(
        self, out: NDArray[Any] | Sequence[NDArray[Any]] | None
    ) -> Sequence[object]:
        """One entry per output: the array to fill, or None for a new one."""
        expected = len(self._manifest.outputs)
        if out is None:
            return [None] * expected
        given = [out] if isinstance(out, np.ndarray) else out
        if not isinstance(given, (tuple, list)) or len(given) != expected:
            size = len(given) if isinstance(given, (tuple, list)) else type(out).__name__
            raise InputError(f"{self._path}: out: expected {expected} arrays, got {size}")
        return given

    def _run(self, values: Sequence[object], given: Sequence[object]) -> tuple[NDArray[Any], ...]:
        """Check, allocate and call; ``given`` has None where an output is to be allocated."""
        library = self._open_library()
        path, manifest = self._path, self._manifest
        inputs = [
            as_input(value, spec, path) for value, spec in zip(values, manifest.inputs, strict=True)
        ]
        batch = batch_of(inputs, manifest.inputs, path)
        outputs = tuple(
            new_output(spec, batch, path)
            if value is None
            else check_output(value, spec, batch, path)
            for value, spec in zip(given, manifest.outputs, strict=True)
        )
        if any(value is not None for value in given):
            check_overlap(inputs, outputs, manifest.outputs, path)
        if batch:
            library.run(batch, inputs, outputs)
        else:
            _check_empty(outputs, manifest.outputs, path)
        return outputs


def _info(tensor: Tensor) -> TensorInfo:
    shape = tuple(dim if isinstance(dim, int) else None for dim in tensor.shape)
    return TensorInfo(tensor.name, shape, np.dtype(tensor.dtype))


def _check_empty(outputs: Sequence[NDArray[Any]], tensors: Sequence[Tensor], path: str) -> None:
    """A batch of 0 computes nothing, which fills an output only if that is empty too."""
    for array, tensor in zip(outputs, tensors, strict=True):
        if array.size:
            raise InputError(
                f"{path}: output {tensor.name!r}: a batch of 0 does not determine its "
                f"{array.size} elements"
            )


def _check_names(given: object, known: Sequence[str], required: Sequence[str], where: str) -> None:
    """Refuse unknown names and report missing ones, with the right ones listed."""
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: expected a dict of name to array, got {type(given).__name__}")
    names = list(cast("Mapping[object, object]", given))
    wrong = [f"unexpected {name!r}" for name in names if name not in known]
    wrong += [f"missing {name!r}" for name in required if name not in names]
    if wrong:
        raise InputError(f"{where}: {', '.join(wrong)}; expected {', '.join(map(repr, known))}")
