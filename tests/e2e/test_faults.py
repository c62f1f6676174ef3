"""Every fault of the catalogue: what the client did, what the run said, what stayed, and that the next run recovers."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.support.fault_runner import Meeting, Met, meeting
from tests.support.faults import CASES, DOCS, Case

TABLE = Path(__file__).parents[2] / "docs/faults.md"

QUICK = {  # one of each kind, in every run of the tests
    "429 with `Retry-After: 7`",
    "500 that never ends",
    "connection cut in mid-body",
    "JSON of a wrong shape",
    "redirect to another host",
    "`error` in an answer with status 200",
    "export: connection lost after the job was asked for",
    "export: the job never finishes",
    "export: the file is shorter than its length",
}
QUICK_FOR_THE_COMMAND = {"401", "export: a row that does not fit the header"}


def rows(cases: Iterable[Case], quick: Collection[str]) -> list[ParameterSet]:
    """The cases as parameters; those that are not quick are long."""
    return [pytest.param(case, id=case.fault, marks=() if case.fault in quick else pytest.mark.long) for case in cases]


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    with meeting(tmp_path_factory.mktemp("faults")) as running:
        yield running


def hold(case: Case, met: Met) -> None:
    """The product to the catalogue."""
    assert met.exit == case.exit, met.sentences
    assert met.loaded == tuple(sorted([DOCS, *([case.account] if case.exit == 0 else [])]))
    assert met.earlier_untouched
    assert met.requests == case.requests
    assert met.jobs == case.jobs
    assert met.recovered
    assert met.differences == ()
    assert len(met.sentences) == case.exit
    for sentence in met.sentences:
        assert re.fullmatch(rf"{case.account} \(\w+\.\w+\): [^\n]+", sentence)
        assert re.search(case.says, sentence), sentence


@pytest.mark.e2e
@pytest.mark.parametrize("case", rows(CASES, QUICK))
def test_a_fault(sandboxed: Meeting, tmp_path: Path, case: Case) -> None:
    met = sandboxed.meet(case, tmp_path)
    hold(case, met)
    assert met.waited >= case.waits


@pytest.mark.e2e
@pytest.mark.parametrize("case", rows([case for case in CASES if case.real], QUICK_FOR_THE_COMMAND))
def test_a_fault_met_by_the_command(sandboxed: Meeting, tmp_path: Path, case: Case) -> None:
    hold(case, sandboxed.meet(case, tmp_path, command=True))


@pytest.mark.e2e
def test_the_line_that_a_missing_permission_names_does_without_it(sandboxed: Meeting, tmp_path: Path) -> None:
    [case] = [case for case in CASES if case.fault == "403 on one stream"]
    [sentence] = sandboxed.meet(case, tmp_path / "first").sentences
    [line] = re.findall(r"`streams: \[(.*)\]`", sentence)
    without = replace(case, settings={"streams": line.split(", ")}, says="")
    met = sandboxed.meet(without, tmp_path / "second")
    assert met.exit == 0
    assert met.loaded == (DOCS, case.account)


def test_a_few_of_the_catalogue_are_quick() -> None:
    assert {case.fault for case in CASES} >= QUICK
    assert {case.fault for case in CASES if case.real} >= QUICK_FOR_THE_COMMAND


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_the_table_tells_it(case: Case) -> None:
    assert f"\n| {case.fault} | {case.did} | {case.requests} | {case.exit} |" in TABLE.read_text()
