"""`load(path, threads=N)`: the same results, shared workers, forks, exits and closed models."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np
import pytest

import bnnc
from bnnc import runtime
from bnnc.errors import ArtifactError, InputError
from bnnc.runtime import thread_pool
from bnnc.runtime.elf import parse_elf

TIME_LIMIT = 120
DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "c-api.md"


@pytest.fixture(scope="module")
def mnist(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network, for this machine; ``mnist.h`` next to it."""
    folder = tmp_path_factory.mktemp("mnist")
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    return bnnc.compile(
        model, output=folder / "mnist.so", header=folder / "mnist.h", prefix="mnist"
    )


@pytest.fixture(scope="module")
def images(data_dir: Path) -> np.ndarray:
    with np.load(data_dir / "mnist" / "test200.npz") as samples:
        return (samples["images"][:, None] / np.float32(255)).astype(np.float32)


def workers() -> int:
    """Threads of the pool in this process."""
    return sum(thread.name.startswith("bnnc-") for thread in threading.enumerate())


@pytest.mark.parametrize("threads", [2, 3, 7, 0])
def test_results_are_the_same(mnist: Path, images: np.ndarray, threads: int) -> None:
    one, many = runtime.load(mnist), runtime.load(mnist, threads=threads)
    for batch in (1, 2, 31, 200, 1):
        expected = one(images[:batch])
        for _ in range(20):
            np.testing.assert_array_equal(many(images[:batch]), expected)
    assert workers() >= threads - 1


def test_workers_are_shared_and_made_when_needed(mnist: Path, images: np.ndarray) -> None:
    runtime.load(mnist, threads=4)(images)
    before = workers()
    assert before >= 3
    for threads in (1, 2, 3, 4):
        runtime.load(mnist, threads=threads)(images)
    assert workers() == before
    runtime.load(mnist, threads=before + 2)
    assert workers() == before
    runtime.load(mnist, threads=before + 2)(images)
    assert workers() == before + 1


def test_numpy_numbers_count(mnist: Path, images: np.ndarray) -> None:
    assert runtime.load(mnist, threads=np.int64(2))(images[:1]).shape == (1, 10)


@pytest.mark.parametrize("threads", [-1, 65, 1 << 70, 1.0, "2", True, [2]])
def test_other_numbers_are_refused(mnist: Path, threads: object) -> None:
    with pytest.raises(InputError, match=r"mnist\.so: threads: expected 1 to 64, or 0 for all"):
        runtime.load(mnist, threads=threads)


def test_all_cores_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((3, 3), (200, 64)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, n=cores: set(range(n)))
        assert thread_pool.thread_count(0, "m") == expected
        assert thread_pool.thread_count(7, "m") == 7


def test_an_artifact_without_a_pool(tmp_path: Path) -> None:
    path = handmade.build(tmp_path, handmade.manifest(platform.machine()))
    runtime.load(path)
    with pytest.raises(ArtifactError, match="does not define tiny_pool_bytes; compile it again"):
        runtime.load(path, threads=2)


def test_callers_and_models_at_once(mnist: Path, images: np.ndarray) -> None:
    """Every result is right, whoever has the workers."""
    models = [runtime.load(mnist, threads=threads) for threads in (1, 2, 3, 5)]
    batches = [images[i : i + size] for i, size in enumerate((1, 2, 5, 40))]
    expected = [models[0](batch) for batch in batches]
    wrong: list[tuple[int, int]] = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for which, batch in random.integers(0, 4, (80, 2)):
            if not np.array_equal(models[which](batches[batch]), expected[batch]):
                wrong.append((which, batch))

    callers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_close_while_others_run(mnist: Path, images: np.ndarray) -> None:
    """The first library may have given the workers their code; it stays loaded."""
    expected = runtime.load(mnist)(images[:20])
    results: list[np.ndarray] = []

    def work(model: runtime.Model, started: threading.Event) -> None:
        with contextlib.suppress(ArtifactError):
            while True:
                results.append(model(images[:20]))
                started.set()

    for _ in range(10):
        model, started = runtime.load(mnist, threads=3), threading.Event()
        thread = threading.Thread(target=work, args=(model, started))
        thread.start()
        started.wait()
        model.close()
        thread.join()
    assert all(np.array_equal(got, expected) for got in results)


