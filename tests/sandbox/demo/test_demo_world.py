"""The demo's world: its events lie where its calendar says, its names are believable, its days are the same again."""

from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest

from sandbox.demo.calendar import DEMO_DAYS, DemoCalendar
from sandbox.demo.world import build_demo_world, build_restated_demo_world, list_demo_accounts, restate_demo_week
from sandbox.sample_values import END_REASONS, INTENTS, STEPS
from sandbox.vendors import VENDOR_NAMES
from sandbox.world import World

FIRST_DAY = date(2025, 9, 15)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(DEMO_DAYS)]
CALENDAR = DemoCalendar(FIRST_DAY)


@pytest.fixture(scope="module")
def world() -> World:
    return build_demo_world(FIRST_DAY, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))


def count(world: World, account: str, day: date) -> int:
    return len(world.conversations_on(account, day))


def usual(world: World, account: str, day: date) -> float:
    """Return the median of the same weekday."""
    return median(count(world, account, other) for other in DAYS if other.weekday() == day.weekday() and other != day)


def test_every_provider_has_an_account_and_no_name_is_twice() -> None:
    accounts = list_demo_accounts(FIRST_DAY)
    assert {account.provider for account in accounts} == set(VENDOR_NAMES)
    assert len({account.name for account in accounts}) == len(accounts) == 7


@pytest.mark.parametrize("number", range(7))
def test_every_event_lies_in_the_days_of_the_demo(number: int) -> None:
    calendar = DemoCalendar(FIRST_DAY + timedelta(days=number))
    last = calendar.first_day + timedelta(days=DEMO_DAYS - 1)
    days = (calendar.rollout, calendar.release, calendar.campaign, calendar.outage, *calendar.restated_week)
    assert all(calendar.first_day < day <= last for day in days)
    assert last - calendar.rollout >= timedelta(days=28), "the report's four weeks have the new bot on every day"


def test_a_bot_starts_a_campaign_peaks_and_a_bot_is_down_for_a_day(world: World) -> None:
    assert [count(world, "passelby-phone", CALENDAR.rollout - timedelta(days=days)) for days in (3, 2, 1)] == [0, 0, 0]
    assert count(world, "passelby-phone", CALENDAR.rollout) > 10
    assert count(world, "brunnfelder-shop", CALENDAR.campaign) > 2 * usual(world, "brunnfelder-shop", CALENDAR.campaign)
    outage = CALENDAR.outage
    assert count(world, "brunnfelder-service", outage) < 0.2 * usual(world, "brunnfelder-service", outage)


def test_weekends_hours_and_growth_are_seen(world: World) -> None:
    service = [world.conversations_on("brunnfelder-service", day) for day in DAYS]
    by_weekday = [0] * 7
    for items, day in zip(service, DAYS, strict=True):
        by_weekday[day.weekday()] += len(items)
    assert max(by_weekday[5:]) < min(by_weekday[:5]) / 1.5
    zone = world.accounts["brunnfelder-service"].zone
    hours = [item.started_at.astimezone(zone).hour for items in service for item in items]
    assert sum(9 <= hour < 17 for hour in hours) > 0.55 * len(hours)
    docs = [count(world, "ferndock-docs", day) for day in DAYS]
    assert sum(docs[-14:]) > 1.05 * sum(docs[:14])


def test_an_hour_that_a_clock_change_leaves_out_or_repeats_stays_in_its_day() -> None:
    for change in (date(2025, 3, 30), date(2025, 10, 26)):
        world = build_demo_world(change - timedelta(days=20))
        zone = world.accounts["brunnfelder-shop"].zone
        items = world.conversations_on("brunnfelder-shop", change)
        assert items
        assert {item.started_at.astimezone(zone).date() for item in items} == {change}


def test_no_awkward_name_of_the_tests_is_in_it(world: World) -> None:
    for name in world.accounts:
        for day in DAYS[::9]:
            for item in world.conversations_on(name, day):
                assert not set(item.intents) & set(INTENTS), name
                assert not set(item.steps) & set(STEPS[1:]), name
                assert item.end_reason in ("", "timeout", *END_REASONS[:3]), name


def test_a_new_intent_rises_after_the_release(world: World) -> None:
    def share(days: list[date]) -> float:
        items = [item for day in days for item in world.conversations_on("clairmeuse-aide", day)]
        named = [name for item in items for name in item.intents]
        return named.count("Installer une borne de recharge") / len(named)

    assert share([CALENDAR.release - timedelta(days=n) for n in range(1, 8)]) == 0
    assert share([CALENDAR.release + timedelta(days=n) for n in range(7)]) > 0.1


def test_the_restated_week_grows_and_a_world_that_is_built_again_is_the_same(world: World) -> None:
    account, days = restate_demo_week(world, FIRST_DAY)
    before = build_demo_world(FIRST_DAY)
    again = build_restated_demo_world(FIRST_DAY)
    for day in days:
        assert count(world, account, day) > count(before, account, day)
        assert world.conversations_on(account, day) == again.conversations_on(account, day)
