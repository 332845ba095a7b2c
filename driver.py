"""compile(): the only module that knows the whole way from an ONNX model to a library.

model --load_model--> imported graph --passes--> scheduled graph --backend--> object --link--> so
"""

from __future__ import annotations

import importlib
import math
import os
import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, overload

from .backends.cost_model import CostModel, PredictedCost, constants_of
from .backends.interface import Backend, EmitKind, Scheduled
from .backends.manifest_entries import Geometry, target_entry, tensor_entries
from .backends.targets import check_host
from .compression import compress as compress_file
from .errors import BackendError, LoweringError, OutputError, PassError, VerifyError
from .files import check_writable, write_files
from .ir import Batch, Graph, Node, print_graph, save
from .ir.ops import Conv, Gemm
from .ir.text import saved
from .ir.traits import Trait
from .options import BACKENDS, Emit, FileName, Keywords, Options, Shapes, SignZero
from .passes import Context, Pass, pipelines, run_passes
from .passes.binarize import Verdict, examine
from .passes.byte_price import weighed
from .passes.choose_layouts import asked_about
from .runtime import Model, artifact, load
from .runtime.c_header import c_header
from .tuning import MeasuredCost, tuned_cost
from .version import __version__

if TYPE_CHECKING:
    import onnx
    from typing_extensions import Unpack

    from .backends.targets import Target
    from .frontend import Imported

SUFFIXES: Mapping[str, str] = {
    "so": ".so",
    "obj": ".o",
    "asm": ".s",
    "llvm": ".ll",
    "ir": ".bnn",
}
COMPRESSED = ".bnnc"
Progress = Callable[[str], None]
Observe = Callable[[int, "Pass | None", Graph], None]
"""What sees a graph after each pass: its number, the pass, and the graph."""


@dataclass(frozen=True)
class Compilation:
    """What `build` made: the file's bytes, the manifest, the graph that they come from, and its
    nodes as they run; ``warnings`` are for the user to read."""

    data: bytes
    manifest: artifact.Manifest
    imported: Imported
    graph: Graph
    schedule: tuple[Scheduled, ...]
    seconds: float
    warnings: tuple[str, ...] = ()


@overload
def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str = "native",
    output: None = None,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    **keywords: Unpack[Keywords],
) -> Model: ...
@overload
def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str,
    output: FileName,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    **keywords: Unpack[Keywords],
) -> Path: ...
@overload
def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str = "native",
    *,
    output: FileName,
    options: Options | None = None,
    progress: Progress | None = None,
    **keywords: Unpack[Keywords],
) -> Path: ...
def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str = "native",
    output: FileName | None = None,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    **keywords: Unpack[Keywords],
) -> Path | Model:
    """Compile an ONNX model for ``target``: to the file ``output``, whose path is returned, or in
    memory, which gives the loaded model.

    Only this machine's own code can be loaded: TargetError for that of another, which needs
    ``output``. Keywords are the fields of `bnnc.Options` (``backend="tvm"``, ``tune=True``), for
    which docs/options.md says what each means; they replace those of ``options``. ``progress`` is
    called with what is being done. Raises BnncError.
    """
    options = replace(options or Options(), **keywords)
    if output is None:
        return _compile_in_memory(model, target, options, progress)
    path = Path(output)
    compile_file(model, target, path, options, progress)
    return path


def _compile_in_memory(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str,
    options: Options,
    progress: Progress | None,
) -> Model:
    if options.emit != "so" or options.header is not None:
        what = "a header" if options.header is not None else f"emit={options.emit!r}"
        raise OutputError(f"{what} without a file: name one with output=")
    check_host(resolve_target(target), "load code", "name a file for it with output=")
    name = Path(model).stem if isinstance(model, (str, os.PathLike)) else ""
    return load(build(model, target, options, name or "model", progress).data)


