"""An option stands once: keywords, flags, the manifest and the documentation follow."""

from __future__ import annotations

import argparse
import inspect
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from conftest import ROOT, Golden

import bnnc
from bnnc import driver, options
from bnnc.errors import InputError
from bnnc.options import FLAGS, RECOMPILED, Emit, Keywords, Options
from bnnc.tools import option_docs
from bnnc.tools.command_line.arguments import add_options, options_of

FULL = Options(
    "tvm",
    "obj",
    Path("h"),
    "p",
    {"b": (-1, 4), "a": (1, 3)},
    "+1",
    True,
    False,
    3,
    "size",
    "ld",
    Path("d"),
    True,
    True,
    1.5,
    7,
    "h:1/k",
)
"""A value of each field that is not its default."""


def parsed(*words: str, names: tuple[str, ...] = tuple(FLAGS)) -> Options:
    parser = argparse.ArgumentParser()
    add_options(parser, *names)
    return options_of(parser.parse_args(words))


def test_type_checkers_see_every_keyword() -> None:
    assert get_type_hints(Keywords) == get_type_hints(Options)
    assert not Keywords.__required_keys__
    kinds = {p.name: p.kind for p in inspect.signature(bnnc.compile).parameters.values()}
    assert kinds["keywords"] is inspect.Parameter.VAR_KEYWORD
    assert not set(kinds) & set(FLAGS)


def test_the_public_name() -> None:
    assert bnnc.Options is options.Options
    assert "Options" in dir(bnnc)


def test_what_is_chosen_from_is_known_to_the_driver() -> None:
    assert tuple(driver.SUFFIXES) == FLAGS["emit"].choices == get_args(Emit)
    assert tuple(driver.BACKENDS) == FLAGS["backend"].choices
    assert all(len(f.default) > 0 for f in fields(Options) if isinstance(f.default, str))


def test_without_flags_all_are_defaults() -> None:
    assert parsed() == Options()
    assert parsed(names=("backend",)) == Options()


def test_each_flag_sets_its_field() -> None:
    words = {
        "shapes": ["--shape", "b=Nx4", "--shape", "a=1x3"],
        "reuse": ["--no-reuse"],
    }
    for option in fields(Options):
        value, name = getattr(FULL, option.name), option.name
        assert value != option.default, "the example is no example"
        given = [FLAGS[name].name] + ([] if value is True else [str(value)])
        needed = ["--tune"] if FLAGS[name].needs and name.startswith("tune") else []
        got = parsed(*words.get(name, given), *needed)
        wanted: dict[str, Any] = {name: str(value) if isinstance(value, Path) else value}
        assert got == replace(Options(), **wanted, **({"tune": True} if needed else {}))


@pytest.mark.parametrize("name", [name for name, flag in FLAGS.items() if flag.needs])
def test_an_option_that_says_nothing_is_refused(name: str) -> None:
    needs = FLAGS[name].needs
    assert needs is not None
    other = [] if not getattr(Options, needs[0]) else [FLAGS[needs[0]].name]
    with pytest.raises(InputError) as caught:
        parsed(FLAGS[name].name, "1", *other)
    assert str(caught.value) == needs[1]


def test_keywords_replace_options(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Options] = []

    def compile_file(model: Any, target: str, output: Path, given: Options, _: Any) -> None:
        seen.append(given)

    monkeypatch.setattr(driver, "compile_file", compile_file)
    bnnc.compile("net.onnx", output="net.so")
    bnnc.compile("net.onnx", output="net.so", options=FULL)
    bnnc.compile("net.onnx", "native", "net.so", options=FULL, prefix="q", reuse=True)
    bnnc.compile("net.onnx", output="net.so", backend="tvm", shapes=None)
    changed = replace(FULL, prefix="q", reuse=True)
    assert seen == [Options(), FULL, changed, Options("tvm")]
    with pytest.raises(TypeError, match="colour"):
        bnnc.compile("net.onnx", output="net.so", colour="red")  # type: ignore[call-arg]


def test_the_manifest() -> None:
    assert FULL.manifest() == {
        "backend": "tvm",
        "exact_float": True,
        "mst_max_depth": 3,
        "optimize": "size",
        "reuse": False,
        "shapes": ["a=1x3", "b=-1x4"],
        "sign_zero": "+1",
        "tuned": True,
    }
    assert Options().manifest()["shapes"] == []
    assert set(RECOMPILED) == set(FULL.manifest()) - {"tuned"}


def test_committed_file(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "options.md", option_docs.text())


def test_written_to_a_file(tmp_path: Path) -> None:
    assert option_docs.main([str(tmp_path / "options.md")]) == 0
    assert (tmp_path / "options.md").read_text(encoding="utf-8") == option_docs.text()
