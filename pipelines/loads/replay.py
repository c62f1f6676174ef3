"""Replay: loading landed batches again with their history, after a change of a mapping or the loss of a warehouse.

No request is made. Each month of an account is one commit that contains all load versions of its slices, oldest first.
So the log of restatements is rebuilt too, as today's program would have written it from the start.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.windows import group_into_windows
from pipelines.loads.claims import build_day_claims
from pipelines.loads.failing_days import claim_of_error, find_failing_days
from pipelines.loads.forget import restore_proofs
from pipelines.loads.history import LoadVersion, build_load_versions, group_by_streams, list_batch_ids
from pipelines.loads.load import LoadResult, PendingLoad
from pipelines.loads.observer import Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import Outcome, RunResult, load_and_record
from pipelines.loads.run_log import track_run
from pipelines.loads.stage import make_folder, stage_chunk
from pipelines.loads.workspace import Workspace
from warehouse.records import ChunkCommit, CommitResult, History

_LEFT_OUT = (
    "{account}: {left_out} of {planned} days have no usable landed responses: these are of another id or time zone, "
    "incomplete, or cannot be read; `chatmart status` names the days, `chatmart backfill --refetch` fetches them again"
)


def replay_jobs(workspace: Workspace, jobs: Sequence[LoadJob], observer: Observer) -> RunResult:
    """Load all landed batches of the jobs' local days, whatever their age, newest month first, and publish.

    A day whose responses cannot be transformed stays as it was. Raises WarehouseErrors of the warehouse as a whole; all
    other errors are in the outcomes.
    """
    restore_proofs(workspace, [job.account for job in jobs])
    outcomes = [Outcome(job.account, planned=len(job.days)) for job in jobs]
    with track_run(workspace, outcomes):
        for job in jobs:
            observer.on_planned(job.account, len(job.days), 0)
        for outcome, job in zip(outcomes, jobs, strict=True):
            for window in reversed(group_into_windows(job.days)):
                for month in reversed(window.split_into_months()):
                    days = tuple(month.days())
                    load_and_record(workspace, [(outcome, _VersionsLoad(outcome.account, days))], observer)
            left_out = outcome.planned - outcome.loaded - outcome.failed
            if left_out and not workspace.stop.is_requested:
                outcome.add_error(describe_left_out_days(job.account, left_out, outcome.planned))
    return RunResult(outcomes)


def describe_left_out_days(account: Account, left_out: int, planned: int) -> str:
    """Return the sentence about days whose landed responses cannot be used: their number, of those of the replay."""
    return _LEFT_OUT.format(account=account.name, left_out=left_out, planned=planned)


class _VersionsLoad(PendingLoad):
    """The load of all load versions of some days, at once."""

    def prepare(self, workspace: Workspace, folder: Path) -> Sequence[ChunkCommit]:
        """Transform all versions, oldest first."""
        self._batch_ids = list_batch_ids(self.account, workspace.landing, self.days)
        self.result = LoadResult()
        versions = build_load_versions(self.account, workspace.landing, self.days)
        return _stage_versions(workspace, self.account, versions, folder, self.result)

    def confirm(self, workspace: Workspace, committed: CommitResult) -> bool:
        """Take the result, unless another run has landed newer batches meanwhile."""
        self.result.rows = sum(committed.rows_by_table.values())
        return list_batch_ids(self.account, workspace.landing, self.days) == self._batch_ids


def _stage_versions(
    workspace: Workspace, account: Account, versions: Mapping[date, list[LoadVersion]], folder: Path, loaded: LoadResult
) -> list[ChunkCommit]:
    """Return the commits of the first versions of all days, then of the second versions of the days that have one, etc.

    A version that cannot be transformed is left out, as if it had never been landed. If it is the newest of a day, the
    day is rejected. The result is written to ``loaded``.
    """
    remaining = {day: list(day_versions) for day, day_versions in versions.items()}
    chunks: list[ChunkCommit] = []
    number = 0
    while current := {
        day: day_versions[number] for day, day_versions in remaining.items() if len(day_versions) > number
    }:
        staged = []
        for streams, group in group_by_streams(current).items():
            account_then = account.model_copy(update={"streams": streams})
            claims = build_day_claims(group)
            try:
                history: History = "replay" if number else "reset"
                staged.append(stage_chunk(workspace, account_then, claims, make_folder(folder), history=history))
            except ShapeError as error:
                claim = claim_of_error(error, claims)
                failing = (
                    [(tuple(claim.days), error)]
                    if claim is not None
                    else find_failing_days(account_then, claims, error, folder)
                )
                for failing_days, day_error in failing:
                    _leave_out_version(remaining, number, failing_days, day_error, loaded)
                break
        else:
            chunks += staged
            number += 1
    rejected_days = {day for days, _ in loaded.rejected for day in days}
    loaded.days = [day for day, day_versions in remaining.items() if day_versions and day not in rejected_days]
    return chunks


def _leave_out_version(
    remaining: Mapping[date, list[LoadVersion]],
    number: int,
    days: Collection[date],
    error: ShapeError,
    loaded: LoadResult,
) -> None:
    """Remove one version of some days, and reject the days of which it is the newest."""
    rejected_days = tuple(sorted(day for day in days if number == len(remaining[day]) - 1))
    if rejected_days:
        loaded.rejected.append((rejected_days, error))
    for day in days:
        del remaining[day][number]
