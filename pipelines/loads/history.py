"""The loads that landed answers once made: for each day of an account its rounds of batches, oldest first.

Nothing is transformed or written here. A round is what a run could load of a day: a batch of every stream that the
account pulled then, of that run or fresh enough to stand for it. So the landing zone alone tells which numbers a day
had and when they became others, also where runs failed in part and where retention deleted some of the answers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.landing.batch import Batch, is_usable
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.plan import is_fresh

LoadVersion = Mapping[str, Batch]
"""The batches, by stream, that a slice once rested on, or rests on."""


def list_landed_days(account: Account, landing: LandingZone) -> set[date]:
    """The days of which anything was ever landed; names are looked at, no file is read."""
    return {day for batch in _arrivals(account, landing, None) for day in batch.window.days()}


def list_batch_ids(account: Account, landing: LandingZone, days: Collection[date]) -> frozenset[str]:
    """The ids of all batches that touch the span of some days: a new one tells that somebody has landed meanwhile."""
    return frozenset(batch.batch_id for batch in _arrivals(account, landing, _span(days)))


def build_load_versions(
    account: Account, landing: LandingZone, days: Collection[date]
) -> dict[date, list[LoadVersion]]:
    """The rounds of each day, oldest first, as far as they belong to the account's present id and zone.

    A round with a batch that was once not understood made no load: it is left out, unless it is the newest.
    """
    counted = [
        batch
        for batch in _arrivals(account, landing, _span(days))
        if is_usable(batch, account.external_id, account.timezone)
    ]
    histories = {day: _DayHistory(day, account.zone) for day in sorted(days)}
    for batch in sorted(counted, key=lambda each: (each.landed_at, each.fetched_at, each.batch_id)):
        pulled = batch.enabled_streams or account.enabled_streams
        for day in batch.window.days():
            if day in histories:
                histories[day].arrived(batch, pulled)
    for history in histories.values():
        history.close()
    return {day: rounds for day, history in histories.items() if (rounds := history.rounds())}


@dataclass
class _DayHistory:
    """One day as its batches arrive: run after run, for one at a time fetches an account."""

    day: date
    zone: ZoneInfo
    whole: list[LoadVersion] = field(default_factory=list)
    pending: dict[str, Batch] = field(default_factory=dict)
    refused: LoadVersion | None = None
    began: datetime | None = None
    pulled: Collection[str] = ()

    def arrived(self, batch: Batch, pulled: Collection[str]) -> None:
        if self.began != batch.run_started_at:
            self.close()
        known = self.pending.get(batch.stream)
        if known is None or known.fetched_at <= batch.fetched_at:
            self.pending[batch.stream] = batch
        self.began, self.pulled = batch.run_started_at, pulled
        if self.began is None:  # no manifest tells where this run ends
            self.close()

    def close(self) -> None:
        """The run that began at ``began`` has ended: what it could load is a round."""
        made = {
            stream: batch for stream, batch in self.pending.items() if stream in self.pulled and self._stands(batch)
        }
        if not made or len(made) < len(self.pulled):
            return
        bad = [stream for stream, each in made.items() if each.is_rejected]
        if bad:  # the others may stand in the next run
            self.refused = made
            for stream in bad:
                del self.pending[stream]
            return
        self.whole.append(made)
        self.refused = None
        self.pending.clear()

    def _stands(self, batch: Batch) -> bool:
        own = self.began is None or batch.landed_at >= self.began
        return own or (self.began is not None and is_fresh(batch, self.day, self.zone, self.began))

    def rounds(self) -> list[LoadVersion]:
        return [*self.whole, self.refused] if self.refused else self.whole


def _arrivals(account: Account, landing: LandingZone, within: Window | None) -> Iterable[Batch]:
    for stream in landing.list_streams(account.provider, account.name):
        yield from landing.list_batches(account.provider, account.name, stream, within)


def _span(days: Collection[date]) -> Window:
    return Window(min(days), max(days) + timedelta(days=1))
