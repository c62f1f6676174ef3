"""Every fault of the catalogue: what the client did, what the run said, what stayed, and that the next run recovers."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.support.fault_runner import FaultOutcome, FaultRunner, open_fault_runner
from tests.support.faults import CASES, DOCS, FaultCase

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


def rows(cases: Iterable[FaultCase], quick: Collection[str]) -> list[ParameterSet]:
    """The cases as parameters; those that are not quick are long."""
    return [pytest.param(case, id=case.fault, marks=() if case.fault in quick else pytest.mark.long) for case in cases]


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultRunner]:
    with open_fault_runner(tmp_path_factory.mktemp("faults")) as running:
        yield running


def hold(case: FaultCase, met: FaultOutcome) -> None:
    """The product to the catalogue."""
    assert met.exit_code == case.exit_code, met.error_messages
    assert met.loaded_accounts == tuple(sorted([DOCS, *([case.account] if case.exit_code == 0 else [])]))
    assert met.earlier_day_unchanged
    assert met.request_count == case.request_count
    assert met.export_jobs == case.export_jobs
    assert met.has_recovered
    assert met.differences == ()
    assert len(met.error_messages) == case.exit_code
    for sentence in met.error_messages:
        assert re.fullmatch(rf"{case.account} \(\w+\.\w+\): [^\n]+", sentence)
        assert re.search(case.error_pattern, sentence), sentence


@pytest.mark.e2e
@pytest.mark.parametrize("case", rows(CASES, QUICK))
def test_a_fault(sandboxed: FaultRunner, tmp_path: Path, case: FaultCase) -> None:
    met = sandboxed.run_case(case, tmp_path)
    hold(case, met)
    assert met.waited_seconds >= case.wait_seconds


@pytest.mark.e2e
@pytest.mark.parametrize("case", rows([case for case in CASES if case.can_run_as_command], QUICK_FOR_THE_COMMAND))
def test_a_fault_met_by_the_command(sandboxed: FaultRunner, tmp_path: Path, case: FaultCase) -> None:
    hold(case, sandboxed.run_case(case, tmp_path, as_command=True))


@pytest.mark.e2e
def test_the_line_that_a_missing_permission_names_does_without_it(sandboxed: FaultRunner, tmp_path: Path) -> None:
    [case] = [case for case in CASES if case.fault == "403 on one stream"]
    [sentence] = sandboxed.run_case(case, tmp_path / "first").error_messages
    [line] = re.findall(r"`streams: \[(.*)\]`", sentence)
    without = replace(case, settings={"streams": line.split(", ")}, error_pattern="")
    met = sandboxed.run_case(without, tmp_path / "second")
    assert met.exit_code == 0
    assert met.loaded_accounts == (DOCS, case.account)


def test_a_few_of_the_catalogue_are_quick() -> None:
    assert {case.fault for case in CASES} >= QUICK
    assert {case.fault for case in CASES if case.can_run_as_command} >= QUICK_FOR_THE_COMMAND


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_the_table_tells_it(case: FaultCase) -> None:
    assert f"\n| {case.fault} | {case.action} | {case.request_count} | {case.exit_code} |" in TABLE.read_text()
