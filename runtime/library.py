"""Native code in this process: an artifact's bytes loaded, called and unloaded."""

from __future__ import annotations

import _ctypes
import ctypes
import weakref
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArtifactError, InputError
from .manifest import ABI, Manifest, interface_number
from .thread_pool import PoolFunctions, Team
from .verified_bytes import VerifiedBytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALIGNMENT = 64
_STATUS = {
    1: "the args struct has another size",
    2: "a dimension is out of range",
    3: "the workspace is missing or misaligned",
    4: "an input or output is missing",
}


TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
"""``P_task`` of the C interface: (frame, begin, end)."""
PARALLEL_FOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, TASK, ctypes.c_void_p, ctypes.c_int64)
"""``P_parallel_for``: (pool, task, frame, count)."""


class _Args(ctypes.Structure):
    """``P_args`` of the C interface; ``parallel_for`` NULL means: run on the calling thread."""

    _fields_ = (
        ("size", ctypes.c_uint64),
        ("dims", ctypes.c_void_p),
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
        ("parallel_for", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
        ("threads", ctypes.c_int64),
    )


class _Call:
    """The memory of one call in flight besides its tensors: args, pointer arrays, workspace."""

    def __init__(self, inputs: int, outputs: int, threads: int) -> None:
        self.dims = (ctypes.c_int64 * 1)()
        self.inputs = (ctypes.c_void_p * inputs)()
        self.outputs = (ctypes.c_void_p * outputs)()
        self.args = _Args(
            size=ctypes.sizeof(_Args),
            dims=ctypes.addressof(self.dims),
            inputs=ctypes.addressof(self.inputs),
            outputs=ctypes.addressof(self.outputs),
            threads=threads,
        )
        self._memory: NDArray[np.uint8] | None = None
        self._capacity = 0

    def reserve(self, nbytes: int) -> None:
        """Grow the workspace to ``nbytes`` at a 64-byte boundary; never shrink it."""
        if self._memory is not None and nbytes <= self._capacity:
            return
        self._memory = None
        self._memory = np.empty(nbytes + _ALIGNMENT, dtype=np.uint8)
        self._capacity = nbytes
        self.args.workspace = -(-self._memory.ctypes.data // _ALIGNMENT) * _ALIGNMENT


class Library:
    """A loaded artifact. It is unloaded when the last reference goes, calls in flight included.

    With more than one thread the workers of the process help in each run.
    """

    def __init__(
        self, verified: VerifiedBytes, manifest: Manifest, path: str, threads: int = 1
    ) -> None:
        self._path = path
        self._manifest = manifest
        # Appending and popping are atomic, so threads share it without a lock that a fork could
        # leave locked in the child.
        self._idle: deque[_Call] = deque()
        native = verified.load(path)
        self._unload = weakref.finalize(self, _ctypes.dlclose, native._handle)
        self._unload.atexit = False
        self._run = _function(native, manifest, path, "run", [ctypes.c_void_p], ctypes.c_int)
        _check(native, manifest, path)
        self._threads = threads
        self._team = None if threads == 1 else Team(threads, self._pool_functions(native))

    def _pool_functions(self, native: ctypes.CDLL) -> PoolFunctions:
        """The functions with which this library can serve the threads of the process."""

        def function(name: str, arguments: list[Any], result: Any = None) -> Any:
            return _function(native, self._manifest, self._path, name, arguments, result)

        address = ctypes.c_void_p
        return PoolFunctions(
            nbytes=function("pool_bytes", [], ctypes.c_uint64)(),
            init=function("pool_init", [address, address]),
            work=function("pool_work", [address, ctypes.c_int64]),
            parallel_for=ctypes.cast(function("pool_for", []), address).value or 0,
            keep=self._unload.detach,
        )

    def run(
        self,
        batch: int,
        inputs: Sequence[NDArray[Any]],
        outputs: Sequence[NDArray[Any]],
        parallel_for: Any = None,
    ) -> None:
        """Run the model on arrays that are checked, contiguous and aligned; fills ``outputs``.

        ``parallel_for``, a `PARALLEL_FOR`, sees every step of the code instead of the library's
        threads. The GIL is released meanwhile. Raises ArtifactError for a status other than
        0, InputError when the workspace of so large a batch cannot be had.
        """
        try:
            call = self._idle.pop()
        except IndexError:
            call = _Call(len(inputs), len(outputs), self._threads)
        try:
            self._reserve(call, batch)
            call.dims[0] = batch
            for index, array in enumerate(inputs):
                call.inputs[index] = _address(array)
            for index, array in enumerate(outputs):
                call.outputs[index] = _address(array)
            self._share(call.args, parallel_for)
            status = self._run(ctypes.addressof(call.args))
        finally:
            self._idle.append(call)
        if status:
            reason = _STATUS.get(status, "not a status of this interface")
            raise ArtifactError(f"{self._path}: the model returned status {status}: {reason}")

    def _share(self, args: _Args, parallel_for: Any) -> None:
        """Choose who runs the steps: ``parallel_for``, else the threads, else the caller."""
        if parallel_for is not None:
            args.parallel_for = ctypes.cast(parallel_for, ctypes.c_void_p)
        elif self._team is not None:
            args.parallel_for, args.pool = self._team.callback()
        else:
            args.parallel_for = None

    def _reserve(self, call: _Call, batch: int) -> None:
        nbytes = self._manifest.workspace.nbytes(batch, self._threads)
        try:
            call.reserve(nbytes)
        except (MemoryError, ValueError):
            raise InputError(
                f"{self._path}: a batch of {batch} needs a workspace of {nbytes} bytes, more than "
                "there is; run it in smaller parts"
            ) from None


def _address(array: Any) -> int:
    """Where a contiguous array begins. NumPy's own ``ctypes.data`` takes several times as long, but
    ctypes asks for memory that may be written."""
    if array.flags.writeable and array.nbytes:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    return array.ctypes.data


def _function(
    native: ctypes.CDLL, manifest: Manifest, path: str, name: str, arguments: list[Any], result: Any
) -> Any:
    """The function ``P_name`` of the artifact."""
    symbol = f"{manifest.prefix}_{name}"
    try:
        function = getattr(native, symbol)
    except AttributeError:
        raise ArtifactError(
            f"{path}: the artifact does not define {symbol}; compile it again"
        ) from None
    function.argtypes = arguments
    function.restype = result
    return function


def _check(native: ctypes.CDLL, manifest: Manifest, path: str) -> None:
    """Check that the loaded code is the file's: same version, manifest, tensors and workspace."""
    version = _function(native, manifest, path, "abi_version", [], ctypes.c_uint32)()
    if version != ABI:
        raise ArtifactError(f"{path}: C interface version: expected {ABI}, got {version}")
    text: bytes = _function(native, manifest, path, "describe", [], ctypes.c_char_p)() or b""
    if manifest.checksum.encode() not in text:
        raise ArtifactError(f"{path}: the loaded code belongs to another artifact")
    interface = _function(native, manifest, path, "interface", [], ctypes.c_uint64)()
    if interface != interface_number(manifest.inputs, manifest.outputs):
        raise ArtifactError(
            f"{path}: manifest: inputs and outputs are not those of the code; compile it again"
        )
    workspace_size = _function(
        native,
        manifest,
        path,
        "workspace_size",
        [ctypes.c_void_p, ctypes.c_int64],
        ctypes.c_uint64,
    )
    dims = (ctypes.c_int64 * 1)()
    more = manifest.workspace.rounds.samples + 1
    for batch, threads in ((1, 1), (2, 2), (more, 1)) if manifest.symbolic else ((1, 1), (1, 2)):
        dims[0] = batch
        expected = manifest.workspace.nbytes(batch, threads)
        actual = workspace_size(ctypes.addressof(dims), threads)
        if actual != expected:
            raise ArtifactError(
                f"{path}: workspace at batch {batch}: manifest says {expected} bytes, code {actual}"
            )
