"""What may be asked of a compilation, each option in one place.

A field of `Options` is a keyword of `bnnc.compile`. Its `Flag` says what the command line calls it
and what the option does; the command line, the manifest, docs/options.md and what ``bnnc verify``
compiles again by are made from these. A new option is a field here and its line in `Keywords`, for
type checkers; a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, get_args, get_type_hints

BACKENDS: Mapping[str, tuple[str, str]] = {
    "llvm": (".backends.llvm", "LlvmBackend"),
    "tvm": (".backends.tvm", "TvmBackend"),
    "auto": (".backends.auto", "AutoBackend"),
}
"""Module and class of each backend, imported when asked for."""
Emit = Literal["so", "obj", "asm", "llvm", "ir"]
SignZero = Literal["exact", "+1"]
Optimize = Literal["balanced", "speed", "size"]
Shapes = Mapping[str, "tuple[int, ...]"]
FileName = str | os.PathLike[str]


@dataclass(frozen=True)
class Flag:
    """An option on the command line and elsewhere.

    ``reads``: a switch (which turns the default around), or how its value is read; ``choices``: all
    values that there are. ``needs``: another option without which it says nothing, and what to tell
    who gives it nevertheless. ``manifest``: its entry among the manifest's options, none where it
    does not bear on the code; ``bnnc verify`` sets the option again from one of the same name.
    """

    name: str
    help: str
    reads: Literal["switch", "text", "positive", "seconds", "shapes"] = "text"
    metavar: str | None = None
    choices: Sequence[str] | None = None
    needs: tuple[str, str] | None = None
    manifest: str | None = None


@dataclass(frozen=True)
class Options:
    """What a user may ask of a compilation; docs/options.md says what each means."""

    backend: Annotated[
        str,
        Flag(
            "--backend",
            "code generator: llvm (default), tvm, or auto: for each layer the one expected to be "
            "faster",
            choices=tuple(BACKENDS),
            manifest="backend",
        ),
    ] = "llvm"
    emit: Annotated[
        Emit,
        Flag(
            "--emit",
            "shared library (default), relocatable object, assembly, LLVM IR, or bnnc's IR",
            choices=get_args(Emit),
        ),
    ] = "so"
    header: Annotated[
        FileName | None,
        Flag("--header", "also write the C header", metavar="H"),
    ] = None
    prefix: Annotated[
        str | None,
        Flag("--prefix", "prefix of the C names (default: from the output's name)", metavar="P"),
    ] = None
    shapes: Annotated[
        Shapes | None,
        Flag(
            "--shape",
            "fix the shape of an input; N first leaves the batch open; repeat it, or join with ,",
            reads="shapes",
            metavar="NAME=1x3x32x32",
            manifest="shapes",
        ),
    ] = None
    sign_zero: Annotated[
        SignZero,
        Flag(
            "--sign-zero",
            "exact: ONNX Sign gives 0 at 0 (default); +1: take it for +1 there, which is faster",
            choices=get_args(SignZero),
            manifest="sign_zero",
        ),
    ] = "exact"
    exact_float: Annotated[
        bool,
        Flag(
            "--exact-float",
            "leave out every float rewrite that rounds",
            reads="switch",
            manifest="exact_float",
        ),
    ] = False
    reuse: Annotated[
        bool,
        Flag(
            "--no-reuse",
            "compute every channel on its own, however much weights have in common",
            reads="switch",
            manifest="reuse",
        ),
    ] = True
    mst_max_depth: Annotated[
        int,
        Flag(
            "--mst-max-depth",
            "compute channels from each other at most N steps away from one computed in full",
            reads="positive",
            metavar="N",
            needs=("reuse", "--mst-max-depth bounds the reuse that --no-reuse leaves out"),
            manifest="mst_max_depth",
        ),
    ] = 0
    optimize: Annotated[
        Optimize,
        Flag(
            "--optimize",
            "balanced: constants grow only for the speed that they gain, 1.5 times for 5 %, twice "
            "for 8 %, 4 times for 16 % (default); speed: whatever they take; size: the smallest",
            choices=get_args(Optimize),
            manifest="optimize",
        ),
    ] = "balanced"
    linker: Annotated[
        str | None,
        Flag(
            "--linker",
            "an LLD or GNU ld to use instead of the one bnnc comes with",
            metavar="L",
        ),
    ] = None
    dump_ir: Annotated[
        FileName | None,
        Flag("--dump-ir", "write the IR after each pass to DIR, numbered", metavar="DIR"),
    ] = None
    compress: Annotated[
        bool,
        Flag(
            "--compress",
            "a smaller file, which is expanded when Python loads it (C: see `bnnc expand`)",
            reads="switch",
        ),
    ] = False
    tune: Annotated[
        bool,
        Flag(
            "--tune",
            "measure the ways to compute each layer, here and now",
            reads="switch",
            manifest="tuned",
        ),
    ] = False
    tune_seconds: Annotated[
        float,
        Flag(
            "--tune-seconds",
            "time to measure each distinct layer (default 0.3)",
            reads="seconds",
            metavar="S",
            needs=("tune", "--tune-seconds is the time of --tune, which is not given"),
        ),
    ] = 0.3
    tune_trials: Annotated[
        int,
        Flag(
            "--tune-trials",
            "schedules of the tvm backend to try for each distinct layer (default 32)",
            reads="positive",
            metavar="N",
            needs=("tune", "--tune-trials is for --tune, which is not given"),
        ),
    ] = 32
    tune_tracker: Annotated[
        str | None,
        Flag(
            "--tune-tracker",
            "try them on a board that TVM's RPC tracker knows by KEY, and not here",
            metavar="HOST:PORT/KEY",
            needs=("tune", "--tune-tracker is for --tune, which is not given"),
        ),
    ] = None

    def manifest(self) -> dict[str, str | int | bool | list[str]]:
        """What the manifest says of them."""
        entries: dict[str, str | int | bool | list[str]] = {}
        for name, flag in FLAGS.items():
            if flag.manifest is not None:
                value = getattr(self, name)
                entries[flag.manifest] = _shapes_text(value) if flag.reads == "shapes" else value
        return entries


class Keywords(TypedDict, total=False):
    """The fields of `Options` as keywords of `bnnc.compile`."""

    backend: str
    emit: Emit
    header: FileName | None
    prefix: str | None
    shapes: Shapes | None
    sign_zero: SignZero
    exact_float: bool
    reuse: bool
    mst_max_depth: int
    optimize: Optimize
    linker: str | None
    dump_ir: FileName | None
    compress: bool
    tune: bool
    tune_seconds: float
    tune_trials: int
    tune_tracker: str | None


def _shapes_text(shapes: Shapes | None) -> list[str]:
    """Shapes as the command line takes them, sorted by name."""
    return [f"{name}={'x'.join(map(str, dims))}" for name, dims in sorted((shapes or {}).items())]


_HINTS: Mapping[str, Any] = get_type_hints(Options, include_extras=True)
FLAGS: Mapping[str, Flag] = {name: hint.__metadata__[0] for name, hint in _HINTS.items()}
"""The flag of each field, in their order."""
RECOMPILED: Sequence[str] = tuple(name for name, flag in FLAGS.items() if flag.manifest == name)
"""Fields that the manifest holds as they are: what code is made again by."""
