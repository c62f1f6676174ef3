"""The world: seeds, the edges of local days, clock changes, quiet days, restatements."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox import world as world_module
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.world import World

DAYS_2025 = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
NEW_YEAR = datetime(2026, 1, 2, tzinfo=UTC)


def build_world(*accounts: SandboxAccount, seed: int = 3) -> World:
    return World(seed, accounts or SAMPLE_ACCOUNTS, clock=lambda: NEW_YEAR)


def test_a_seed_gives_the_same_world_and_another_seed_another_one():
    day = date(2025, 5, 6)
    assert build_world().conversations_on("acme-voice", day) == build_world().conversations_on("acme-voice", day)
    assert build_world().conversations_on("acme-voice", day) != build_world(seed=4).conversations_on("acme-voice", day)


def test_the_order_of_reading_changes_nothing():
    forwards, backwards = build_world(), build_world()
    read_forwards = {day: forwards.conversations_on("acme-bot", day) for day in DAYS_2025[:20]}
    read_backwards = {day: backwards.conversations_on("acme-bot", day) for day in reversed(DAYS_2025[:20])}
    assert read_forwards == read_backwards


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Cairo"])
def test_conversations_lie_in_their_local_day_and_at_both_of_its_edges(zone):
    world = build_world(SandboxAccount("a", "chatdash", zone))
    midnights = 0
    for day in DAYS_2025:
        items = world.conversations_on("a", day)
        assert {item.started_at.astimezone(ZoneInfo(zone)).date() for item in items} <= {day}
        if items:
            first, last = (items[place].started_at.astimezone(ZoneInfo(zone)) for place in (0, -1))
            midnights += f"{first:%H:%M:%S.%f}" == "00:00:00.000000"
            assert f"{last:%H:%M:%S.%f}" == "23:59:59.999000"
    busy = sum(bool(world.conversations_on("a", day)) for day in DAYS_2025)
    # Cairo's clock goes forward at midnight: that day begins at one o'clock.
    assert busy - midnights <= 1


def test_some_days_are_quiet_and_weekends_are_slower():
    world = build_world(SandboxAccount("a", "cognigy", "Europe/Berlin"))
    counts = {day: len(world.conversations_on("a", day)) for day in DAYS_2025}
    quiet = [day for day, count in counts.items() if not count]
    assert 5 <= len(quiet) <= 60
    sundays = [counts[day] for day in DAYS_2025 if day.weekday() == 6]
    tuesdays = [counts[day] for day in DAYS_2025 if day.weekday() == 1]
    assert sum(sundays) * 2 < sum(tuesdays)


def test_a_range_includes_its_start_and_excludes_its_end():
    world = build_world(SandboxAccount("a", "inkeep", "Europe/Berlin", quiet_share=0))
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2025, 3, 30, tzinfo=zone).astimezone(UTC)
    end = datetime(2025, 3, 31, tzinfo=zone).astimezone(UTC)
    assert end - start == timedelta(hours=23)
    assert list(world.conversations_between("a", start, end)) == world.conversations_on("a", date(2025, 3, 30))


def test_no_conversation_is_after_the_clock_or_before_the_start_date():
    now = datetime(2025, 6, 3, 12, tzinfo=UTC)
    account = SandboxAccount("a", "inkeep", "UTC", start_date=date(2025, 6, 2), quiet_share=0)
    world = World(3, [account], clock=lambda: now)
    assert world.conversations_on("a", date(2025, 6, 1)) == []
    assert world.conversations_on("a", date(2025, 6, 2))
    assert (
        0
        < len(world.conversations_on("a", date(2025, 6, 3)))
        < len(build_world(account).conversations_on("a", date(2025, 6, 3)))
    )
    assert world.conversations_on("a", date(2025, 6, 4)) == []


def test_conversation_ids_are_unique():
    world = build_world()
    for name in world.accounts:
        ids = [item.id for day in DAYS_2025[:60] for item in world.conversations_on(name, day)]
        assert len(ids) == len(set(ids))


def test_restatements_follow_one_another():
    world, day = build_world(), date(2025, 5, 6)
    before = {item.id: item for item in world.conversations_on("acme-docs", day)}
    world.restate("acme-docs", day, "late")
    late = {item.id: item for item in world.conversations_on("acme-docs", day)}
    assert set(before) < set(late)
    assert sum(item.user_messages for item in late.values()) > sum(item.user_messages for item in before.values())
    assert any(late[key] != before[key] for key in before)
    world.restate("acme-docs", day, "smaller")
    smaller = {item.id for item in world.conversations_on("acme-docs", day)}
    assert smaller < set(late)
    world.restate("acme-docs", day, "empty")
    assert world.conversations_on("acme-docs", day) == []
    world.restate("acme-docs", day, "late")
    assert world.conversations_on("acme-docs", day)


def test_a_restatement_changes_one_day_and_is_the_same_in_every_world():
    first, second, day = build_world(), build_world(), date(2025, 5, 6)
    neighbour = first.conversations_on("acme-voice", day + timedelta(days=1))
    first.restate("acme-voice", day, "smaller")
    second.restate("acme-voice", day, "smaller")
    assert first.conversations_on("acme-voice", day) == second.conversations_on("acme-voice", day)
    assert first.conversations_on("acme-voice", day + timedelta(days=1)) == neighbour


def test_unknown_restatement_and_provider_are_refused():
    with pytest.raises(ValueError, match="sideways"):
        build_world().restate("acme-docs", date(2025, 5, 6), "sideways")
    with pytest.raises(ValueError, match="nobody"):
        SandboxAccount("a", "nobody", "UTC")


def test_a_day_is_generated_once(monkeypatch):
    calls = []
    generate_conversations = world_module.generate_conversations

    def record_call(*args, **options):
        calls.append(args[1])
        return generate_conversations(*args, **options)

    monkeypatch.setattr(world_module, "generate_conversations", record_call)
    world = build_world()
    for _ in range(3):
        for day in DAYS_2025:
            world.conversations_on("acme-support", day)
    assert len(calls) == 365
