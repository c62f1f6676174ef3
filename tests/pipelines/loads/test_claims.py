from collections.abc import Iterable
from datetime import date, datetime, timedelta

from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.claims import MAX_REUSE_AGE, build_reuse_rule, loadable_days
from tests.support.plan_samples import (
    NOW,
    STREAM,
    build_account,
    build_ledger_row,
    build_window,
    is_always_reusable,
    is_never_reusable,
    land,
)
from warehouse.records import LedgerRow


class TestReuseRule:
    DAY = date(2025, 3, 1)

    def is_reusable(
        self, batch: Batch, ledger: Iterable[LedgerRow] = (), *, refetch: bool = False, now: datetime = NOW
    ) -> bool:
        rule = build_reuse_rule(build_account(), ledger, self.is_new, now=now, run_started_at=NOW, refetch=refetch)
        return rule(batch, self.DAY)

    @staticmethod
    def is_new(batch: Batch) -> bool:
        return batch.landed_at >= NOW

    def test_a_fresh_batch_that_is_not_loaded(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - MAX_REUSE_AGE + timedelta(seconds=1))
        assert self.is_reusable(batch)
        assert not self.is_reusable(batch, now=NOW + timedelta(seconds=2))
        assert not self.is_reusable(batch, refetch=True)

    def test_not_a_batch_that_was_loaded_before(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        earlier, later = NOW - timedelta(minutes=30), NOW + timedelta(seconds=1)
        assert not self.is_reusable(batch, [build_ledger_row(self.DAY, batches=[batch.batch_id], loaded_at=earlier)])
        assert self.is_reusable(batch, [build_ledger_row(self.DAY, batches=["another"], loaded_at=earlier)])
        # another run of the account that goes on at the same time has loaded it
        assert self.is_reusable(batch, [build_ledger_row(self.DAY, batches=[batch.batch_id], loaded_at=later)])

    def test_every_batch_landed_since_the_run_started(self, zone: LandingZone) -> None:
        fetched_before = land(
            zone, Window.of_day(self.DAY), NOW - timedelta(seconds=5), landed_at=NOW + timedelta(seconds=1)
        )
        assert self.is_reusable(fetched_before, refetch=True)
        assert self.is_reusable(
            fetched_before, [build_ledger_row(self.DAY, batches=[fetched_before.batch_id])], refetch=True
        )
        landed_before = land(zone, Window.of_day(self.DAY), NOW - timedelta(seconds=4))
        assert not self.is_reusable(landed_before, refetch=True)

    def test_not_a_batch_fetched_before_the_day_was_over(self, zone: LandingZone) -> None:
        today = NOW.date()
        is_reusable = build_reuse_rule(build_account(), [], self.is_new, now=NOW, run_started_at=NOW, refetch=False)
        assert not is_reusable(land(zone, Window.of_day(today), NOW - timedelta(hours=1)), today)
        month = land(zone, build_window("2026-01-01", "2026-01-31"), NOW - timedelta(hours=1))
        assert is_reusable(month, today - timedelta(days=1))
        assert not is_reusable(month, today)

    def test_not_a_batch_dated_in_the_future(self, zone: LandingZone) -> None:
        ahead = land(zone, Window.of_day(self.DAY), NOW + timedelta(days=400), landed_at=NOW - timedelta(hours=1))
        assert not self.is_reusable(ahead)
        skewed = land(zone, Window.of_day(self.DAY), NOW + timedelta(minutes=4), landed_at=NOW - timedelta(hours=1))
        assert self.is_reusable(skewed)

    def test_not_a_batch_that_was_loaded_in_the_future(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        later = NOW + timedelta(days=400)
        assert not self.is_reusable(batch, [build_ledger_row(self.DAY, batches=[batch.batch_id], loaded_at=later)])

    def test_not_a_rejected_batch(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        batch.reject()
        assert not self.is_reusable(batch)

    def test_not_a_batch_of_which_a_power_cut_has_left_a_part(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        [segment] = zone.root.rglob("*.jsonl")
        text = segment.read_bytes()
        segment.write_bytes(bytes(100) + text[100:])
        assert not self.is_reusable(batch)


def test_a_day_is_loadable_when_every_stream_has_a_reusable_batch(zone: LandingZone) -> None:
    both = build_account(streams=[STREAM, "call_counter"])
    days = list(build_window("2025-03-01", "2025-03-04").days())
    month = land(zone, build_window("2025-03-01", "2025-03-03"), NOW)
    newer = land(zone, build_window("2025-03-02", "2025-03-02"), NOW + timedelta(minutes=1))
    calls = land(zone, build_window("2025-03-01", "2025-03-04"), NOW, stream="call_counter")
    complete, claims = loadable_days(both, zone, days, is_always_reusable)
    assert complete == tuple(days[:3])
    assert {claim.batch: set(claim.days) for claim in claims[STREAM]} == {month: {days[0], days[2]}, newer: {days[1]}}
    assert {claim.batch: set(claim.days) for claim in claims["call_counter"]} == {calls: set(days[:3])}
    assert loadable_days(both, zone, days, is_never_reusable)[0] == ()
    not_the_newest = loadable_days(both, zone, days, lambda batch, _day: batch != newer)
    assert not_the_newest[0] == (days[0], days[2])
