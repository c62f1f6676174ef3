"""Prints, as Markdown, what the client does with every fault of the catalogue, measured on the sandbox.

Run from the checkout: ``python -m benchmarks.faults``. The table of docs/faults.md is its output. Clocks are moved, not
waited for.
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


def row(case: FaultCase, met: FaultOutcome) -> str:
    """The table's line of a case."""
    said = "; ".join(_constant(sentence).replace("|", "\\|") for sentence in met.error_messages) or "–"
    cells = (case.fault, case.action, str(met.request_count), str(met.exit_code), said, _stayed(case, met))
    return f"| {' | '.join(cells)} |"


def _constant(sentence: str) -> str:
    """A sentence with placeholders for what differs from run to run."""
    instant = r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC"
    for pattern, name in ((instant, "‹instant›"), (r"\d\d:\d\d:\d\d UTC", "‹time›"), (r"exp-\w+", "‹id›")):
        sentence = re.sub(pattern, name, sentence)
    return sentence.replace(HOST, "‹host›")


def _stayed(case: FaultCase, met: FaultOutcome) -> str:
    if met.differences or not met.earlier_day_unchanged or not met.has_recovered or DOCS not in met.loaded_accounts:
        return "NOT AS IT SHOULD BE"
    exports = (
        f"; exports started: {met.export_jobs[0]}, with the next run {met.export_jobs[1]}"
        if case.exit_code and any(met.export_jobs)
        else ""
    )
    if case.exit_code == 0:
        return "everything is loaded" + exports
    return "earlier slices, and the other account's day; the next run loads the day" + exports


def main() -> None:
    """Meet every fault and print the table."""
    logging.disable()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder, open_fault_runner(Path(folder)) as sandboxed:
        for number, case in enumerate(CASES):
            print(row(case, sandboxed.run_case(case, Path(folder, str(number)))), flush=True)


if __name__ == "__main__":
    main()
