"""Probe the installed command where other pipelines are silently wrong, and print what it did as a Markdown table.

Run from the checkout: ``python -m benchmarks.probes``. Its output is a table of docs/faults.md. Ends with 1 when
something is wrong. The others were dlt and Airbyte with hand-written connectors.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from benchmarks.compare.workloads.kill import count_repeated_requests
from extractors.landing.log_batches import BODIES_NAME
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import CHATMART, Installation, days_from
from tests.support.wait_until import wait_until

DAY = date(2025, 3, 11)
FOREVER = 10**6
VOICE = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-voice")
SALES = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-sales")
HISTORY = days_from(date(2024, 6, 1), 300)
KILLED_AT = 152
STATUS_SECONDS = 15


@dataclass(frozen=True)
class Finding:
    """What a probe saw, in a few words, and whether it is as it should be."""

    text: str
    is_right: bool


@dataclass(frozen=True)
class Probe:
    """An attack, what other pipelines do under it, and the function that carries it out in an empty folder."""

    attack: str
    others: str
    run: Callable[[Path], Finding]


def lose_the_create_answer(folder: Path) -> Finding:
    """The job of an export is created, and the connection is dropped before the response."""
    with open_product(folder, VOICE) as product:
        product.sandbox.plan_faults(Fault(path="/export", method="POST", kind="after"))
        codes = [run_backfill(product, DAY, DAY) for _ in range(3)]
        jobs = len(product.sandbox.jobs)
    return Finding(f"{jobs} job in 3 runs (exit {codes}); the next one may start after 30 minutes", jobs == 1)


def kill_while_polling(folder: Path) -> Finding:
    """The program is killed while it waits for a job, and started again."""
    with open_product(folder, VOICE) as product:
        product.sandbox.shapes.export_polls = FOREVER
        with start_backfill(product, DAY, DAY) as process:
            wait_until(lambda: any(job.polls > 2 for job in product.sandbox.jobs))
            process.kill()
        product.sandbox.shapes.export_polls = 2
        code, jobs = run_backfill(product, DAY, DAY), len(product.sandbox.jobs)
        differences = product.compare_with_truth([DAY])[1]
    return Finding(f"{jobs} job; exit {code}, {len(differences)} rows differ", (jobs, code, differences) == (1, 0, []))


def answer_with_an_unknown_status(folder: Path) -> Finding:
    """A job's status is a word that the contract does not have, for ever."""
    settings = {"acme-voice": {"export_deadline_seconds": STATUS_SECONDS, "export_poll_seconds": [2, 30]}}
    with open_product(folder, VOICE, settings) as product:
        product.sandbox.shapes.export_words, product.sandbox.shapes.export_polls = ("on holiday", "completed"), FOREVER
        code = run_backfill(product, DAY, DAY)
        polls = sum(job.polls for job in product.sandbox.jobs)
    return Finding(f"{polls} polls in {STATUS_SECONDS} s; exit {code}", code == 1 and polls < STATUS_SECONDS)


def kill_in_the_middle(folder: Path) -> Finding:
    """A back-fill of 300 daily requests is killed after 152, and started again."""
    with open_product(folder, SALES) as product:
        product.sandbox.shapes.delay_seconds = 0.02
        with start_backfill(product, HISTORY[0], HISTORY[-1]) as process:
            wait_until(lambda: len(product.sandbox.requests) >= KILLED_AT)
            process.kill()
        code = run_backfill(product, HISTORY[0], HISTORY[-1])
        repeated = count_repeated_requests(product.sandbox.requests)
        differences = product.compare_with_truth(HISTORY)[1]
    text = f"{repeated} of {len(HISTORY)} requests are repeated; exit {code}, {len(differences)} rows differ"
    return Finding(text, repeated <= 4 and code == 0 and not differences)


def cut_a_file_within_a_line(folder: Path) -> Finding:
    """An exported file without a length ends in the middle of a line."""
    with open_product(folder, VOICE) as product:
        product.sandbox.shapes.csv_length, product.sandbox.shapes.csv_cut_bytes = False, 700
        code = run_backfill(product, DAY, DAY)
        rows = len(product.query("FROM conversation"))
    return Finding(f"refused; exit {code}, {rows} conversations loaded", code == 1 and rows == 0)


def cut_a_file_at_a_line(folder: Path) -> Finding:
    """An exported file without a length ends at the end of a line, every time."""
    with open_product(folder / "whole", VOICE) as product:
        run_backfill(product, DAY, DAY)
        lines = read_exported_file(product.folder).splitlines(keepends=True)
    with open_product(folder / "cut", VOICE) as product:
        shapes = product.sandbox.shapes
        shapes.csv_length, shapes.csv_cut_bytes = False, sum(len(line) for line in lines[-12:])
        code = run_backfill(product, DAY, DAY)
        shown = product.query("FROM drift WHERE account = 'acme-voice'")
        unexplained = product.read_unexplained()
    text = f"exit {code}; `drift` names the day ({len(shown)} lines), `reconciliation` {len(unexplained)} differences"
    return Finding(text, bool(shown) or bool(unexplained) or code == 1)


def empty_a_day(folder: Path) -> Finding:
    """A day that had conversations is restated to none."""
    with open_product(folder, SALES) as product:
        run_backfill(product, DAY, DAY)
        before = sum_conversations(product)
        product.sandbox.world.restate("acme-sales", DAY, "empty")
        code = run_backfill(product, DAY, DAY, "--refetch")
        after, differences = sum_conversations(product), product.compare_with_truth([DAY])[1]
        logged = len(product.query("FROM restatement_log"))
    text = f"{before} conversations become {after}; {len(differences)} rows differ, {logged} lines in `restatement_log`"
    return Finding(text, before > 0 and after == 0 and code == 0 and not differences and logged > 0)


