"""Run every fault of the machine in the catalogue and print the product's reaction as a Markdown table.

Run from the checkout as root, who may mount a small disk: ``python -m benchmarks.environment``. Its output is the table
of docs/environment-faults.md.
"""

import re
import sys
import tempfile
from pathlib import Path

from tests.support.environment_case import DAYS, LOADED_BEFORE, NOTHING, EnvironmentCase
from tests.support.environment_cases import CASES
from tests.support.environment_effects import explain_missing_mounts
from tests.support.environment_runner import EnvironmentOutcome, open_environment_runner, pick_messages

HEADER = """| fault | store | command | message | exit | state after | `check --repair` |
|---|---|---|---|---:|---|---|"""


def list_rows(outcomes: dict[str, EnvironmentOutcome], case: EnvironmentCase, folder: str) -> list[str]:
    """Return the table's lines of a case: one for both stores where all cells are alike."""
    rows = {store: _format_cells(case, outcome, folder) for store, outcome in outcomes.items()}
    if len(set(rows.values())) == 1 and len(rows) > 1:
        rows = {"both": next(iter(rows.values()))}
    return [f"| {case.fault} | {store} | {cells} |" for store, cells in rows.items()]


def _format_cells(case: EnvironmentCase, outcome: EnvironmentOutcome, folder: str) -> str:
    repair = _replace_variable_parts(_shorten(pick_messages(outcome.repair.out)), folder)
    cells = (
        f"`{case.command[0]}`",
        _replace_variable_parts(outcome.message, folder) or "–",
        str(outcome.result.exit_code),
        _describe_state(outcome),
        f"{outcome.repair.exit_code}: {repair.replace(NOTHING, 'nothing to repair')}",
    )
    return " | ".join(cell.replace("|", "\\|") for cell in cells)


def _shorten(lines: list[str]) -> str:
    """Return the lines joined; of the responses that cannot be read, the first and the number of the others."""
    unreadable = [line for line in lines if " cannot be read (" in line]
    more = [f"{len(unreadable) - 1} more responses that cannot be read"] if len(unreadable) > 1 else []
    return "; ".join([*unreadable[:1], *more, *(line for line in lines if line not in unreadable)])


def _describe_state(outcome: EnvironmentOutcome) -> str:
    if outcome.differences or outcome.repair.exit_code or outcome.repeated.exit_code:
        return "NOT AS IT SHOULD BE"
    if outcome.days is None:
        return "readers see no warehouse"
    if outcome.days == len(DAYS):
        return "all days"
    return "earlier days" if outcome.days == LOADED_BEFORE else "the new day"


def _replace_variable_parts(text: str, folder: str) -> str:
    """Return the text with placeholders for the parts that differ between runs."""
    text = re.sub(rf"{re.escape(folder)}/\d+-\w+/", "", text)
    for pattern, name in (
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z (ERROR|WARNING) chatmart\.\w+ ", ""),
        (r" run=\w+", ""),
        (r"[\w/]+\.\d{9}\.\w+\.\w+ cannot", "‹response› cannot"),
        (r"\b[0-9a-f]{32}\b", "‹id›"),
        (r"\.\d+-[0-9a-f]+\.part", ".‹id›.part"),
        (r"[\d.]+ [MG]B free", "‹free›"),
        (r"127\.0\.0\.1:\d+", "‹host›"),
        (r"checksum \d+", "checksum ‹number›"),
        (r"location \d+", "location ‹number›"),
        (r" {2,}", " "),
    ):
        text = re.sub(pattern, name, text)
    return text


def main() -> int:
    """Run every case on each of its stores and print the table. Returns the exit code."""
    if problem := explain_missing_mounts():
        sys.stderr.write(f"{problem}\n")
        return 2
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder, open_environment_runner(Path(folder)) as runner:
        for number, case in enumerate(CASES):
            outcomes = {store: runner.run_case(case, store, Path(folder, f"{number}-{store}")) for store in case.stores}
            print(*list_rows(outcomes, case, folder), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
