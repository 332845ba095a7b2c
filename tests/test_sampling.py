"""What a quick run keeps: one case of each stratum, by a seed that it says."""

from __future__ import annotations

import datetime
from collections import Counter
from itertools import product

import pytest
from sampling import Sample

pytest_plugins = ["pytester"]

CASES = list(product("abc", range(4), "xyz"))
CONFTEST = """
    import pytest
    from sampling import Sampling, add_options

    def pytest_addoption(parser):
        parser.addoption("--update-golden", action="store_true")
        add_options(parser)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config):
        config.addinivalue_line("markers", "sampled:")
        config.pluginmanager.register(Sampling(config))
"""
TESTS = """
    import pytest

    @pytest.mark.sampled(per=("letter",))
    @pytest.mark.parametrize("number", range(40))
    @pytest.mark.parametrize("letter", "abc")
    def test_product(letter, number):
        pass

    @pytest.mark.sampled(per=lambda parameters: parameters["number"] % 4)
    @pytest.mark.parametrize("number", range(40))
    def test_remainders(number):
        pass

    @pytest.mark.parametrize("number", range(7))
    def test_unmarked(number):
        pass
"""
ALIKE = """
    import pytest

    @pytest.fixture(params=[
        pytest.param(number, marks=pytest.mark.sampled(one="version"))
        for number in range(10)
    ])
    def version(request):
        return request.param

    def test_one(version):
        pass

    @pytest.mark.parametrize("letter", "ab")
    def test_other(letter, version):
        pass
"""


def drawn(seed: int, name: str = "n", complete: bool = False) -> list[tuple[str, int, str]]:
    sample = Sample(seed, complete)
    return sample.of(CASES, lambda case: case[0], name, lambda case: case[1:])


def test_every_stratum_has_one_case() -> None:
    for seed in range(20):
        assert [case[0] for case in drawn(seed)] == ["a", "b", "c"]


def test_a_seed_says_all() -> None:
    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(20)}) > 10
    assert len({tuple(drawn(1, name)) for name in "abcdefghij"}) > 5


def test_every_case_is_drawn_in_time() -> None:
    assert {case for seed in range(300) for case in drawn(seed)} == set(CASES)


def test_values_are_drawn_about_equally_often() -> None:
    cases = list(product(range(12), "xyz"))
    sample = Sample(5, complete=False).of(cases, lambda c: c[0], "n", lambda c: c[1:])
    assert Counter(case[1] for case in sample) == {"x": 4, "y": 4, "z": 4}


def test_all_keeps_all_in_order() -> None:
    assert drawn(1, complete=True) == CASES


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    return pytester


def ran(suite: pytest.Pytester, *arguments: str) -> list[str]:
    """Names of the tests that ran; every one of them passed."""
    result = suite.inline_run("-p", "no:cacheprovider", *arguments)
    reports = [r for r in result.getreports("pytest_runtest_logreport") if r.when == "call"]
    assert all(report.passed for report in reports)
    return [report.nodeid.partition("::")[2] for report in reports]


def test_a_run_keeps_each_test_and_says_what_it_left_out(
    suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ran(suite, "--seed", "3")
    assert Counter(name.partition("[")[0] for name in names) == {
        "test_product": 3,
        "test_remainders": 4,
        "test_unmarked": 7,
    }
    out = capsys.readouterr().out
    line = "a sample of the tests: --seed 3 repeats it, --all runs every test"
    assert out.startswith(f"{line}\n")
    assert f"{line}; 153 left out\n" in out
    assert ran(suite, "--seed", "3") == names
    assert ran(suite, "--seed", "4") != names


@pytest.mark.parametrize("option", ["--all", "--update-golden"])
def test_a_full_run_leaves_out_nothing(suite: pytest.Pytester, option: str) -> None:
    assert len(ran(suite, option)) == 120 + 40 + 7


def test_tests_are_drawn_alike_where_they_say_so(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(ALIKE)
    for seed in range(5):
        one, *others = ran(pytester, "--seed", str(seed))
        version = one.removeprefix("test_one[")
        assert sorted(others) == [f"test_other[{version[:-1]}-a]", f"test_other[{version[:-1]}-b]"]


def test_the_date_is_the_seed(suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.datetime.now(datetime.timezone.utc)
    ran(suite, "-k", "unmarked")
    after = datetime.datetime.now(datetime.timezone.utc)
    out = capsys.readouterr().out
    assert any(f"--seed {day:%Y%m%d} " in out for day in (before, after))


def test_a_test_that_is_asked_for_runs(suite: pytest.Pytester) -> None:
    (path,) = suite.path.glob("test_*.py")
    for number in (0, 17, 39):
        asked = f"test_product[b-{number}]"
        assert ran(suite, f"{path.name}::{asked}") == [asked]
        assert ran(suite, "-k", asked) == [asked]


def test_workers_run_the_same_sample(
    suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = ran(suite, "--seed", "3")
    assert sorted(ran(suite, "--seed", "3", "-n", "2")) == sorted(alone)
    assert "153 left out" in capsys.readouterr().out.rpartition("gw1")[2]
