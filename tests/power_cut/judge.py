"""What the product makes of a disk that a power cut left: its commands run on it, and what they say is compared.

A fault is a sentence; no fault means that the state is as it must be.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from extractors.landing.zone import LandingZone
from sandbox.account import SandboxAccount
from tests.power_cut.workload import ALL_DAYS, CutInstallation, backfill_arguments
from tests.support.command import CommandResult, run_as_if_alone
from warehouse.storage.parquet_manifest import Manifest

_LOADED_DAYS = "SELECT account, date FROM load_ledger WHERE state IN ('loaded', 'settled')"
_UNCERTAIN = "may or may not run"  # the create request of an export was cut off: its pause is part of the contract
_PLAIN_FILE = re.compile(r"data/lake/(?!_).*data\.parquet is damaged")
_MOST_RUNS = 3
_RETRY_SECONDS = 1.0


@dataclass
class CutOutcome:
    """What stood after a cut: slices that readers see, requests of the next run, and the faults that were found."""

    published_slices: int = 0
    requests: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)


def judge_state(product: CutInstallation, loaded_days: Sequence[date], *, with_replay: bool) -> CutOutcome:
    """Run the product on a state. `loaded_days` are those that commands which ended before the cut had loaded.

    A replay costs as much as all the rest.
    """
    outcome = CutOutcome()
    steps = [
        _look,
        _judge_published,
        _judge_plain_files,
        _load_again,
        _check_again,
        _judge_batches,
        *([_replay] if with_replay else []),
    ]
    for step in steps:
        try:
            outcome.faults += step(product, loaded_days, outcome)
        except Exception as error:  # noqa: BLE001 -- whatever the product raises is a fault of the state
            outcome.faults.append(f"{step.__name__}: {type(error).__name__}: {error}"[:2000])
    return outcome


def _look(product: CutInstallation, days: Sequence[date], _outcome: CutOutcome) -> Iterator[str]:
    """Run the commands that only read. They may say that days are missing, not that the program failed.

    Within a publication a lake's files for other tools may be behind its manifest: `check` names them.
    """
    for arguments in (("status",), ("check",)):
        done = _run(product, *arguments)
        if done.exit_code not in (0, 1) or "Traceback" in done.err or "program failed" in done.err:
            yield f"{arguments[0]} ended with {done.exit_code}: {_last_lines(done)}"
        failed = [line for line in done.out.splitlines() if line.startswith("failed")]
        is_behind = list(days) != ALL_DAYS and all(_PLAIN_FILE.search(line) for line in failed)
        if arguments == ("check",) and done.exit_code and not is_behind:
            yield f"check: {_last_lines(done)}"


def _judge_published(product: CutInstallation, days: Sequence[date], outcome: CutOutcome) -> Iterator[str]:
    """Compare what readers see with the truth of the slices that the ledger calls loaded."""
    loaded: dict[str, list[date]] = defaultdict(list)
    if product.store.size_bytes():
        for row in product.store.read(_LOADED_DAYS).to_pylist():
            loaded[row["account"]].append(row["date"])
    outcome.published_slices = sum(map(len, loaded.values()))
    alike: dict[tuple[date, ...], list[SandboxAccount]] = defaultdict(list)
    for account in product.accounts:
        missing = sorted(set(days) - set(loaded[account.name]))
        if missing:
            yield f"{account.name}: days of a command that had ended are not published: {', '.join(map(str, missing))}"
        alike[tuple(sorted(loaded[account.name]))].append(account)
    for loaded_days, accounts in alike.items():
        if loaded_days:
            yield from product.for_accounts(accounts).compare_with_truth(loaded_days)[1][:3]


def _judge_plain_files(product: CutInstallation, days: Sequence[date], _outcome: CutOutcome) -> Iterator[str]:
    """Read the files that a lake keeps for other tools: whole, and after the last publication those of its commit."""
    lake = product.folder / "data/lake"
    for file in lake.glob("[!_]*/**/*.parquet"):
        duckdb.read_parquet(str(file)).fetchall()
    manifest = Manifest.load(lake / "_manifest.json") if list(days) == ALL_DAYS else None
    for table, month, version in manifest.data_files() if manifest else ():
        file = lake / table / (f"month={month}/data.parquet" if month else "data.parquet")
        if not file.exists() or file.read_bytes() != (lake / "_versions" / version.file).read_bytes():
            yield f"{file.relative_to(product.folder)} is not the file of the commit that was published"


def _load_again(product: CutInstallation, days: Sequence[date], outcome: CutOutcome) -> Iterator[str]:
    """Run the same back-fill until it succeeds: at most once more than the pause of an export asks for."""
    before = len(product.sandbox.requests)
    done = CommandResult(1, "", _UNCERTAIN)
    while done.exit_code and _UNCERTAIN in done.err and outcome.runs < _MOST_RUNS:
        time.sleep(_RETRY_SECONDS if outcome.runs else 0)
        done = _run(product, *backfill_arguments(ALL_DAYS))
        outcome.runs += 1
    outcome.requests = len(product.sandbox.requests) - before
    if done.exit_code:
        yield f"the next back-fill ended with {done.exit_code}: {_last_lines(done)}"
    if list(days) == ALL_DAYS and outcome.requests:
        yield f"{outcome.requests} requests for days that a command which had ended had loaded"
    yield from product.compare_with_truth(ALL_DAYS)[1][:3]


def _check_again(product: CutInstallation, _days: Sequence[date], _outcome: CutOutcome) -> Iterator[str]:
    """After the next back-fill nothing is behind."""
    done = _run(product, "check")
    if done.exit_code:
        yield f"check after the next back-fill: {_last_lines(done)}"


def _judge_batches(product: CutInstallation, _days: Sequence[date], _outcome: CutOutcome) -> Iterator[str]:
    """Read every batch that a loaded slice rests on, and check its hashes."""
    landing = LandingZone(product.folder / "data/landing")
    for account in product.accounts:
        needed = {batch for row in product.store.ledger(account.name) for batch in row.batches}
        for stream in landing.list_streams(account.provider, account.name):
            for batch in landing.list_batches(account.provider, account.name, stream):
                if batch.batch_id in needed:
                    for _ in batch.iter_bytes():
                        pass
                    needed.remove(batch.batch_id)
        if needed:
            yield f"{account.name}: loaded slices rest on batches that are gone: {', '.join(sorted(needed)[:3])}"


def _replay(product: CutInstallation, _days: Sequence[date], _outcome: CutOutcome) -> Iterator[str]:
    """Build another warehouse from the landing zone."""
    other = product.with_warehouse("duckdb://data/replayed/warehouse.duckdb")
    done = _run(other, "replay")
    if done.exit_code:
        yield f"replay ended with {done.exit_code}: {_last_lines(done)}"
    yield from other.compare_with_truth(ALL_DAYS)[1][:3]


def _run(product: CutInstallation, *arguments: str) -> CommandResult:
    return run_as_if_alone(arguments, product.environment, product.folder)


def _last_lines(done: CommandResult) -> str:
    return " | ".join((done.out + "\n" + done.err).strip().splitlines()[-6:])[:1500]
