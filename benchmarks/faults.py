"""Run every fault of the catalogue against the sandbox and print the client's reaction as a Markdown table.

Run from the checkout: ``python -m benchmarks.faults``. Its output is the table of docs/faults.md. Waits move a test
clock, so they take no time.
"""

import logging
import re
import tempfile
from pathlib import Path

from sandbox.server import HOST
from tests.support.fault_runner import FaultOutcome, open_fault_runner
from tests.support.faults import CASES, DOCS, FaultCase

HEADER = """| fault | what the client did | requests | exit | message | what stayed |
|---|---|---:|---:|---|---|"""


def format_row(case: FaultCase, outcome: FaultOutcome) -> str:
    """Return the table's line of a case."""
    messages = (
        "; ".join(_replace_variable_parts(sentence).replace("|", "\\|") for sentence in outcome.error_messages) or "–"
    )
    cells = (
        case.fault,
        case.action,
        str(outcome.request_count),
        str(outcome.exit_code),
        messages,
        _describe_remains(case, outcome),
    )
    return f"| {' | '.join(cells)} |"


def _replace_variable_parts(sentence: str) -> str:
    """Return the sentence with placeholders for the parts that differ between runs."""
    instant = r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC"
    for pattern, name in ((instant, "‹instant›"), (r"\d\d:\d\d:\d\d UTC", "‹time›"), (r"exp-\w+", "‹id›")):
        sentence = re.sub(pattern, name, sentence)
    return sentence.replace(HOST, "‹host›")


def _describe_remains(case: FaultCase, outcome: FaultOutcome) -> str:
    if (
        outcome.differences
        or not outcome.earlier_day_unchanged
        or not outcome.has_recovered
        or DOCS not in outcome.loaded_accounts
    ):
        return "NOT AS IT SHOULD BE"
    exports = (
        f"; exports started: {outcome.export_jobs[0]}, with the next run {outcome.export_jobs[1]}"
        if case.exit_code and any(outcome.export_jobs)
        else ""
    )
    if case.exit_code == 0:
        return "everything is loaded" + exports
    return "earlier slices, and the other account's day; the next run loads the day" + exports


def main() -> None:
    """Run every case and print the table."""
    logging.disable()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder, open_fault_runner(Path(folder)) as fault_runner:
        for number, case in enumerate(CASES):
            print(format_row(case, fault_runner.run_case(case, Path(folder, str(number)))), flush=True)


if __name__ == "__main__":
    main()
