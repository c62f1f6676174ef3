"""A year's back-fill that is killed (SIGKILL) at a random moment, started again and compared with the truth.

The moment is a random number of requests and then up to a second, so that a busy machine is killed in mid-run too.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.compare.contestants import Chatmart
from benchmarks.compare.workload import Entry, Setting, Values
from benchmarks.compare.workloads.year import FIRST_DAY, MeasuredInstallation, require_truth
from benchmarks.requests import SHAPES
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import RequestRecord
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import days_from

EARLY_EXPORT_RETRIES = {
    account.name: {"export_retry_minutes": 0.05} for account in SAMPLE_ACCOUNTS if account.provider == "chatcaptain"
}
RETRY_SECONDS = 4
POLL_SECONDS = 0.005
MOST_RUNS = 4
MOST_DELAY_SECONDS = 1.0


@dataclass(frozen=True)
class KillMoment:
    """Some seconds after a number of requests."""

    request_count: int
    delay_seconds: float


@contextmanager
def open_kill(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve the year; on a busy machine two programs per processor work beside."""
    days = days_from(FIRST_DAY, setting.days)
    moments = random.Random(1)
    totals: dict[str, int] = {}
    with Sandbox(World(7, SAMPLE_ACCOUNTS), SHAPES) as sandbox, keep_busy(setting.busy):

        def kill_and_resume(chatmart: Chatmart, folder: Path) -> Values:
            if chatmart.name not in totals:
                sandbox.request_log.clear()
                _prepare(sandbox, chatmart, folder / "whole").run_backfill(days)
                totals[chatmart.name] = len(sandbox.requests)
            product = _prepare(sandbox, chatmart, folder / "killed")
            moment = KillMoment(moments.randrange(totals[chatmart.name]), moments.uniform(0, MOST_DELAY_SECONDS))
            return _kill_and_resume(product, days, moment)

        yield {chatmart.name: partial(kill_and_resume, chatmart) for chatmart in setting.chatmarts}


@contextmanager
def keep_busy(is_busy: bool) -> Iterator[None]:
    """Run two endless programs per processor, if asked to."""
    count = 2 * (os.cpu_count() or 1) if is_busy else 0
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def count_repeated_requests(requests: Sequence[RequestRecord]) -> int:
    """Count the requests whose response had been sent before; those about export jobs do not count."""
    responses = Counter(
        (record.account, record.method, record.path, record.query, record.body)
        for record in requests
        if record.status in (200, 202)
    )
    return sum(count - 1 for (_, _, path, _, _), count in responses.items() if "/export" not in path)


def count_repeated_jobs(jobs: Sequence[Any]) -> int:
    """Count the export jobs beyond the first one of each account and range."""
    return len(jobs) - len({(job.account, job.start, job.end) for job in jobs})


def _prepare(sandbox: Sandbox, chatmart: Chatmart, folder: Path) -> MeasuredInstallation:
    folder.mkdir()
    return MeasuredInstallation(folder, sandbox, SAMPLE_ACCOUNTS, EARLY_EXPORT_RETRIES, chatmart=chatmart)


def _kill_and_resume(product: MeasuredInstallation, days: Sequence[date], moment: KillMoment) -> Values:
    """Kill a back-fill at a moment, run it again until it succeeds, and count what was asked again.

    If the create request of an export was cut off, its job cannot be looked up, and a new job may start only after
    ``export_retry_minutes``: such an account takes a third run.
    """
    sandbox = product.sandbox
    sandbox.request_log.clear()
    earlier_jobs = len(sandbox.jobs)
    _run_until(product, days, moment)
    before_kill = len(sandbox.requests)
    run_count = 1 + _run_to_success(product, days)
    require_truth(product, days)
    return {
        "requests": len(sandbox.requests),
        "requests_before_kill": before_kill,
        "most_at_once": sandbox.request_log.max_concurrent.total(),
        "requests_again": count_repeated_requests(sandbox.requests),
        "jobs_again": count_repeated_jobs(sandbox.jobs[earlier_jobs:]),
        "runs": run_count,
    }


def _run_until(product: MeasuredInstallation, days: Sequence[date], moment: KillMoment) -> None:
    command = [product.chatmart.command, "backfill", "--from", str(days[0]), "--to", str(days[-1])]
    environment = {**product.environment, **product.chatmart.environment}
    with (product.folder / "killed.txt").open("wb") as log:
        victim = subprocess.Popen(command, env=environment, cwd=product.folder, stdout=log, stderr=log)
        while victim.poll() is None and len(product.sandbox.request_log.requests) < moment.request_count:
            time.sleep(POLL_SECONDS)
        time.sleep(moment.delay_seconds)
        victim.kill()
        victim.wait()


def _run_to_success(product: MeasuredInstallation, days: Sequence[date]) -> int:
    """Return the number of runs. Raises RuntimeError of the last one when none succeeds."""
    for number in range(1, MOST_RUNS):
        try:
            product.run_backfill(days)
        except RuntimeError:
            if number == MOST_RUNS - 1:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return number
    raise AssertionError("unreachable")