def compile_file(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str,
    output: Path,
    options: Options,
    progress: Progress | None = None,
) -> Compilation:
    """Compile to ``output`` and return what was made, for those who report on it."""
    header = Path(options.header) if options.header is not None else None
    _check_outputs(model, output, header)
    soname = f"{output.stem}{SUFFIXES['so']}" if options.compress else output.name
    compilation = build(model, target, options, output.stem, progress, soname)
    files = saved(compilation.graph, output) if options.emit == "ir" else {output: compilation.data}
    if header is not None:
        files[header] = c_header(compilation.manifest).encode()
    write_files(files)
    return compilation


def _check_outputs(
    model: str | os.PathLike[str] | onnx.ModelProto, output: Path, header: Path | None
) -> None:
    """Refuse, before the work, what cannot be written or would overwrite another of the files."""
    outputs = [path for path in (output, header) if path is not None]
    for path in outputs:
        check_writable(path)
        is_file = isinstance(model, (str, os.PathLike))
        if is_file and path.exists() and os.path.exists(model) and path.samefile(model):
            import_model(model)  # what is no ONNX file, such as a library, is named first
            raise OutputError(f"{path}: would overwrite the model; name another output")
    if header is not None and header.resolve() == output.resolve():
        raise OutputError(f"{header}: the header and the output are the same file")


def _label(model: str | os.PathLike[str] | onnx.ModelProto) -> str:
    """What messages call a model."""
    return os.fspath(model) if isinstance(model, (str, os.PathLike)) else "model"


def _silent(_: str) -> None:
    """No progress."""


def output_path(model: str, output: str | None, options: Options) -> Path:
    """Where ``bnnc compile`` writes: beside the model, unless it is told where."""
    if output is not None:
        return Path(output)
    path = Path(model)
    if not path.name:
        raise OutputError(f"{model!r}: not the name of a file")
    return path.with_suffix(COMPRESSED if options.compress else SUFFIXES[options.emit])


def build(
    model: str | os.PathLike[str] | onnx.ModelProto,
    target: str,
    options: Options,
    name: str,
    progress: Progress | None = None,
    soname: str | None = None,
) -> Compilation:
    """Compile in memory. ``name`` is the model's name in the manifest and the default prefix,
    ``soname`` the name by which programs look for the library."""
    started = time.perf_counter()
    say = progress or _silent
    name = name.encode("utf-8", "replace").decode()  # file names may hold any bytes
    prefix = identifier(name) if options.prefix is None else options.prefix
    _check_options(options, prefix)
    backend = load_backend(options.backend)
    machine = resolve_target(target)
    warnings: list[str] = []
    predicted = PredictedCost(machine, backend.kernels)
    costs = _tuned(backend, machine, options, say, warnings.append) if options.tune else predicted
    say("importing")
    imported = import_model(model, options.shapes, options.sign_zero)
    try:
        dump = _dumper(Path(options.dump_ir)) if options.dump_ir is not None else None
        graph, verdicts = lower(imported, costs, options, _counting(say, dump))
        say("generating code")
        code = backend.lower(graph, machine)
    except (LoweringError, PassError, VerifyError) as error:
        raise type(error)(f"{_label(model)}: {error}") from error
    linking = importlib.import_module(".backends.linking", __package__)
    source = imported.source
    inputs, outputs = tensor_entries(graph)
    manifest = artifact.Manifest(
        bnnc=__version__,
        name=name,
        prefix=prefix,
        target=target_entry(machine),
        inputs=inputs,
        outputs=outputs,
        workspace=code.workspace,
        constants=code.constant_bytes,
        source=artifact.Source(source.sha256, source.bytes, source.opset, source.producer),
        linker=linking.linker_version(options.linker) if options.emit == "so" else "none",
        layers=tuple(layer(verdict) for verdict in verdicts),
        kernels=tuple(kernel(scheduled, predicted) for scheduled in code.schedule),
        options=options.manifest(),
    )
    if options.emit == "ir":
        data = print_graph(graph).encode()
    else:
        kind: EmitKind = "obj" if options.emit == "so" else options.emit
        data = code.emit(kind, prefix, artifact.section_bytes(manifest))
    link = partial(linking.link, target=machine, linker=options.linker, soname=soname)
    data = _finished(data, code.schedule, options, link, say)
    seconds = time.perf_counter() - started
    return Compilation(data, manifest, imported, graph, code.schedule, seconds, tuple(warnings))


