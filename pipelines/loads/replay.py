"""Loading what was landed again, history and all, without one request: after a change of a map, or of a lost warehouse.

Each month of an account is one commit, in which its slices take all the states that they once had: what the books say
of changes is made anew too, and is what it would be if the program had been today's from the start.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from uuid import uuid4

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.windows import windows_of_days
from pipelines.loads.history import Round, arrivals, rounds_by_day
from pipelines.loads.load import Loaded, culprit, staged_chunk, staging_folder
from pipelines.loads.observer import Observer
from pipelines.loads.plan import claims_of
from pipelines.loads.result import Outcome, RunResult, take
from pipelines.loads.run import Job
from pipelines.loads.run_log import recorded
from pipelines.loads.workspace import Workspace
from warehouse.records import ChunkCommit

_LEFT_OUT = (
    "{account}: of {left} of {planned} days nothing counts that was landed: it is of another id or time zone, not "
    "whole, or cannot be read; `chatmart status` names them, `chatmart backfill --refetch` asks anew"
)


def replay(workspace: Workspace, jobs: Sequence[Job], observer: Observer) -> RunResult:
    """Load all that was landed of the jobs' days, whatever its age, newest month first, and publish.

    A day of which nothing is understood stays as it was. Raises WarehouseErrors that concern the warehouse as a whole.
    """
    outcomes = [Outcome(job.account, planned=len(job.days)) for job in jobs]
    with recorded(workspace, outcomes):
        for job in jobs:
            observer.planned(job.account, len(job.days), 0)
        for outcome, job in zip(outcomes, jobs, strict=True):
            for whole in reversed(windows_of_days(job.days)):
                for month in reversed(whole.months()):
                    days = tuple(month.days())
                    take(workspace, outcome, days, partial(_load, workspace, outcome.account, days), observer)
            left_out = outcome.planned - outcome.loaded - outcome.failed
            if left_out and not workspace.stop.asked:
                outcome.note(_LEFT_OUT.format(account=job.account.name, left=left_out, planned=outcome.planned))
    return RunResult(outcomes)


def _load(workspace: Workspace, account: Account, days: Sequence[date]) -> Loaded:
    """One commit of all rounds of some days; made again when another run landed newer answers meanwhile."""
    while True:
        known = arrivals(account, workspace.landing, days)
        loaded = Loaded()
        rounds = rounds_by_day(account, workspace.landing, days)
        with staging_folder(workspace) as folder:
            committed = workspace.store.commit(*_chunks(workspace, account, rounds, folder, loaded))
            loaded.rows = sum(committed.rows.values())
        if arrivals(account, workspace.landing, days) == known:
            return loaded


def _chunks(
    workspace: Workspace, account: Account, rounds: Mapping[date, list[Round]], folder: Path, loaded: Loaded
) -> list[ChunkCommit]:
    """The first rounds of all days, the second ones of those that have one, and so on; what became of them.

    A round that is not understood is left out, as if it had never been; when it is a day's newest, the day is refused.
    """
    left = {day: list(each) for day, each in rounds.items()}
    chunks: list[ChunkCommit] = []
    number = 0
    while now := {day: each[number] for day, each in left.items() if len(each) > number}:
        made = []
        for pulled, of_days in _by_streams(now).items():
            then = account.model_copy(update={"streams": pulled})
            claims = claims_of(of_days)
            scratch = folder / uuid4().hex
            scratch.mkdir(mode=0o700)
            try:
                made.append(staged_chunk(workspace, then, claims, scratch, afresh=number == 0))
            except ShapeError as error:
                bad = culprit(error, claims)
                _leave_out(left, number, bad.days if bad is not None else of_days, error, loaded)
                break
        else:
            chunks += made
            number += 1
    refused = {day for days, _ in loaded.refused for day in days}
    loaded.days = [day for day, each in left.items() if each and day not in refused]
    return chunks


def _by_streams(rounds: Mapping[date, Round]) -> dict[tuple[str, ...], dict[date, Round]]:
    """The rounds by what was pulled: a stream that was not is nothing told, and not zero."""
    found: dict[tuple[str, ...], dict[date, Round]] = {}
    for day, each in rounds.items():
        found.setdefault(tuple(each), {})[day] = each
    return found


def _leave_out(
    left: Mapping[date, list[Round]], number: int, days: Collection[date], error: ShapeError, loaded: Loaded
) -> None:
    newest = tuple(sorted(day for day in days if number == len(left[day]) - 1))
    if newest:
        loaded.refused.append((newest, error))
    for day in days:
        del left[day][number]
