"""What a quick run keeps of the tests that run over large products; ``--all`` keeps everything.

A test says what a sample of it must hold, by the names of parameters or by a function of them:

    @pytest.mark.sampled(per=("name",))       # one case of each name, of whatever target and batch
    @pytest.mark.sampled(per=operator)        # one of each value of operator(parameters)
    @pytest.mark.sampled(one="version")       # all cases of one version, that of the file's others

One case of each such stratum is kept. Which one says the run's seed, and the values of all
parameters are kept about equally often. Tests without the mark always run whole. A test that goes
through cases by itself takes them from the fixture ``sample``.

The seed is the date's unless ``--seed`` says another, so that days differ and a day does not; it is
Hypothesis' seed too. The first and the last lines of a run name it.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
Parameters = Mapping[str, Any]
Stratum = Callable[[Parameters], Hashable]


@dataclass(frozen=True)
class Sample:
    """Chooses among cases; ``complete`` keeps all of them."""

    seed: int
    complete: bool

    def of(
        self,
        cases: Iterable[T],
        stratum: Callable[[T], Hashable],
        name: str,
        values: Callable[[T], Sequence[Hashable]] = lambda _: (),
    ) -> list[T]:
        """One case of each stratum, in the order of ``cases``.

        Strata of different ``name`` are drawn independently. Each takes the case whose ``values``
        were taken least so far, and one at random of several.
        """
        numbered = list(enumerate(cases))
        if self.complete:
            return [case for _, case in numbered]
        draw = random.Random(f"{self.seed} {name}")
        strata: dict[Hashable, list[tuple[int, T]]] = {}
        for number, case in numbered:
            strata.setdefault(stratum(case), []).append((number, case))
        order = list(strata.values())
        draw.shuffle(order)
        taken: Counter[Hashable] = Counter()
        chosen: list[tuple[int, T]] = []
        for members in order:
            draw.shuffle(members)
            best = min(members, key=lambda member: sum(taken[v] for v in values(member[1])))
            taken.update(values(best[1]))
            chosen.append(best)
        return [case for _, case in sorted(chosen, key=lambda member: member[0])]


def select(items: Sequence[pytest.Item], sample: Sample) -> list[pytest.Item]:
    """The tests to run: of functions with the mark ``sampled`` a sample, of others all."""
    functions: dict[str, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("sampled"):
            functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: set[pytest.Item] = {item for item in items if not _is_among(item, functions)}
    for function, members in functions.items():
        single = _mark(members[0]).kwargs.get("one")
        if single is None:
            kept.update(sample.of(members, _stratum, function, _values))
        else:
            kept.update(_of_one_value(members, single, sample))
    return [item for item in items if item in kept]


def _is_among(item: pytest.Item, functions: Mapping[str, Sequence[pytest.Item]]) -> bool:
    return item in functions.get(item.nodeid.partition("[")[0], ())


def _of_one_value(
    members: Sequence[pytest.Function], parameter: str, sample: Sample
) -> list[pytest.Function]:
    """The cases of one value of a parameter, which a file's tests are drawn with alike."""
    values = list({id(m.callspec.params[parameter]): None for m in members})
    chosen = sample.of(values, lambda _: None, f"{members[0].path.name} {parameter}")
    return [m for m in members if id(m.callspec.params[parameter]) in chosen]


def _mark(item: pytest.Function) -> pytest.Mark:
    mark = item.get_closest_marker("sampled")
    assert mark is not None
    return mark


def _values(item: pytest.Function) -> list[Hashable]:
    """Parameters by name and identity, which all tests of a function share."""
    return [(name, id(value)) for name, value in item.callspec.params.items()]


def _stratum(item: pytest.Function) -> Hashable:
    """The value of the mark's function, or of the parameters that the mark names."""
    per: Stratum | Sequence[str] = _mark(item).kwargs["per"]
    parameters = item.callspec.params
    return per(parameters) if callable(per) else tuple(id(parameters[name]) for name in per)


def add_options(parser: pytest.Parser) -> None:
    """``--all`` and ``--seed``."""
    parser.addoption("--all", action="store_true", help="run every case, not a sample of them")
    parser.addoption("--seed", type=int, help="of the sample and of Hypothesis; default: the date")


class Sampling:
    """The plugin: decides on the seed, leaves out tests and says so."""

    def __init__(self, config: pytest.Config) -> None:
        """Settles the options, which pytest-xdist hands on to its workers as they are then."""
        option = config.option
        option.all = option.all or option.update_golden
        if option.seed is None:
            option.seed = int(datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d"))
        option.hypothesis_seed = option.hypothesis_seed or option.seed
        self.sample = Sample(option.seed, option.all)
        self.left_out = 0

    @property
    def _line(self) -> str:
        if self.sample.complete:
            return f"every test, seed {self.sample.seed}"
        return f"a sample of the tests: --seed {self.sample.seed} repeats it, --all runs every test"

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(self._line)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """After -k and -m, so that a test chosen by these has a sample too."""
        kept = select(items, self.sample)
        self.left_out = len(items) - len(kept)
        if self.left_out:
            chosen = set(kept)
            config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = kept

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput["left_out"] = self.left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Workers collect alike: the last one's count is that of all."""
        self.left_out = getattr(node, "workeroutput", {}).get("left_out", self.left_out)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(f"{self._line}; {self.left_out} left out")
