"""The import rules of docs/architecture.md, read off the syntax trees; the package's outline."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("backends", "frontend", "ir", "passes", "runtime", "tools")

# The layers, lowest first, and what each may import of bnnc. A module belongs to the longest name
# that fits; a layer always knows itself. Ground is what the passes and the frontend may consult.
GROUND = {"errors", "ir", "backends.cost_model", "backends.interface", "backends.targets"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "options": set(),
    "files": {"errors"},
    "ir": {"errors", "files"},
    "runtime": {"errors", "files"},
    "backends.targets": {"errors", "runtime"},
    "backends.cost_model": GROUND,
    "backends.interface": GROUND | {"runtime"},
    "frontend": GROUND | {"files"},
    "passes": GROUND,
    "backends": GROUND | {"files", "runtime"},
    "backends.codegen": GROUND | {"backends", "runtime"},
    "backends.llvm": GROUND | {"backends", "backends.codegen", "runtime"},
    "backends.tvm": GROUND | {"backends", "backends.codegen", "runtime"},
    "backends.auto": GROUND | {"backends.codegen", "backends.llvm", "backends.tvm"},
    "compression": GROUND | {"passes", "runtime"},
    "tuning": GROUND | {"backends", "files", "runtime"},
    "driver": GROUND
    | {"backends", "compression", "files", "frontend", "options", "passes", "runtime"}
    | {"tuning", "version"},
    "": {"errors", "driver", "options", "runtime", "tools", "version"},
    "__main__": {"tools"},
    "tools": GROUND
    | {"backends", "compression", "driver", "files", "frontend", "options", "passes"}
    | {"runtime", "tuning", "version"},
}
# Imported by name only when asked for: a backend is a folder that the registry loads. Layers that
# build on one of them name it themselves.
NOT_SEEN_BY_PARENT = {"backends.auto", "backends.codegen", "backends.llvm", "backends.tvm"}

# Libraries besides the standard one. Layers that are not listed may use only NumPy.
LIBRARIES: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "options": set(),
    "frontend": {"numpy", "onnx", "google"},  # protobuf, which onnx depends on
    "backends.codegen": {"numpy", "llvmlite"},
    "backends.llvm": {"numpy", "llvmlite"},
    "backends.auto": set(),
    "backends.tvm": {"numpy", "llvmlite", "tvm"},
    "backends": {"numpy", "ziglang"},
    "driver": {"numpy", "onnx", "typing_extensions"},  # the last for type checkers alone
}


def sources() -> list[Path]:
    """Every module of the package, in a fixed order."""
    paths = [*ROOT.glob("*.py")]
    for folder in FOLDERS:
        paths += (ROOT / folder).rglob("*.py")
    return sorted(paths)


def module_name(path: Path) -> str:
    """``ir/ops/nn.py`` is ``ir.ops.nn``; the root's ``__init__.py`` is the empty name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> str:
    """The longest layer name that ``module`` is or that contains it."""
    parts = module.split(".")
    for size in range(len(parts), 0, -1):
        if (name := ".".join(parts[:size])) in MAY_IMPORT:
            return name
    return ""


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield (line, name, inside bnnc) for every import statement, those in functions included."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, False
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            assert node.level - 1 <= len(package), f"{path}:{node.lineno}: climbs above the root"
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            start = ".".join(part for part in base if part)
            for alias in node.names:
                full = f"{start}.{alias.name}".strip(".")
                yield node.lineno, full if is_module(full) else start, True


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def allowed(layer: str, imported: str) -> bool:
    """May a module of ``layer`` import the module ``imported``?"""
    target = layer_of(imported)
    if target == layer:
        return True
    known = MAY_IMPORT[layer]
    if target in NOT_SEEN_BY_PARENT and layer != "tools" and target not in known:
        return False
    return any(target == name or (name and target.startswith(f"{name}.")) for name in known)


def problems(source: str, path: Path) -> list[str]:
    """Every import in ``source`` that breaks a rule, as ``path:line: what``."""
    module, broken = module_name(path), []
    layer = layer_of(module)
    libraries = LIBRARIES.get(layer, {"numpy"})
    for line, name, inside in imports(ast.parse(source), path):
        top = name.split(".")[0]
        where = f"{path.relative_to(ROOT)}:{line}"
        if inside and not allowed(layer, name):
            broken.append(f"{where}: {layer or 'the root'} may not import {name or 'the root'}")
        elif not inside and (top == "bnnc" or is_module(top)):
            broken.append(f"{where}: absolute import of {name}; use a relative one")
        elif not inside and layer != "tools" and top not in sys.stdlib_module_names | libraries:
            broken.append(f"{where}: {layer or 'the root'} may not import the library {top}")
    return broken


def test_every_module_keeps_the_import_rules() -> None:
    broken = [text for path in sources() for text in problems(path.read_text("utf-8"), path)]
    assert not broken, "\n".join(broken)


def test_modules_do_not_import_in_circles() -> None:
    """Nor do they within functions: of two modules one can be read without the other."""
    known = {
        module_name(path): {
            name for _, name, inside in imports(ast.parse(path.read_text("utf-8")), path) if inside
        }
        for path in sources()
    }
    left = {module: names & set(known) - {module} for module, names in known.items()}
    while free := [module for module, names in left.items() if not names & set(left)]:
        for module in free:
            del left[module]
    assert not left, f"these import each other, or what does: {', '.join(sorted(left))}"


