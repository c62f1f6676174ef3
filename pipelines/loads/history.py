"""The load history that the landing zone holds: for each day of an account its load versions, oldest first.

Nothing is transformed or written here. A load version is the set of batches from which a run could load a day: one of
every stream that was enabled then, landed by that run or fresh enough to be reused by it. So the landing zone alone
shows which numbers a day had and when they changed, even where runs failed in part or retention deleted responses.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.instants import is_between
from extractors.landing.batch import Batch, is_usable
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.claims import is_fresh

LoadVersion = Mapping[str, Batch]
"""By stream, the batches from which a slice was or is loaded."""


def list_landed_days(account: Account, landing: LandingZone) -> set[date]:
    """Return the local days for which anything was ever landed. Only names are read, no file is opened."""
    return {day for batch in _list_batches(account, landing, None) for day in batch.window.days()}


def list_batch_ids(account: Account, landing: LandingZone, days: Collection[date]) -> frozenset[str]:
    """Return the ids of all batches that touch the span of some local days.

    A new id shows that another run has landed responses meanwhile.
    """
    return frozenset(batch.batch_id for batch in _list_batches(account, landing, _span(days)))


def build_load_versions(
    account: Account, landing: LandingZone, days: Collection[date]
) -> dict[date, list[LoadVersion]]:
    """Return the load versions of each local day, oldest first, under the account's present external id and zone.

    A version with a rejected batch was never loaded: it is left out, unless it is the newest. Days without a version
    are left out too.
    """
    usable = [
        batch
        for batch in _list_batches(account, landing, _span(days))
        if is_usable(batch, account.external_id, account.timezone)
    ]
    histories = {day: _DayHistory(day, account.zone) for day in sorted(days)}
    for batch in sorted(usable, key=_landing_order):
        enabled_streams = batch.enabled_streams or account.enabled_streams
        for day in batch.window.days():
            if day in histories:
                histories[day].add_batch(batch, enabled_streams)
    for history in histories.values():
        history.end_run()
    return {day: versions for day, history in histories.items() if (versions := history.list_versions())}


def group_by_streams(versions: Mapping[date, LoadVersion]) -> dict[tuple[str, ...], dict[date, LoadVersion]]:
    """Group versions by their streams: the measures of a stream that was not enabled are not reported, and not zero."""
    groups: dict[tuple[str, ...], dict[date, LoadVersion]] = {}
    for day, version in versions.items():
        groups.setdefault(tuple(version), {})[day] = version
    return groups


@dataclass
class _DayHistory:
    """The load versions of one day, built while its batches are added in order of landing.

    The batches of one run come together: the fetch lock lets only one run at a time fetch an account.
    ``batches_by_stream`` are the newest batches that no version has taken yet. ``run_started_at`` identifies the run of
    the batch that was added last, at ``landed_at``.
    """

    day: date
    zone: ZoneInfo
    versions: list[LoadVersion] = field(default_factory=list)
    batches_by_stream: dict[str, Batch] = field(default_factory=dict)
    rejected_version: LoadVersion | None = None
    run_started_at: datetime | None = None
    landed_at: datetime | None = None
    enabled_streams: Collection[str] = ()

    def add_batch(self, batch: Batch, enabled_streams: Collection[str]) -> None:
        if self.run_started_at != batch.run_started_at:
            self.end_run()
        previous = self.batches_by_stream.get(batch.stream)
        if previous is None or previous.arrival <= batch.arrival:
            self.batches_by_stream[batch.stream] = batch
        self.landed_at = batch.landed_at
        self.run_started_at, self.enabled_streams = batch.run_started_at, enabled_streams
        if self.run_started_at is None:  # an older manifest does not name its run: any batch may be the run's last
            self.end_run()

    def end_run(self) -> None:
        """Add the version that the run could load from its batches, if they are complete."""
        version = {
            stream: batch
            for stream, batch in self.batches_by_stream.items()
            if stream in self.enabled_streams and self._is_loadable(batch)
        }
        if not version or len(version) < len(self.enabled_streams):
            return
        rejected_streams = [stream for stream, batch in version.items() if batch.is_rejected_on(self.day)]
        if rejected_streams:  # the other batches may be reused by the next run
            self.rejected_version = version
            for stream in rejected_streams:
                del self.batches_by_stream[stream]
            return
        self.versions.append(version)
        self.rejected_version = None
        self.batches_by_stream.clear()

    def _is_loadable(self, batch: Batch) -> bool:
        """Whether the run landed the batch itself, waited for one that did, or could reuse it when it started."""
        if self.run_started_at is None or self.landed_at is None or batch.run_started_at == self.run_started_at:
            return True
        if is_between(self.run_started_at, batch.landed_at, self.landed_at):
            return True
        return is_fresh(batch, self.day, self.zone, self.run_started_at)

    def list_versions(self) -> list[LoadVersion]:
        return [*self.versions, self.rejected_version] if self.rejected_version else self.versions


def _landing_order(batch: Batch) -> tuple[int, datetime, datetime, str]:
    """Return the place of a batch among all streams' batches of its account: by number, else by instant of landing."""
    return (batch.number, batch.landed_at, batch.fetched_at, batch.batch_id)


def _list_batches(account: Account, landing: LandingZone, within: Window | None) -> Iterable[Batch]:
    for stream in landing.list_streams(account.provider, account.name):
        yield from landing.list_batches(account.provider, account.name, stream, within)


def _span(days: Collection[date]) -> Window:
    return Window(min(days), max(days) + timedelta(days=1))
