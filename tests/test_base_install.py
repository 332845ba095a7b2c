"""The wheel, and what works where only NumPy is installed, as on a board that only runs models.

Each environment is made from nothing, with the newest and with the oldest NumPy that matters for
this Python (1.24 is what Debian 12 ships).
"""

from __future__ import annotations

import email
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import bnnc

pytestmark = pytest.mark.xdist_group("base_install")

ROOT = Path(__file__).resolve().parent.parent
OLDEST = {(3, 10): "1.24.*", (3, 11): "1.24.*", (3, 12): "1.26.*"}.get(
    sys.version_info[:2], "2.1.*"
)


def sh(command: Sequence[str | Path], cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout and away from this environment; check its exit code."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "BNNC_DEBUG")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that setuptools leaves no build folder in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "any-name"
    skip = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=skip)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    sh([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, source], out)
    (built,) = out.glob("*.whl")
    return built


@dataclass(frozen=True)
class Base:
    """An environment with NumPy and bnnc, and an empty folder to work in."""

    environment: Path
    folder: Path

    def python(self, code: str) -> str:
        return sh([self.environment / "bin/python", "-c", code], self.folder).stdout.strip()

    def bnnc(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        return sh([self.environment / "bin/bnnc", *arguments], self.folder, code)


VERSIONS = [
    pytest.param(v, marks=[pytest.mark.shares(v), pytest.mark.sampled(one="base")])
    for v in ("newest", OLDEST)
]


@pytest.fixture(scope="module", params=VERSIONS)
def base(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Base:
    folder = tmp_path_factory.mktemp("base")
    environment = folder / "v"
    numpy = "numpy" if request.param == "newest" else f"numpy=={request.param}"
    sh([sys.executable, "-m", "venv", environment], folder)
    pip = [environment / "bin/python", "-m", "pip", "install", "-q"]
    sh([*pip, "--only-binary=numpy", numpy], folder)
    sh([*pip, "--no-deps", "--no-index", wheel], folder)
    return Base(environment, folder)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """relu(x @ w) with a symbolic batch, compiled by the environment that runs the tests."""
    weight = np.arange(12, dtype=np.float32).reshape(4, 3) - 5
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Relu", ["m"], ["y"])],
        "small",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    output = tmp_path_factory.mktemp("artifact") / "small.so"
    return bnnc.compile(model, target="native", output=output)


def test_a_compressed_artifact_runs_and_is_expanded(base: Base, tmp_path: Path) -> None:
    """Sign and a product with ±1, whose weights resemble each other."""
    random = np.random.default_rng(0)
    flips = random.random((256, 64)) < 0.1
    flips[:, 0] = False
    centre = random.choice([-1, 1], (256, 1))
    weight = np.where(flips, -centre, centre).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Sign", ["x"], ["s"]), helper.make_node("MatMul", ["s", "w"], ["y"])],
        "binary",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 256])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 64])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    packed = bnnc.compile(model, output=tmp_path / "net.bnnc", compress=True)
    plain = bnnc.compile(model, output=tmp_path / "net.so")
    inspected = json.loads(base.bnnc("inspect", packed, "--json").stdout)
    assert inspected["bits_per_weight"] < 0.6
    x = random.normal(size=(5, 256)).astype(np.float32)
    np.save(base.folder / "x.npy", x)
    base.bnnc("run", packed, "--input", "x.npy", "-o", "y.npz")
    with np.load(base.folder / "y.npz") as out:
        np.testing.assert_array_equal(out["y"], np.sign(x) @ weight)
    base.bnnc("expand", packed, "-o", "net.so")
    assert (base.folder / "net.so").read_bytes() == plain.read_bytes()


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"bnnc-{bnnc.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata_name,) = [name for name in names if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(metadata_name))
    folders = {name.split("/")[0] for name in names}
    assert folders == {"bnnc", f"bnnc-{bnnc.__version__}.dist-info"}
    files = ("py.typed", "__main__.py", "runtime/__init__.py", "tools/inspection/html_page.html")
    assert {f"bnnc/{name}" for name in files} <= set(names)
    assert not [name for name in names if name.startswith(("bnnc/tests", "bnnc/docs"))]
    base = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert base == ["numpy>=1.21"]
    assert set(metadata.get_all("Provides-Extra", [])) >= {"compiler", "tvm", "dev", "bench"}


def test_an_editable_install_is_this_package_from_any_folder(source: Path, tmp_path: Path) -> None:
    sh([sys.executable, "-m", "venv", tmp_path / "v"], tmp_path)
    python = tmp_path / "v/bin/python"
    sh([python, "-m", "pip", "install", "-q", "--no-deps", "-e", source], tmp_path)
    code = "import bnnc, bnnc.errors; print(bnnc.__file__, bnnc.errors.BnncError.__module__)"
    for folder in (tmp_path, source, source / "ir"):
        done = sh([python, "-c", code], folder)
        assert done.stdout.split() == [str(source / "__init__.py"), "bnnc.errors"]


def test_runtime_imports_numpy_and_nothing_else(base: Base) -> None:
    code = """
import sys
before = set(sys.modules)
import bnnc.runtime
origins = {name: getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before}
packages = {name.split(".")[0] for name, origin in origins.items() if origin}
print(*sorted(packages - {"bnnc", "numpy"} - set(sys.stdlib_module_names)))
"""
    assert base.python(code) == ""


def test_targets_are_listed(base: Base) -> None:
    listed = base.bnnc("targets").stdout
    for name in ("native", "x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64", "cortex-a72"):
        assert name in listed


@pytest.mark.parametrize(
    "arguments", [["compile", "m.onnx"], ["verify", "m.onnx"], ["inspect", "m.onnx"]]
)
def test_compiler_commands_name_the_missing_extra(base: Base, arguments: list[str]) -> None:
    (base.folder / "m.onnx").write_bytes(b"\x08\x08")
    done = base.bnnc(*arguments, code=2)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "bnnc[compiler]" in done.stderr
    assert not (base.folder / "m.so").exists()


def test_compile_from_python_names_the_missing_extra(base: Base) -> None:
    code = (
        "import bnnc\n"
        "try: bnnc.compile('m.onnx')\n"
        "except bnnc.errors.BnncError as error: print(error)"
    )
    assert "bnnc[compiler]" in base.python(code)


def test_usage_is_shown(base: Base) -> None:
    shown = base.bnnc("--help").stdout
    for command in ("compile", "run", "verify", "bench", "inspect", "opt", "targets"):
        assert command in shown
    done = sh([base.environment / "bin/python", "-m", "bnnc", "--version"], base.folder)
    assert bnnc.__version__ in done.stdout


def test_an_artifact_runs(base: Base, artifact: Path) -> None:
    x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)
    np.save(base.folder / "x.npy", x)
    base.bnnc("run", artifact, "--input", "x=x.npy", "-o", "out.npz")
    with np.load(base.folder / "out.npz") as out:
        assert out.files == ["y"]
        weight = np.arange(12, dtype=np.float32).reshape(4, 3) - 5
        np.testing.assert_allclose(out["y"], np.maximum(x @ weight, 0), rtol=1e-5, atol=1e-5)
    code = (
        "import numpy as np, bnnc\n"
        f"with bnnc.load({str(artifact)!r}) as model:\n"
        "    print(model(np.load('x.npy')).shape)"
    )
    assert base.python(code) == "(5, 3)"


def test_an_artifact_is_inspected_and_timed(base: Base, artifact: Path) -> None:
    assert json.loads(base.bnnc("inspect", artifact, "--json").stdout)
    assert json.loads(base.bnnc("bench", artifact, "--json").stdout)