@pytest.mark.parametrize(
    ("path", "source", "word"),
    [
        ("ir/core.py", "from ..passes import manager", "passes"),
        ("ir/core.py", "import onnx", "library onnx"),
        ("passes/pack_bits.py", "from ..frontend import importer", "frontend"),
        ("passes/pack_bits.py", "from ..runtime.artifact import Manifest", "runtime"),
        ("frontend/importer.py", "def f():\n    from .. import passes", "passes"),
        ("runtime/model.py", "from ..ir import Graph", "ir"),
        ("runtime/model.py", "import llvmlite.binding", "library llvmlite"),
        ("backends/llvm/tiles.py", "from ...passes import manager", "passes"),
        ("backends/llvm/tiles.py", "from ..tvm import tir", "tvm"),
        ("backends/llvm/tiles.py", "import tvm", "library tvm"),
        ("backends/tvm/tensor_kernel.py", "from ..llvm import tiles", "llvm"),
        ("backends/codegen/module.py", "from ..auto import AutoBackend", "auto"),
        ("backends/single_layer_library.py", "from .auto import AutoBackend", "auto"),
        ("backends/interface.py", "from .llvm import tiles", "llvm"),
        ("backends/cost_model.py", "from ..runtime import cpu", "runtime"),
        ("backends/codegen/module.py", "from ..llvm import kernels", "llvm"),
        ("backends/linking.py", "from .codegen import module", "codegen"),
        ("driver.py", "from .tools.command_line import cli", "tools"),
        ("driver.py", "from . import __version__", "the root"),
        ("errors.py", "import numpy", "library numpy"),
        ("ir/core.py", "import runtime", "absolute"),
        ("tools/command_line/cli.py", "from bnnc.ir import Graph", "absolute"),
    ],
)
def test_a_broken_rule_is_found(path: str, source: str, word: str) -> None:
    assert (ROOT / path).is_file()
    broken = problems(source, ROOT / path)
    assert len(broken) == 1
    assert word in broken[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("ir/core.py", "from .types import Type\nfrom ..errors import VerifyError\nimport numpy"),
        ("passes/pack_bits.py", "from ..backends.interface import KernelDescriptor"),
        ("backends/llvm/tiles.py", "from ...runtime.artifact import Manifest\nimport llvmlite.ir"),
        ("backends/tvm/tensor_kernel.py", "from ..codegen.kernel_builder import Code\nimport tvm"),
        ("backends/auto.py", "from .llvm import kernels as llvm\nfrom .tvm import kernels as tvm"),
        ("tools/command_line/cli.py", "from .. import driver, __version__\nimport rich"),
    ],
)
def test_a_kept_rule_is_not_reported(path: str, source: str) -> None:
    assert (ROOT / path).is_file()
    assert problems(source, ROOT / path) == []


def test_no_root_name_shadows_a_library() -> None:
    """Python started at the root finds the root's names first: ``import onnx`` must not."""
    libraries = {"filecheck", "hypothesis", "llvmlite", "numpy", "onnx", "onnxruntime", "openvino"}
    libraries |= {"pytest", "qonnx", "rich", "torch", "tvm", "ziglang"}
    for path in [*sources(), *sorted((ROOT / "tests").rglob("*.py"))]:
        tree = ast.parse(path.read_text("utf-8"))
        libraries |= {name.split(".")[0] for _, name, inside in imports(tree, path) if not inside}
    own = {"bnnc", *(path.stem for path in (ROOT / "tests").iterdir())}
    names = {p.stem for p in ROOT.glob("*.py")} | {p.name for p in ROOT.iterdir() if p.is_dir()}
    assert not names & ((libraries | set(sys.stdlib_module_names)) - own)


def test_package_list_is_complete() -> None:
    """pyproject.toml lists each folder that holds an ``__init__.py``, tests aside."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    inits = [path for path in sources() if path.name == "__init__.py"]
    folders = [".".join(["bnnc", *path.relative_to(ROOT).parent.parts]) for path in inits]
    assert listed == sorted(folders)


def test_checkers_know_every_root_module() -> None:
    """Pyright checks each module and folder of the package; the linter refuses it as a top-level
    import, which would load a second copy."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    modules = {path.name for path in ROOT.glob("*.py")}
    assert set(settings["pyright"]["include"]) == modules | {*FOLDERS}
    dunders = {"__init__", "__main__"}
    banned = settings["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert set(banned) == ({name.removesuffix(".py") for name in modules} - dunders) | {*FOLDERS}


def test_base_modules_load_numpy_alone() -> None:
    """``import bnnc`` loads no library, ``bnnc.runtime`` and the command line load only NumPy."""
    code = """
import sys
import bnnc
assert "numpy" not in sys.modules
import bnnc.runtime, bnnc.tools.command_line.cli
heavy = {"llvmlite", "onnx", "onnxruntime", "rich", "torch", "tvm", "ziglang"}
layers = {"bnnc.ir", "bnnc.frontend", "bnnc.passes", "bnnc.driver"}
layers |= {"bnnc.backends." + name for name in ("auto", "codegen", "llvm", "tvm")}
print(*sorted((heavy | layers) & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT.parent
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_without_the_tvm_extra_everything_else_works(data_dir: Path, tmp_path: Path) -> None:
    """Compiling, verifying and running by the LLVM backend, where TVM cannot be imported."""
    code = """
import sys
sys.modules["tvm"] = None
import bnnc
from bnnc.tools.command_line.cli import main
model, output = sys.argv[1:]
assert main(["compile", model, "-o", output]) == 0
assert main(["verify", model, output, "--runs", "1"]) == 0
assert main(["inspect", model]) == 0
print(*sorted(name for name in sys.modules if "bnnc.backends.tvm" in name))
"""
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    done = subprocess.run(
        [sys.executable, "-c", code, str(model), str(tmp_path / "m.so")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
