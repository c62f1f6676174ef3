"""Previews: the published numbers that a replay would change. Nothing is written but files in a temporary folder.

No request is made here.
"""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.foreign_text import clean_line
from extractors.windows import group_into_windows
from pipelines.loads.claims import DayClaims, build_day_claims
from pipelines.loads.failing_days import claim_of_error, find_failing_days
from pipelines.loads.failures import MAX_DETAIL
from pipelines.loads.history import build_load_versions, group_by_streams
from pipelines.loads.load import MAX_GROUP_ROWS, count_rows
from pipelines.loads.observer import Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.replay import describe_left_out_days
from pipelines.loads.stage import make_folder, stage_chunk
from pipelines.loads.workspace import Workspace
from transforms.chunk import DayClaim
from warehouse.preview_store import NumberChange
from warehouse.records import ChunkCommit


@dataclass(frozen=True)
class PreviewFailure:
    """Local days of an account that could not be compared, and the reason. ``days`` is empty where it names them."""

    account: str
    days: tuple[date, ...]
    sentence: str


class Preview:
    """The result of a preview: ``changes`` summed over days, ``compared`` slices, and ``failures``."""

    def __init__(self) -> None:
        self.compared = 0
        self.failures: list[PreviewFailure] = []
        self._changes: dict[tuple[str | None, ...], NumberChange] = {}

    @property
    def changes(self) -> list[NumberChange]:
        """The changes by account, view and measure: first all members together, then each, then by attribute."""
        return [self._changes[key] for key in sorted(self._changes, key=lambda key: tuple(part or "" for part in key))]

    def add_changes(self, changes: Sequence[NumberChange]) -> None:
        """Add the changes of further slices to the known ones."""
        for change in changes:
            member = None if change.is_total else f"={change.member}"
            key = (change.account, change.view, change.measure, change.attribute, member)
            known = self._changes.get(key)
            self._changes[key] = change if known is None else _add(known, change)

    def add_failure(self, account: Account, days: Collection[date], error: Exception | str) -> None:
        """Add the reason why some local days could not be compared."""
        self.failures.append(PreviewFailure(account.name, tuple(sorted(days)), clean_line(str(error), MAX_DETAIL)))


def _add(known: NumberChange, other: NumberChange) -> NumberChange:
    """Return the changes of other days together."""
    return replace(
        known,
        numbers=known.numbers + other.numbers,
        days=known.days + other.days,
        first=min(known.first, other.first),
        last=max(known.last, other.last),
        old=_add_sums(known.old, other.old),
        new=_add_sums(known.new, other.new),
    )


def _add_sums(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return right if left is None else left if right is None else left + right


class Comparison:
    """Transforms claims of landed batches, and compares them in groups with what is published, for a ``preview``."""

    def __init__(self, workspace: Workspace, preview: Preview, observer: Observer, folder: Path) -> None:
        self._workspace = workspace
        self._preview = preview
        self._observer = observer
        self._folder = folder
        self._waiting: list[ChunkCommit] = []
        self._row_count = 0

    def add(self, account: Account, claims: DayClaims) -> None:
        """Transform the claimed local days, which were not added before. Raises WarehouseErrors of the warehouse."""
        while claims:
            try:
                chunk = stage_chunk(self._workspace, account, claims, make_folder(self._folder))
            except ShapeError as error:
                claim = claim_of_error(error, claims)
                failing = (
                    [(tuple(claim.days), error)]
                    if claim is not None
                    else find_failing_days(account, claims, error, self._folder)
                )
                for days, day_error in failing:
                    self._preview.add_failure(account, days, day_error)
                claims = _without_days(claims, {day for days, _ in failing for day in days})
            else:
                self._waiting.append(chunk)
                self._row_count += count_rows(chunk)
                break
        if self._row_count >= MAX_GROUP_ROWS:
            self.compare()

    def compare(self) -> None:
        """Compare everything that was added. Raises WarehouseErrors."""
        self._preview.add_changes(self._workspace.store.compare(self._waiting))
        accounts = {account.name: account for account in self._workspace.config.accounts}
        for chunk in self._waiting:
            self._preview.compared += len(chunk.slices)
            self._observer.on_days_loaded(accounts[chunk.account.account], [info.date for info in chunk.slices])
        self._waiting, self._row_count = [], 0


def _without_days(claims: DayClaims, days: Collection[date]) -> DayClaims:
    remaining = {
        stream: tuple(
            DayClaim(claim.batch, claim.days.difference(days)) for claim in stream_claims if claim.days.difference(days)
        )
        for stream, stream_claims in claims.items()
    }
    return remaining if any(remaining.values()) else {}


@contextmanager
def open_comparison(workspace: Workspace, preview: Preview, observer: Observer) -> Iterator[Comparison]:
    """Yield a comparison whose staged files are in a temporary folder; at the end compare what is left.

    Raises WarehouseErrors.
    """
    with tempfile.TemporaryDirectory(prefix="chatmart-") as folder, workspace.store.hold_engine():
        comparison = Comparison(workspace, preview, observer, Path(folder) / "staged")
        yield comparison
        comparison.compare()


def preview_replay(workspace: Workspace, jobs: Sequence[LoadJob], observer: Observer) -> Preview:
    """Compare what ``replay_jobs`` would load with what is published. Nothing is written.

    Raises WarehouseErrors of the warehouse as a whole.
    """
    preview = Preview()
    for job in jobs:
        observer.on_planned(job.account, len(job.days), 0)
    with open_comparison(workspace, preview, observer) as comparison:
        for job in jobs:
            used_days = 0
            for window in group_into_windows(job.days):
                for month in window.split_into_months():
                    versions = build_load_versions(job.account, workspace.landing, tuple(month.days()))
                    newest = {day: day_versions[-1] for day, day_versions in versions.items()}
                    used_days += len(newest)
                    for streams, group in group_by_streams(newest).items():
                        account = job.account.model_copy(update={"streams": streams})
                        comparison.add(account, build_day_claims(group))
            left_out = len(job.days) - used_days
            if left_out:
                preview.add_failure(job.account, (), describe_left_out_days(job.account, left_out, len(job.days)))
    return preview
