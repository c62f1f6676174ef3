"""Every fault of the catalogue: the client's requests, the message, the data that stays, the next run's recovery."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.support.fault_runner import FaultOutcome, FaultRunner, open_fault_runner
from tests.support.faults import CASES, DOCS, FaultCase

TABLE = Path(__file__).parents[2] / "docs/faults.md"

QUICK = {  # one case of each kind, in every run of the tests
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


def mark_long(cases: Iterable[FaultCase], quick: Collection[str]) -> list[ParameterSet]:
    """Return the cases as parameters, with the mark `long` on those that are not quick."""
    return [pytest.param(case, id=case.fault, marks=() if case.fault in quick else pytest.mark.long) for case in cases]


@pytest.fixture(scope="module")
def fault_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultRunner]:
    with open_fault_runner(tmp_path_factory.mktemp("faults")) as running:
        yield running


def check_outcome(case: FaultCase, outcome: FaultOutcome) -> None:
    """Compare the outcome of a case with the catalogue."""
    assert outcome.exit_code == case.exit_code, outcome.error_messages
    assert outcome.loaded_accounts == tuple(sorted([DOCS, *([case.account] if case.exit_code == 0 else [])]))
    assert outcome.earlier_day_unchanged
    assert outcome.request_count == case.request_count
    assert outcome.export_jobs == case.export_jobs
    assert outcome.has_recovered
    assert outcome.differences == ()
    assert len(outcome.error_messages) == case.exit_code
    for sentence in outcome.error_messages:
        assert re.fullmatch(rf"{case.account} \(\w+\.\w+\): [^\n]+", sentence)
        assert re.search(case.error_pattern, sentence), sentence


@pytest.mark.e2e
@pytest.mark.parametrize("case", mark_long(CASES, QUICK))
def test_a_fault(fault_runner: FaultRunner, tmp_path: Path, case: FaultCase) -> None:
    outcome = fault_runner.run_case(case, tmp_path)
    check_outcome(case, outcome)
    assert outcome.waited_seconds >= case.wait_seconds


@pytest.mark.e2e
@pytest.mark.parametrize("case", mark_long([case for case in CASES if case.can_run_as_command], QUICK_FOR_THE_COMMAND))
def test_a_fault_met_by_the_command(fault_runner: FaultRunner, tmp_path: Path, case: FaultCase) -> None:
    check_outcome(case, fault_runner.run_case(case, tmp_path, as_command=True))


@pytest.mark.e2e
def test_the_line_that_a_missing_permission_names_does_without_it(fault_runner: FaultRunner, tmp_path: Path) -> None:
    [case] = [case for case in CASES if case.fault == "403 on one stream"]
    [sentence] = fault_runner.run_case(case, tmp_path / "first").error_messages
    [line] = re.findall(r"`streams: \[(.*)\]`", sentence)
    without = replace(case, settings={"streams": line.split(", ")}, error_pattern="")
    outcome = fault_runner.run_case(without, tmp_path / "second")
    assert outcome.exit_code == 0
    assert outcome.loaded_accounts == (DOCS, case.account)


def test_a_few_of_the_catalogue_are_quick() -> None:
    assert {case.fault for case in CASES} >= QUICK
    assert {case.fault for case in CASES if case.can_run_as_command} >= QUICK_FOR_THE_COMMAND


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_the_table_has_the_case(case: FaultCase) -> None:
    assert f"\n| {case.fault} | {case.action} | {case.request_count} | {case.exit_code} |" in TABLE.read_text()
