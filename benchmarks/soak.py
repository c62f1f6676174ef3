"""Soak: one process loads, maintains, replays and reports for hundreds of nights, with faults, and must not grow.

Run from the checkout: ``python -m benchmarks.soak --nights 500``. A night takes about two CPU seconds. Printed are the
memory, open files and threads of the process and the files of the data folder after some nights. At the end every view
is compared with the truth. Ends with 1 when a row differs or something was left open.
"""

import argparse
import gc
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from multiprocessing.connection import Connection
from pathlib import Path

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import RESTATEMENTS, World
from tests.support.begin_at import begin_at
from tests.support.command import run_as_if_alone
from tests.support.installation import Installation, days_from

FIRST_NIGHT = date(2024, 1, 1)
AT = time_of_day(14, tzinfo=UTC)  # every account's day before has ended
SAMPLES = 10
WARM_UP_NIGHTS = 30
"""In these nights every command was run: all that is imported once is there."""

MOST_FILES_LEFT_OPEN = 2
TEMPORARY = (".part", ".tmp", ".spill")
ACCOUNTS = tuple({account.provider: replace(account, daily_conversations=8) for account in SAMPLE_ACCOUNTS}.values())
FAULTS = (
    Fault(status=503, times=2),
    Fault(status=429, headers={"Retry-After": "3"}),
    Fault(kind="reset"),
    Fault(status=200, body="<html>Bad gateway</html>"),
    Fault(status=200, body='{"items": [{"day": 1, "mon', kind="cut"),
    Fault(status=401, times=20, provider="cognigy"),
    Fault(status=500, times=40, provider="inkeep"),
)


@dataclass(frozen=True)
class Sample:
    """The process and its data folder after some nights. ``megabytes`` is resident memory."""

    nights: int
    megabytes: float
    open_files: int
    threads: int
    temporary_files: int
    landing_files: int
    landing_megabytes: float
    warehouse_megabytes: float

    @classmethod
    def take(cls, nights: int, folder: Path) -> "Sample":
        """Measure this process and a project's folder."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        landing = [path for path in (folder / "data/landing").rglob("*") if path.is_file()]
        everything = [path for path in folder.rglob("*") if path.is_file()]
        temporary = [path for path in everything if path.suffix in TEMPORARY]
        return cls(
            nights,
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
            len(temporary),
            len(landing),
            sum(path.stat().st_size for path in landing) / 1e6,
            sum(path.stat().st_size for path in everything if "warehouse" in path.name) / 1e6,
        )

    def format_row(self) -> str:
        """Return the sample as a row of the table."""
        values = (getattr(self, field.name) for field in fields(self))
        return "| " + " | ".join(f"{value:.1f}" if isinstance(value, float) else str(value) for value in values) + " |"


def describe_growth(samples: list[Sample]) -> list[str]:
    """Return a sentence for each thing that this process has more of at the end than after the warm-up."""
    first, last = samples[0], samples[-1]
    left = {
        "open files": last.open_files - first.open_files - MOST_FILES_LEFT_OPEN,
        "threads": last.threads - first.threads,
        "temporary files": last.temporary_files - first.temporary_files,
    }
    return [f"{count} more {name} than after {first.nights} nights" for name, count in left.items() if count > 0]


class Soak:
    """The loaded nights of one project, all in one process.

    Args:
        product: the configured project.
        process: the soaked process.
        seed: another seed draws other faults and restatements.
    """

    def __init__(self, product: Installation, process: Connection, seed: int) -> None:
        self.product, self.process, self.random = product, process, random.Random(seed)
        self.failures = 0

    def run_night(self, number: int) -> None:
        """Load a night, and what belongs to its day of the week and month."""
        log, night = self.product.sandbox.request_log, FIRST_NIGHT + timedelta(days=number)
        log.clear()
        if self.random.random() < 0.3:
            log.plan_faults(replace(self.random.choice(FAULTS)))
        self.failures += self.run(night, "load") != 0
        log.clear()
        self.run(night, "status", "--json")
        self.run(night, "sql", "SELECT sum(conversations) FROM conversation_daily", "--format", "json")
        if number % 7 == 0:
            account = self.random.choice(self.product.accounts)
            self.product.sandbox.world.restate(
                account.name, night - timedelta(days=2), self.random.choice(RESTATEMENTS)
            )
            self.run(night, "maintain")
        if number % 30 == 0:
            self.run(night, "replay", "--from", str(night - timedelta(days=30)), "--to", str(night - timedelta(days=2)))
            self.run(night, "report", "--from", str(night - timedelta(days=30)), "--to", str(night))

    def finish(self, nights: int) -> list[str]:
        """Ask for every day once more from a sound provider; return a line for each row that is not the truth's."""
        days = days_from(FIRST_NIGHT, nights)  # a night loads the day before it
        self.product.sandbox.request_log.clear()
        last_night = FIRST_NIGHT + timedelta(days=nights)
        code = self.run(last_night, "backfill", "--from", str(days[0]), "--to", str(days[-1]), "--refetch")
        return [f"the last back-fill ended with {code}"] * bool(code) + self.product.compare_with_truth(days)[1]

    def run(self, night: date, *arguments: str) -> int:
        """Run a command at the night's instant in the soaked process and return its exit code."""
        self.process.send((datetime.combine(night, AT), arguments))
        return int(self.process.recv())

    def take_sample(self, nights: int) -> Sample:
        """Measure the soaked process and the project's folder."""
        self.process.send(nights)
        sample: Sample = self.process.recv()
        return sample