def _check_options(options: Options, prefix: str) -> None:
    """Raise BackendError, before the work, for options that cannot be had (together)."""
    if options.emit not in get_args(Emit):
        raise BackendError(f"unknown emit kind {options.emit!r}; known: {', '.join(SUFFIXES)}")
    if options.compress and options.emit != "so":
        raise BackendError(f"only shared libraries are compressed, not --emit {options.emit}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", prefix):
        raise BackendError(f"prefix {prefix!r} is not a C identifier of up to 100 letters")


def _finished(
    data: bytes,
    schedule: tuple[Scheduled, ...],
    options: Options,
    link: Callable[[bytes], bytes],
    say: Progress,
) -> bytes:
    """The file of an emitted object or text: linked, sealed by a checksum and compressed, as far as
    the options ask for it."""
    if options.emit == "so":
        say("linking")
        data = link(data)
    if options.emit in ("so", "obj"):
        data = artifact.seal(data)
    if options.compress:
        say("compressing")
        data = compress_file(data, schedule)
    return data


def _tuned(
    backend: Backend,
    target: Target,
    options: Options,
    say: Progress,
    warn: Callable[[str], None],
) -> CostModel:
    """What the passes ask for costs under ``--tune``."""
    with _naming_the_extra("--tune"):
        return tuned_cost(
            backend,
            target,
            __version__,
            options.tune_seconds,
            options.tune_trials,
            options.tune_tracker,
            say,
            warn,
        )


def import_model(
    model: str | os.PathLike[str] | onnx.ModelProto,
    shapes: Shapes | None = None,
    sign_zero: SignZero = "exact",
) -> Imported:
    """Read a model into the IR; raises ModelError, or BackendError without the compiler extra."""
    frontend = _import(".frontend", "reading ONNX models")
    return frontend.load_model(model, shapes=dict(shapes or {}), sign_zero=sign_zero)


def lower(
    imported: Imported, costs: CostModel, options: Options, observe: Observe | None = None
) -> tuple[Graph, tuple[Verdict, ...]]:
    """Run the default pipeline by a cost model, in which bytes count as the options say.

    ``observe`` sees the graph, numbered 0, and what each pass makes of it. Returns the scheduled
    graph and the verdict on every layer, from between the first two parts of the pipeline.
    """
    if observe is not None:
        observe(0, None, imported.graph)
    recognition = pipelines.recognition(options.exact_float)
    graph = run_passes(imported.graph, recognition, None, observe)
    verdicts = examine(graph, imported.operators, options.exact_float)
    rewriting = pipelines.rewriting(options.exact_float, options.reuse, options.mst_max_depth)
    number = 1 + len(recognition)
    graph = run_passes(graph, rewriting, Context(costs), observe, number)
    if isinstance(costs, MeasuredCost):
        costs.expect(asked_about(graph), constants_of(graph))
    context = Context(weighed(graph, costs, options.optimize))
    number += len(rewriting)
    return run_passes(graph, pipelines.scheduling(), context, observe, number), verdicts


def _counting(say: Progress, observe: Observe | None) -> Observe:
    """What says how many passes are done, and goes on to another observer."""
    total = len(pipelines.default())

    def count(number: int, step: Pass | None, graph: Graph) -> None:
        say(f"rewriting, {number} of {total} passes done")
        if observe is not None:
            observe(number, step, graph)

    return count


def _dumper(folder: Path) -> Observe:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write: {error.strerror}") from error

    def dump(number: int, step: Pass | None, graph: Graph) -> None:
        name = step.name() if step else "imported"
        save(graph, folder / f"{number:02d}-{name}.bnn")

    return dump