def in_child(work: Callable[[], bool]) -> int:
    """Fork; the exit code of a child that does ``work``."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_its_own_workers(mnist: Path, images: np.ndarray) -> None:
    model = runtime.load(mnist, threads=3)
    expected = model(images)

    def work() -> bool:
        before = workers()
        right = all(np.array_equal(model(images), expected) for _ in range(20))
        return right and before == 0 and workers() == 2

    assert in_child(work) == 0
    assert in_child(lambda: in_child(work) == 0) == 0
    np.testing.assert_array_equal(model(images), expected)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_another_thread_runs(mnist: Path, images: np.ndarray) -> None:
    model, stop = runtime.load(mnist, threads=2), threading.Event()
    expected = model(images)

    def run() -> None:
        while not stop.is_set():
            model(images)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(5):
            assert in_child(lambda: np.array_equal(model(images), expected)) == 0
    finally:
        stop.set()
        thread.join()


def python(program: str, *arguments: object) -> str:
    """Run a program in a process of its own, which must end well and say nothing but its output."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


SETUP = """
import atexit, os, sys, threading
import numpy as np
from bnnc import runtime
image = np.zeros((9, 1, 28, 28), np.float32)
"""
EXITS = {
    "at once": "runtime.load(sys.argv[1], threads=4)(image)",
    "asleep": "runtime.load(sys.argv[1], threads=4)(image); threading.Event().wait(0.05)",
    "closed": "m = runtime.load(sys.argv[1], threads=4); m(image); m.close()",
    "by sys.exit": "m = runtime.load(sys.argv[1], threads=2); m(image); sys.exit(0)",
    "at exit": "m = runtime.load(sys.argv[1], threads=4); atexit.register(lambda: m(image))",
    "in a run": """
m = runtime.load(sys.argv[1], threads=4)
started = threading.Event()
def work():
    while True:
        m(image)
        started.set()
threading.Thread(target=work, daemon=True).start()
started.wait()
""",
}


@pytest.mark.parametrize("how", EXITS)
def test_the_interpreter_exits(mnist: Path, how: str) -> None:
    for _ in range(3):
        python(SETUP + EXITS[how], mnist)


def test_one_thread_makes_none(mnist: Path) -> None:
    count = "print(len(os.listdir('/proc/self/task')), end=' ');"
    program = f"""{SETUP}
{count}
m = runtime.load(sys.argv[1]); m(image)
{count}
m = runtime.load(sys.argv[1], threads=3); m(image)
{count}
"""
    before, one, three = map(int, python(program, mnist).split())
    assert one == before
    assert three == before + 2


def test_the_programs_of_the_documentation(mnist: Path, tmp_path: Path) -> None:
    """docs/c-api.md: both print the scores of an empty image, and find the library by its name."""
    programs = re.findall(r"```c\n(#include.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == 2
    scores = runtime.load(mnist)(np.zeros((1, 1, 28, 28), np.float32))[0]
    expected = "".join(f"{i}: {score:g}\n" for i, score in enumerate(scores))
    target = f"{platform.machine()}-linux-gnu.2.28"
    for index, text in enumerate(programs):
        source, program = tmp_path / f"{index}.c", tmp_path / f"program{index}"
        source.write_text(text)
        handmade.run(
            *handmade.ZIG, "cc", "-target", target, "-O1", "-Wall", "-Wextra", "-Werror",
            "-pthread", "-I", mnist.parent, source, mnist, "-o", program,
        )  # fmt: skip
        assert mnist.name in parse_elf(program.read_bytes(), "program").needed_libraries()
        done = subprocess.run(
            [program], env={"LD_LIBRARY_PATH": str(mnist.parent)}, cwd="/", check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout == expected
