"""Rows of ChatCaptain's exports against the request: other days, conversations and totals that come twice."""

from datetime import date
from pathlib import Path

import pytest

from extractors.errors import ShapeError
from extractors.windows import Window
from tests.support.exported_files import AT, DAY, WINDOW, build_account, transform_file
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows

NEXT = date(2025, 3, 31)
TWO_DAYS = Window(DAY, date(2025, 4, 1))


def test_the_window_is_of_local_days_with_both_ends(tmp_path: Path) -> None:
    times = ("2025-03-29T23:00:00Z", "2025-03-30T21:59:59.999Z", "2025-03-30T23:59:59.999", "2025-03-30")
    rows = "".join(f"{name},{time}\n" for name, time in zip("abcd", times, strict=True))
    staged = transform_file(tmp_path, f"id,date\n{rows}")
    assert len(read_staged_rows(staged, "conversation")) == 4


@pytest.mark.parametrize(
    "time", ["2025-03-29T22:59:59.999Z", "2025-03-30T22:00:00Z", "2025-03-31", "2024-03-30T10:00:00Z", "1743374400"]
)
def test_a_row_of_another_day_is_refused(tmp_path: Path, time: str) -> None:
    problem = rf"line 3, started_at: is on none of the days that were requested, {DAY} to {DAY}, saw '{time}"
    with pytest.raises(ShapeError, match=problem):
        transform_file(tmp_path, f"id,date\nx,{AT}\ny,{time}\n")
    with pytest.raises(ShapeError, match=problem):
        transform_file(tmp_path / "totals", f"date,channel,conversations\n{DAY},web,3\n{time},web,4\n")


def test_days_that_a_newer_file_covers_are_left_out(tmp_path: Path) -> None:
    landings, acme = ChunkBuilder(tmp_path), build_account()
    both = f"id,date\nold,{AT}\nkept,2025-03-31T10:00:00Z\n".encode()
    landings.land(acme, "export", TWO_DAYS, FakeResponse(both))
    landings.land(acme, "export", WINDOW, FakeResponse(f"id,date\nnew,{AT}\n".encode()))
    rows = read_staged_rows(landings.transform(acme, TWO_DAYS), "conversation")
    assert sorted(row["conversation_id"] for row in rows) == ["kept", "new"]


def test_repeated_lines_count_once(tmp_path: Path) -> None:
    text = f"id,date,messages,intents\nx,{AT},3,hi\nx,{AT},3,hi\ny,{AT},1,\n"
    staged = transform_file(tmp_path, text)
    assert sorted(row["messages"] for row in read_staged_rows(staged, "conversation")) == [1, 3]
    assert len(read_staged_rows(staged, "conversation_intent")) == 1


@pytest.mark.parametrize(
    ("line", "days"),
    [(f"x,{AT},4", f"of {DAY}"), ("x,2025-03-31T10:00:00Z,3", f"of {DAY} and {NEXT}"), (f"x,{AT},", f"of {DAY}")],
)
def test_a_conversation_that_is_told_twice_is_refused(tmp_path: Path, line: str, days: str) -> None:
    text = f"id,date,messages\nx,{AT},3\nx,{AT},3\n{line}\n"
    with pytest.raises(ShapeError, match=f"conversation_id: is in two lines {days} that differ, saw 'x'") as caught:
        transform_file(tmp_path, text, TWO_DAYS)
    assert caught.value.where.batch is not None


@pytest.mark.parametrize("count", ["3", "4"])
def test_totals_that_come_twice_are_refused(tmp_path: Path, count: str) -> None:
    text = f"date,channel,conversations\n{DAY},web,3\n{DAY},email,1\n{DAY},web,{count}\n"
    with pytest.raises(ShapeError, match=f"conversations: is named twice for {DAY} and channel 'web', saw"):
        transform_file(tmp_path, text)


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("channelId,language", "7,de", "8,de"),
        ("channelId,language", "7,de", "7,en"),
        ("country,language", "DE,de", "AT,de"),
    ],
)
def test_totals_that_are_split_further_are_added(tmp_path: Path, header: str, first: str, second: str) -> None:
    text = f"date,channel,{header},conversations\n{DAY},web,{first},3\n{DAY},web,{second},3\n"
    (row,) = read_staged_rows(transform_file(tmp_path, text), "channel_daily")
    assert row["conversations"] == 6


@pytest.mark.parametrize("start", ["2025-03-30T12:00:00", "2025-03-30 12:00", "30.03.2025 12:00"])
@pytest.mark.parametrize("offset", ["+99:00", "-99", "+18:01", "+1900", "+02:60"])
def test_an_offset_beyond_eighteen_hours_is_refused(tmp_path: Path, start: str, offset: str) -> None:
    for field, row in (("started_at", f"{start}{offset},{AT}"), ("ended_at", f"{AT},{start}{offset}")):
        with pytest.raises(ShapeError, match=f"line 2, {field}: cannot be read, saw '{start}"):
            transform_file(tmp_path / field, f"id,startedAt,endedAt\nx,{row}\n")


@pytest.mark.parametrize("offset", ["+18:00", "-18", "+17:59", "-0330"])
def test_an_offset_within_eighteen_hours_is_read(tmp_path: Path, offset: str) -> None:
    staged = transform_file(tmp_path, f"id,startedAt,endedAt\nx,{AT},2025-03-30T12:00:00{offset}\n")
    assert read_staged_rows(staged, "conversation")[0]["ended_at"] is not None