def ask_for_the_last_day(folder: Path) -> Finding:
    """Some days are asked for, up to a last one, of an API that takes one date a request."""
    days = days_from(DAY, 3)
    with open_product(folder, SALES) as product:
        code = run_backfill(product, days[0], days[-1])
        loaded = [row["date"] for row in product.query("SELECT DISTINCT date FROM conversation_daily ORDER BY 1")]
    return Finding(f"{len(loaded)} of 3 days; exit {code}", loaded == [str(day) for day in days] and code == 0)


def write_four_times(folder: Path) -> Finding:
    """Four processes load into one store at the same time, each another account."""
    accounts = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())[:4]
    with open_product(folder, accounts) as product:
        command = [CHATMART, "backfill", "--from", str(DAY), "--to", str(DAY), "--account"]
        writers = [
            subprocess.Popen([*command, account.name], env=product.environment, cwd=folder, stderr=subprocess.DEVNULL)
            for account in accounts
        ]
        codes = [writer.wait() for writer in writers]
        differences = product.compare_with_truth([DAY])[1]
    return Finding(f"exit {codes}; {len(differences)} rows differ", codes == [0] * 4 and not differences)


def hold_a_reader(folder: Path) -> Finding:
    """A reader keeps the published file open while a load writes and publishes."""
    later = DAY + timedelta(days=1)
    with open_product(folder, SALES) as product:
        run_backfill(product, DAY, DAY)
        query = "SELECT count(DISTINCT date) FROM conversation_daily"
        with duckdb.connect(str(folder / "data/warehouse.duckdb"), read_only=True) as reader:
            before = reader.sql(query).fetchall()
            began = time.monotonic()
            code = run_backfill(product, later, later)
            seconds = time.monotonic() - began
            held = reader.sql(query).fetchall()
        new = len(product.query("SELECT DISTINCT date FROM conversation_daily"))
    text = f"exit {code} in {seconds:.1f} s; the reader keeps what it had ({held == before}), a new one sees {new} days"
    return Finding(text, code == 0 and held == before and new == 2)


PROBES = (
    Probe("the response to an export's create request is lost", "dlt, Airbyte: 5 jobs", lose_the_create_answer),
    Probe("killed while a job is polled, started again", "Airbyte: 2 jobs", kill_while_polling),
    Probe("a job's status is an unknown word, for 15 s", "5,300 polls", answer_with_an_unknown_status),
    Probe("killed at request 152 of 300, started again", "dlt: 300 are asked again", kill_in_the_middle),
    Probe("a file without a length, cut within a line", "loaded, success", cut_a_file_within_a_line),
    Probe("a file without a length, cut at a line's end", "loaded, success", cut_a_file_at_a_line),
    Probe("a day is restated to empty", "dlt keeps the old rows", empty_a_day),
    Probe("three days of an API that takes one date", "Airbyte skips the last day, exit 0", ask_for_the_last_day),
    Probe("four writers, one DuckDB file", "three die", write_four_times),
    Probe("a reader that holds the file while a load runs", "the load fails", hold_a_reader),
)


@contextmanager
def open_product(folder: Path, accounts: Any, settings: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
    """Yield a configured product beside a sandbox of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with Sandbox(World(7, SAMPLE_ACCOUNTS)) as sandbox:
        yield Installation(folder, sandbox, accounts, settings or {})


@contextmanager
def start_backfill(product: Installation, first: date, last: date) -> Any:
    """Start a back-fill; whatever happens, it has ended afterwards."""
    command = [CHATMART, "backfill", "--from", str(first), "--to", str(last)]
    with subprocess.Popen(command, env=product.environment, cwd=product.folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def run_backfill(product: Installation, first: date, last: date, *more: str) -> int:
    """Back-fill days by the installed command and return its exit code."""
    command = [CHATMART, "backfill", "--from", str(first), "--to", str(last), *more]
    return subprocess.run(
        command, env=product.environment, cwd=product.folder, capture_output=True, check=False
    ).returncode


def read_exported_file(folder: Path) -> bytes:
    """Return the only exported file of the landing zone."""
    [path] = (path for path in (folder / "data/landing").rglob("*.zst") if path.parent.name == BODIES_NAME)
    with path.open("rb") as packed:
        return zstandard.ZstdDecompressor().stream_reader(packed).read()


def sum_conversations(product: Installation) -> int:
    """Return the conversations that are loaded."""
    [row] = product.query("SELECT coalesce(sum(conversations), 0)::BIGINT AS total FROM conversation_daily")
    return int(row["total"])


def main() -> int:
    """Run every probe and print its line; return 1 when one found something wrong."""
    sys.stdout.write("| attack | other pipelines | chatmart |\n|---|---|---|\n")
    findings = []
    for probe in PROBES:
        with tempfile.TemporaryDirectory() as folder:
            finding = probe.run(Path(folder))
        findings.append(finding)
        verdict = "" if finding.is_right else "**WRONG** "
        sys.stdout.write(f"| {probe.attack} | {probe.others} | {verdict}{finding.text} |\n")
        sys.stdout.flush()
    return int(not all(finding.is_right for finding in findings))


if __name__ == "__main__":
    raise SystemExit(main())
