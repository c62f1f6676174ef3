"""Prints, as Markdown, what the client does with every fault of the catalogue, measured on the sandbox.

Run from the checkout: ``python -m benchmarks.faults``. The table of docs/faults.md is its output. Clocks are moved, not
waited for.
"""

import logging
import re
import tempfile
from pathlib import Path

from sandbox.server import HOST
from tests.support.fault_runner import Met, meeting
from tests.support.faults import CASES, DOCS, Case

HEADER = """| fault | what the client did | requests | exit | message | what stayed |
|---|---|---:|---:|---|---|"""


def row(case: Case, met: Met) -> str:
    """The table's line of a case."""
    said = "; ".join(_constant(sentence).replace("|", "\\|") for sentence in met.sentences) or "–"
    cells = (case.fault, case.did, str(met.requests), str(met.exit), said, _stayed(case, met))
    return f"| {' | '.join(cells)} |"


def _constant(sentence: str) -> str:
    """A sentence with placeholders for what differs from run to run."""
    instant = r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC"
    for pattern, name in ((instant, "‹instant›"), (r"\d\d:\d\d:\d\d UTC", "‹time›"), (r"exp-\w+", "‹id›")):
        sentence = re.sub(pattern, name, sentence)
    return sentence.replace(HOST, "‹host›")


def _stayed(case: Case, met: Met) -> str:
    if met.differences or not met.earlier_untouched or not met.recovered or DOCS not in met.loaded:
        return "NOT AS IT SHOULD BE"
    exports = (
        f"; exports started: {met.jobs[0]}, with the next run {met.jobs[1]}" if case.exit and any(met.jobs) else ""
    )
    if case.exit == 0:
        return "everything is loaded" + exports
    return "earlier slices, and the other account's day; the next run loads the day" + exports


def main() -> None:
    """Meet every fault and print the table."""
    logging.disable()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder, meeting(Path(folder)) as sandboxed:
        for number, case in enumerate(CASES):
            print(row(case, sandboxed.meet(case, Path(folder, str(number)))), flush=True)


if __name__ == "__main__":
    main()