@contextmanager
def start_process(product: Installation) -> Iterator[Connection]:
    """Start the process that is soaked. The simulator stays here: its memory is not that of the program."""
    context = multiprocessing.get_context("spawn")
    own_end, other_end = context.Pipe()
    process = context.Process(target=_serve_commands, args=(other_end, product.environment, product.folder))
    process.start()
    try:
        yield own_end
    finally:
        own_end.send(None)
        process.join()


def _serve_commands(connection: Connection, environment: Mapping[str, str], folder: Path) -> None:
    """Run each command that is sent, or measure this process, until None is sent."""
    while (message := connection.recv()) is not None:
        if isinstance(message, int):
            connection.send(Sample.take(message, folder))
            continue
        instant, arguments = message
        with begin_at(instant):
            connection.send(run_as_if_alone(arguments, environment, folder).exit_code)


def main() -> int:
    """Soak for some nights and print a table of samples."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--nights", type=int, default=500, help=f"more than {WARM_UP_NIGHTS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warehouse", default="duckdb://data/warehouse.duckdb")
    options = parser.parse_args()
    if options.nights <= WARM_UP_NIGHTS:
        parser.error(f"--nights: more than {WARM_UP_NIGHTS}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, Sandbox(World(options.seed, ACCOUNTS)) as sandbox:
        product = Installation(Path(name), sandbox, ACCOUNTS, warehouse_url=options.warehouse)
        with start_process(product) as process:
            soak, samples = Soak(product, process, options.seed), []
            pause = max(1, (options.nights - WARM_UP_NIGHTS) // SAMPLES)
            sys.stdout.write("| " + " | ".join(field.name.replace("_", " ") for field in fields(Sample)) + " |\n")
            sys.stdout.write("|" + "--:|" * len(fields(Sample)) + "\n")
            for number in range(1, options.nights + 1):
                soak.run_night(number)
                if number >= WARM_UP_NIGHTS and (number - WARM_UP_NIGHTS) % pause == 0:
                    samples.append(soak.take_sample(number))
                    sys.stdout.write(samples[-1].format_row() + "\n")
                    sys.stdout.flush()
            differences = soak.finish(options.nights)
    wrongs = [*describe_growth(samples), *differences[:10]]
    sys.stdout.write(
        f"\n{options.nights} nights in {time.monotonic() - began:,.0f} s; {soak.failures} loads failed in part, by "
        f"planned faults; {len(differences)} rows differ from the truth at the end\n"
    )
    sys.stdout.writelines(f"WRONG: {wrong}\n" for wrong in wrongs)
    return int(bool(wrongs))


if __name__ == "__main__":
    raise SystemExit(main())