def recognised(graph: Graph) -> tuple[Verdict, ...]:
    """The verdict on every Conv, Gemm and MatMul of an imported graph."""
    return examine(run_passes(graph, pipelines.recognition()))


def layer(verdict: Verdict) -> artifact.Layer:
    """A verdict as the manifest and ``inspect`` show it."""
    node = verdict.node
    op = node.op
    macs = multiply_accumulates(node)
    weights = math.prod(op.w.shape) if isinstance(op, (Conv, Gemm)) else 0
    of_activations, of_weights = (1, 1) if verdict.binarized else verdict.bits or (32, 32)
    return artifact.Layer(
        name=node.origin[0] if node.origin else node.result.name,
        op=op.mnemonic(),
        binarized=verdict.binarized,
        reason=verdict.reason,
        input=tuple(str(d) if isinstance(d, Batch) else d for d in op.operands[0].shape),
        output=tuple(str(d) if isinstance(d, Batch) else d for d in node.result.shape),
        macs=macs,
        binary_macs=macs if verdict.binarized else 0,
        weight_bytes=-(-weights * of_weights // 8),
        window=Geometry.of(op).text,
        activation_bits=of_activations,
        weight_bits=of_weights,
    )


def kernel(scheduled: Scheduled, predicted: PredictedCost) -> artifact.Kernel:
    """A node of the code as the manifest shows it, with its predicted cycles."""
    node, op = scheduled.node, scheduled.node.op
    leader = op.leader() or node
    products = Trait.SUMS | Trait.MULTIPLIES in leader.op.traits
    return artifact.Kernel(
        name=leader.origin[0] if leader.origin else leader.results[0].name,
        op=leader.op.mnemonic(),
        kernel=str(scheduled.choice),
        output=tuple(str(d) if isinstance(d, Batch) else d for d in node.results[0].shape),
        macs=multiply_accumulates(leader) if products else 0,
        cycles=round(predicted.cost(op, scheduled.choice)),
        steps=scheduled.steps,
        weights=scheduled.weights[0].bits.size if scheduled.weights else 0,
        weight_bytes=sum(len(stored.data) for stored in scheduled.weights),
    )


def multiply_accumulates(node: Node) -> int:
    """Products that a convolution or matrix product sums for one sample."""
    return node.result.type.elements_per_sample() * node.op.terms()


def resolve_target(name: str) -> Target:
    """A target by name or TRIPLE:CPU; raises TargetError."""
    module = ".backends.codegen.triples" if ":" in name else ".backends.targets"
    return _import(module, "").resolve(name)


def load_backend(name: str) -> Backend:
    """A backend by name, imported now; raises BackendError naming the missing extra."""
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; known: {', '.join(BACKENDS)}")
    module, kind = BACKENDS[name]
    what = f"the {name} backend"
    with _naming_the_extra(what):
        return getattr(_import(module, what), kind)()


def identifier(name: str) -> str:
    """A C identifier made from a file name."""
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name)[:80]
    return cleaned if re.match(r"[A-Za-z_]", cleaned) else f"model_{cleaned}"


def _import(module: str, what: str) -> Any:
    with _naming_the_extra(what):
        return importlib.import_module(module, __package__)


_OF_TVM = {"tvm", "tvm_ffi", "xgboost", "cloudpickle", "psutil", "tornado"}
"""What the extra ``tvm`` installs."""


@contextmanager
def _naming_the_extra(what: str) -> Generator[None]:
    """Turn a library that is not installed into a BackendError."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == (__package__ or "").partition(".")[0]:
            raise BackendError(f"{what} is not part of this version") from error
        extra = "tvm" if missing in _OF_TVM else "compiler"
        raise BackendError(f"{what} needs {missing}; install bnnc[{extra}]") from error
    except ImportError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackendError(f"{what} cannot load {error.name or 'a library'}: {reason}") from error
