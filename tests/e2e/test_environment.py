"""Every fault of the machine in the catalogue: the message, the exit code, the data that stay, what a repair mends."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.support.environment_case import EnvironmentCase
from tests.support.environment_cases import CASES
from tests.support.environment_effects import explain_missing_mounts
from tests.support.environment_runner import EnvironmentRunner, open_environment_runner

TABLE = Path(__file__).parents[2] / "docs/environment-faults.md"


def list_parameters() -> list[ParameterSet]:
    """Return each case on each of its stores; all but the quick ones, on the first store, have the mark `long`."""
    return [
        pytest.param(
            case, store, id=f"{case.fault}-{store}",
            marks=() if case.is_quick and store == case.stores[0] else pytest.mark.long,
        )
        for case in CASES
        for store in case.stores
    ]  # fmt: skip


@pytest.fixture(scope="module")
def environment_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvironmentRunner]:
    with open_environment_runner(tmp_path_factory.mktemp("environment")) as runner:
        yield runner


@pytest.mark.e2e
@pytest.mark.parametrize(("case", "store"), list_parameters())
def test_a_fault_of_the_machine(
    environment_runner: EnvironmentRunner, tmp_path: Path, case: EnvironmentCase, store: str
) -> None:
    if case.needs_mount and (problem := explain_missing_mounts()):
        pytest.skip(problem)
    outcome = environment_runner.run_case(case, store, tmp_path / "product")
    output = outcome.result.err + outcome.result.out
    assert outcome.result.exit_code == case.exit_code, output
    assert re.search(case.pattern, output), output
    assert "Traceback" not in output
    assert "the program failed" not in output
    assert outcome.days == case.days
    assert outcome.differences == ()
    assert re.search(case.repair_pattern, outcome.repair.out + outcome.repair.err), outcome.repair
    assert (outcome.repair.exit_code, outcome.repeated.exit_code) == (0, 0), (outcome.repair, outcome.repeated)


@pytest.mark.parametrize("fault", sorted({case.fault for case in CASES}))
def test_the_table_has_the_fault(fault: str) -> None:
    assert f"\n| {fault} |" in TABLE.read_text()
