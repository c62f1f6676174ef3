"""The world: same seed same world, edges of local days, clock changes, quiet days, restatement."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.accounts import DEMO_ACCOUNTS, SandboxAccount
from sandbox.world import World

DAYS_2025 = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
NEW_YEAR = datetime(2026, 1, 2, tzinfo=UTC)


def world(*accounts: SandboxAccount, seed: int = 3) -> World:
    return World(seed, accounts or DEMO_ACCOUNTS, clock=lambda: NEW_YEAR)


def test_same_seed_same_world_and_another_seed_another_one():
    day = date(2025, 5, 6)
    assert world().conversations_on("acme-voice", day) == world().conversations_on("acme-voice", day)
    assert world().conversations_on("acme-voice", day) != world(seed=4).conversations_on("acme-voice", day)


def test_order_of_asking_changes_nothing():
    forwards, backwards = world(), world()
    there = {day: forwards.conversations_on("acme-bot", day) for day in DAYS_2025[:20]}
    back = {day: backwards.conversations_on("acme-bot", day) for day in reversed(DAYS_2025[:20])}
    assert there == back


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Cairo"])
def test_conversations_lie_in_their_local_day_and_at_both_of_its_edges(zone):
    made = world(SandboxAccount("a", "chatdash", zone))
    midnights = 0
    for day in DAYS_2025:
        items = made.conversations_on("a", day)
        assert {item.started_at.astimezone(ZoneInfo(zone)).date() for item in items} <= {day}
        if items:
            first, last = (items[place].started_at.astimezone(ZoneInfo(zone)) for place in (0, -1))
            midnights += f"{first:%H:%M:%S.%f}" == "00:00:00.000000"
            assert f"{last:%H:%M:%S.%f}" == "23:59:59.999000"
    busy = sum(bool(made.conversations_on("a", day)) for day in DAYS_2025)
    # Cairo's clock goes forward at midnight: that day begins at one o'clock.
    assert busy - midnights <= 1


def test_some_days_are_quiet_and_weekends_are_slower():
    made = world(SandboxAccount("a", "cognigy", "Europe/Berlin"))
    counts = {day: len(made.conversations_on("a", day)) for day in DAYS_2025}
    quiet = [day for day, count in counts.items() if not count]
    assert 5 <= len(quiet) <= 60
    sundays = [counts[day] for day in DAYS_2025 if day.weekday() == 6]
    tuesdays = [counts[day] for day in DAYS_2025 if day.weekday() == 1]
    assert sum(sundays) * 2 < sum(tuesdays)


def test_between_takes_the_start_in_and_leaves_the_end_out():
    made = world(SandboxAccount("a", "inkeep", "Europe/Berlin", quiet_share=0))
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2025, 3, 30, tzinfo=zone).astimezone(UTC)
    end = datetime(2025, 3, 31, tzinfo=zone).astimezone(UTC)
    assert end - start == timedelta(hours=23)
    assert list(made.conversations_between("a", start, end)) == made.conversations_on("a", date(2025, 3, 30))


def test_nothing_lies_ahead_of_the_clock_or_before_the_start():
    now = datetime(2025, 6, 3, 12, tzinfo=UTC)
    account = SandboxAccount("a", "inkeep", "UTC", start_date=date(2025, 6, 2), quiet_share=0)
    made = World(3, [account], clock=lambda: now)
    assert made.conversations_on("a", date(2025, 6, 1)) == []
    assert made.conversations_on("a", date(2025, 6, 2))
    assert (
        0
        < len(made.conversations_on("a", date(2025, 6, 3)))
        < len(world(account).conversations_on("a", date(2025, 6, 3)))
    )
    assert made.conversations_on("a", date(2025, 6, 4)) == []


def test_conversation_ids_are_unique():
    made = world()
    for name in made.accounts:
        ids = [item.id for day in DAYS_2025[:60] for item in made.conversations_on(name, day)]
        assert len(ids) == len(set(ids))


def test_restatements_follow_one_another():
    made, day = world(), date(2025, 5, 6)
    before = {item.id: item for item in made.conversations_on("acme-docs", day)}
    made.restate("acme-docs", day, "late")
    late = {item.id: item for item in made.conversations_on("acme-docs", day)}
    assert set(before) < set(late)
    assert sum(item.user_messages for item in late.values()) > sum(item.user_messages for item in before.values())
    assert any(late[key] != before[key] for key in before)
    made.restate("acme-docs", day, "smaller")
    smaller = {item.id for item in made.conversations_on("acme-docs", day)}
    assert smaller < set(late)
    made.restate("acme-docs", day, "empty")
    assert made.conversations_on("acme-docs", day) == []
    made.restate("acme-docs", day, "late")
    assert made.conversations_on("acme-docs", day)


def test_restatement_touches_no_other_day_and_is_the_same_everywhere():
    one, other, day = world(), world(), date(2025, 5, 6)
    neighbour = one.conversations_on("acme-voice", day + timedelta(days=1))
    one.restate("acme-voice", day, "smaller")
    other.restate("acme-voice", day, "smaller")
    assert one.conversations_on("acme-voice", day) == other.conversations_on("acme-voice", day)
    assert one.conversations_on("acme-voice", day + timedelta(days=1)) == neighbour


def test_unknown_restatement_and_provider_are_refused():
    with pytest.raises(ValueError, match="sideways"):
        world().restate("acme-docs", date(2025, 5, 6), "sideways")
    with pytest.raises(ValueError, match="nobody"):
        SandboxAccount("a", "nobody", "UTC")


def test_a_year_is_made_once(monkeypatch):
    import sandbox.world

    calls = []
    real = sandbox.world.generate_conversations

    def counted(*args, **named):
        calls.append(args[1])
        return real(*args, **named)

    monkeypatch.setattr(sandbox.world, "generate_conversations", counted)
    made = world()
    for _ in range(3):
        for day in DAYS_2025:
            made.conversations_on("acme-support", day)
    assert len(calls) == 365
