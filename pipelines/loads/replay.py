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
from extractors.windows import group_into_windows
from pipelines.loads.history import LoadVersion, build_load_versions, list_batch_ids
from pipelines.loads.load import LoadResult, claim_of_error, open_staging_folder, stage_chunk
from pipelines.loads.observer import Observer
from pipelines.loads.plan import build_day_claims
from pipelines.loads.result import Outcome, RunResult, load_and_record
from pipelines.loads.run import LoadJob
from pipelines.loads.run_log import track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import ChunkCommit

_LEFT_OUT = (
    "{account}: of {left} of {planned} days nothing counts that was landed: it is of another id or time zone, not "
    "whole, or cannot be read; `chatmart status` names them, `chatmart backfill --refetch` asks anew"
)


def replay_jobs(workspace: Workspace, jobs: Sequence[LoadJob], observer: Observer) -> RunResult:
    """Load all that was landed of the jobs' days, whatever its age, newest month first, and publish.

    A day of which nothing is understood stays as it was. Raises WarehouseErrors that concern the warehouse as a whole.
    """
    outcomes = [Outcome(job.account, planned=len(job.days)) for job in jobs]
    with track_run(workspace, outcomes):
        for job in jobs:
            observer.on_planned(job.account, len(job.days), 0)
        for outcome, job in zip(outcomes, jobs, strict=True):
            for whole in reversed(group_into_windows(job.days)):
                for month in reversed(whole.split_into_months()):
                    days = tuple(month.days())
                    load_and_record(
                        workspace, outcome, days, partial(_load, workspace, outcome.account, days), observer
                    )
            left_out = outcome.planned - outcome.loaded - outcome.failed
            if left_out and not workspace.stop.is_requested:
                outcome.add_error(_LEFT_OUT.format(account=job.account.name, left=left_out, planned=outcome.planned))
    return RunResult(outcomes)


def _load(workspace: Workspace, account: Account, days: Sequence[date]) -> LoadResult:
    """One commit of all rounds of some days; made again when another run landed newer answers meanwhile."""
    while True:
        known = list_batch_ids(account, workspace.landing, days)
        loaded = LoadResult()
        rounds = build_load_versions(account, workspace.landing, days)
        with open_staging_folder(workspace) as folder:
            committed = workspace.store.commit(*_chunks(workspace, account, rounds, folder, loaded))
            loaded.rows = sum(committed.rows_by_table.values())
        if list_batch_ids(account, workspace.landing, days) == known:
            return loaded


def _chunks(
    workspace: Workspace, account: Account, rounds: Mapping[date, list[LoadVersion]], folder: Path, loaded: LoadResult
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
            claims = build_day_claims(of_days)
            scratch = folder / uuid4().hex
            scratch.mkdir(mode=0o700)
            try:
                made.append(stage_chunk(workspace, then, claims, scratch, reset_history=number == 0))
            except ShapeError as error:
                bad = claim_of_error(error, claims)
                _leave_out(left, number, bad.days if bad is not None else of_days, error, loaded)
                break
        else:
            chunks += made
            number += 1
    refused = {day for days, _ in loaded.rejected for day in days}
    loaded.days = [day for day, each in left.items() if each and day not in refused]
    return chunks


def _by_streams(rounds: Mapping[date, LoadVersion]) -> dict[tuple[str, ...], dict[date, LoadVersion]]:
    """The rounds by what was pulled: a stream that was not is nothing told, and not zero."""
    found: dict[tuple[str, ...], dict[date, LoadVersion]] = {}
    for day, each in rounds.items():
        found.setdefault(tuple(each), {})[day] = each
    return found


def _leave_out(
    left: Mapping[date, list[LoadVersion]], number: int, days: Collection[date], error: ShapeError, loaded: LoadResult
) -> None:
    newest = tuple(sorted(day for day in days if number == len(left[day]) - 1))
    if newest:
        loaded.rejected.append((newest, error))
    for day in days:
        del left[day][number]
