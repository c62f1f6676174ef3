"""ChatCaptain's CSV exports: every accepted form of a file, and the refused lines by number."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.errors import ShapeError
from extractors.windows import Window
from tests.support.exported_files import AT, DAY, WINDOW, build_account, read_conversation, transform_file
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.chatcaptain import export
from transforms.privacy import conceal

PRIVACY_KEY = "fake-key-of-pseudonyms"
HEADERS = ("conversationId", "CONVERSATION_ID", "Conversation Id", "conversation", "id", '"id"')
STARTS = ("startedAt", "start_time", "Created-At", "TIMESTAMP", "Date", "datum")
PAIRS = [*zip(HEADERS, STARTS, strict=True)]
OTHER_PAIRS = [pytest.param(*pair, marks=pytest.mark.long) for pair in product(HEADERS, STARTS) if pair not in PAIRS]


@pytest.mark.parametrize(("header", "start"), [*PAIRS, *OTHER_PAIRS])
def test_columns_by_name(tmp_path: Path, header: str, start: str) -> None:
    assert read_conversation(transform_file(tmp_path, f"{start},{header}\n{AT},x\n"))["conversation_id"] == "x"


DIALECTS = [*product((",", ";", "\t"), ("\n", "\r\n"), ("", "\ufeff"), (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))]
FEW_DIALECTS = [dialect for number, dialect in enumerate(DIALECTS) if number % 5 == 0]
OTHER_DIALECTS = [pytest.param(*dialect, marks=pytest.mark.long) for dialect in DIALECTS if dialect not in FEW_DIALECTS]


@pytest.mark.parametrize(("delimiter", "end", "mark", "quoting"), [*FEW_DIALECTS, *OTHER_DIALECTS])
def test_dialects(tmp_path: Path, delimiter: str, end: str, mark: str, quoting: Any) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "startedAt", "Kanal", "endReason", "transferTarget"])
    writer.writerow(["x", AT, "web", 'said "no",\r\nthen; left\tfor\ngood', "NA"])
    writer.writerow(["y", AT, "null", "", " padded "])
    rows = {
        row["conversation_id"]: row
        for row in read_staged_rows(transform_file(tmp_path, mark + text.getvalue()), "conversation")
    }
    assert rows["x"]["end_reason"] == 'said "no",\r\nthen; left\tfor\ngood'
    assert rows["x"]["transfer_target"] == "NA"
    assert rows["y"]["channel_code"] == "null"
    assert "end_reason" not in rows["y"]
    assert rows["y"]["transfer_target"] == " padded "


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="|\x00\r"), min_size=1, max_size=12)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=12), delimiter=st.sampled_from(",;\t"))
def test_names_survive_code_point_for_code_point(tmp_path_factory: Any, names: list[str], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "date", "endReason", "intents"])
    writer.writerows([str(number), AT, name, "|".join(names[number:])] for number, name in enumerate(names))
    staged = transform_file(tmp_path_factory.mktemp("names"), text.getvalue())
    reasons = {row["conversation_id"]: row["end_reason"] for row in read_staged_rows(staged, "conversation")}
    assert reasons == {str(number): name for number, name in enumerate(names)}
    hits = {
        (row["conversation_id"], row["intent"]): row["hits"] for row in read_staged_rows(staged, "conversation_intent")
    }
    assert hits == {
        (str(number), name): names[number:].count(name) for number in range(len(names)) for name in names[number:]
    }


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2025-03-30T10:00:00Z", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30 10:00:00.123456+00:00", datetime(2025, 3, 30, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2025-03-30 10:00:00 UTC", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        (" 2025-03-30T10:00:00.5 UTC ", datetime(2025, 3, 30, 10, 0, 0, 500000, tzinfo=UTC)),
        ("30.03.2025 10:00 UTC", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30 10:00:00 Z", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30T12:00:00+0200", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30T05:00:00-05", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30T12:00:00", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30 12:00", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("2025-03-30T01:59:59.999", datetime(2025, 3, 30, 0, 59, 59, 999000, tzinfo=UTC)),
        ("2025-03-30", datetime(2025, 3, 29, 23, tzinfo=UTC)),
        ("30.03.2025 12:00", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("30.03.2025", datetime(2025, 3, 29, 23, tzinfo=UTC)),
        ("1743328800", datetime(2025, 3, 30, 10, tzinfo=UTC)),
        ("1743328800000", datetime(2025, 3, 30, 10, tzinfo=UTC)),
    ],
)
def test_times(tmp_path: Path, written: str, instant: datetime) -> None:
    row = read_conversation(transform_file(tmp_path, f'id,startedAt\nx,"{written}"\n'))
    assert (row["started_at"], row["date"]) == (instant, DAY)


def test_a_time_in_an_hour_that_comes_twice_is_in_the_first(tmp_path: Path) -> None:
    window = Window.of_day(date(2025, 10, 26))
    text = (
        "id,startedAt\na,2025-10-26T02:30:00\nb,2025-10-26T02:30:00+01:00\nc,2025-10-26T03:30:00\n"
        "d,2025-10-26 01:30:00 UTC\ne,2025-10-26 01:30:00 Z\n"
    )
    hours = {
        row["conversation_id"]: row["started_at"].hour
        for row in read_staged_rows(transform_file(tmp_path, text, window), "conversation")
    }
    assert hours == {"a": 0, "b": 1, "c": 2, "d": 1, "e": 1}


@pytest.mark.parametrize(
    ("duration", "score"), [("12.5", "0.875"), ("12,5", "0,875"), (" 12,5000 ", ",875"), ("1.25e1", "8.75E-1")]
)
def test_decimal_point_or_comma(tmp_path: Path, duration: str, score: str) -> None:
    text = f"id;date;duration;score;intents;messages\nx;{AT};{duration};{score};hi;7\n"
    staged = transform_file(tmp_path, text)
    assert read_conversation(staged)["duration_seconds"] == Decimal("12.500")
    assert read_staged_rows(staged, "conversation_intent", ["score"]) == [{"score": Decimal("0.875000000")}]


@pytest.mark.parametrize("tail", ["", ".0", ",00", "e0"])
@given(numbers=st.lists(st.integers(0, 10**12), min_size=1, max_size=20))
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_counts_in_every_number_form(tmp_path_factory: Any, tail: str, numbers: list[int]) -> None:
    lines = "".join(f"{line};{AT};{number}{tail}\n" for line, number in enumerate(numbers))
    staged = transform_file(tmp_path_factory.mktemp("count"), f"id;date;messages\n{lines}")
    assert {row["conversation_id"]: row["messages"] for row in read_staged_rows(staged, "conversation")} == {
        str(line): number for line, number in enumerate(numbers)
    }


def test_empty_cells_are_unknown(tmp_path: Path) -> None:
    header = "id,date,endedAt,channelType,language,messages,userMessages,interactions,intents,score,duration,endReason"
    row = read_conversation(transform_file(tmp_path, f'{header}\nx,{AT},,"",,,,,,,,\n'))
    assert row == {
        "date": DAY,
        "conversation_id": "x",
        "started_at": datetime(2025, 3, 30, 10, tzinfo=UTC),
        "channel_code": "unknown",
        "language_code": "unknown",
    }


def test_users_are_pseudonyms_or_null(tmp_path: Path) -> None:
    text = f"id,date,contactId\nx,{AT},user-1\n"
    keyed = build_account(privacy={"key": PRIVACY_KEY})
    assert read_conversation(transform_file(tmp_path / "1", text, privacy={"key": PRIVACY_KEY}))["user_id"] == conceal(
        keyed, "user_id", "user-1"
    )
    assert "user_id" not in read_conversation(transform_file(tmp_path / "2", text))
    assert "user_id" not in read_conversation(
        transform_file(tmp_path / "3", text, privacy={"key": PRIVACY_KEY, "user_ids": "drop"})
    )


@pytest.mark.parametrize("contacts", ["aabaab", "abcdef", "aaabc "])
def test_users_that_come_often_and_once_have_their_pseudonyms(tmp_path: Path, contacts: str) -> None:
    keyed = build_account(privacy={"key": PRIVACY_KEY})
    rows = "".join(f"{number},{AT},{user.strip()}\n" for number, user in enumerate(contacts * 3))
    staged = transform_file(tmp_path, f"id,date,contactId\n{rows}", privacy={"key": PRIVACY_KEY})
    assert {row["conversation_id"]: row.get("user_id") for row in read_staged_rows(staged, "conversation")} == {
        str(number): conceal(keyed, "user_id", user.strip()) for number, user in enumerate(contacts * 3)
    }


def test_equal_cells_of_intents_are_of_one_conversation_each(tmp_path: Path) -> None:
    text = f"id,date,intents,intentScore\nx,{AT},a|b|a,0.5\ny,{AT},a|b|a,0.25\nz,{AT},a,0.5\nw,{AT},a,0.25\n"
    rows = read_staged_rows(transform_file(tmp_path, text), "conversation_intent")
    assert sorted((r["conversation_id"], r["intent"], r["hits"], r.get("score")) for r in rows) == [
        ("w", "a", 1, Decimal("0.25")),
        ("x", "a", 2, None),
        ("x", "b", 1, None),
        ("y", "a", 2, None),
        ("y", "b", 1, None),
        ("z", "a", 1, Decimal("0.5")),
    ]


def test_hits_are_times_named_and_a_score_belongs_to_one_intent(tmp_path: Path) -> None:
    text = f"id,date,intents,intentScore\nx,{AT},a|b|a,0.5\ny,{AT},a|a,0.25\nz,{AT},|b|,1\n"
    scores = [
        (r["conversation_id"], r["intent"], r["hits"], r.get("score"))
        for r in read_staged_rows(transform_file(tmp_path, text), "conversation_intent")
    ]
    assert sorted(scores, key=lambda row: row[:2]) == [
        ("x", "a", 2, None),
        ("x", "b", 1, None),
        ("y", "a", 2, Decimal("0.25")),
        ("z", "b", 1, Decimal(1)),
    ]


def test_a_header_alone_is_no_conversation(tmp_path: Path) -> None:
    for number, text in enumerate(("id,date\n", "id,date\r", "id,date\r\n\r\n")):
        staged = transform_file(tmp_path / str(number), text)
        assert [*staged.tables] == ["conversation_daily"]


def test_own_names_for_columns_and_drift(tmp_path: Path) -> None:
    text = f"Gesprächs_ID,id,wann,Text,started_at\nx,1,{AT},hello,nonsense\n"
    staged = transform_file(tmp_path, text, export_columns={"gesprächsid": "conversation_id", "WANN": "started_at"})
    assert read_conversation(staged)["conversation_id"] == "x"
    assert [(line.kind, line.name) for line in staged.drift] == [
        ("unknown column", name) for name in ("Text", "id", "started_at")
    ]


def test_a_file_whose_end_nothing_marked_is_loaded_and_remarked_on_every_day(tmp_path: Path) -> None:
    window, text = Window(DAY, date(2025, 4, 1)), f"id,startedAt\nx,{AT}\n"
    staged = transform_file(tmp_path / "unmarked", text, window, context={"is_end_confirmed": False})
    assert read_conversation(staged)["conversation_id"] == "x"
    assert [(line.date, line.kind, line.name) for line in staged.drift] == [
        (day, "unconfirmed", "end of the file (no length came with it; it came twice alike)") for day in window.days()
    ]
    for number, context in enumerate(({}, {"is_end_confirmed": True})):
        assert transform_file(tmp_path / str(number), text, window, context=context).drift == ()


def test_unknown_channels_are_recorded_on_their_day(tmp_path: Path) -> None:
    window = Window(DAY, date(2025, 4, 2))
    text = f"id,startedAt,channel\nx,{AT},qx-new\ny,2025-04-01T10:00:00Z,web\nz,2025-04-01T10:00:00Z,qx-new\n"
    drift = transform_file(tmp_path, text, window).drift
    assert [(entry.date, entry.stream, entry.kind, entry.name) for entry in drift] == [
        (day, "export", "unknown channel", "qx-new") for day in (DAY, date(2025, 4, 1))
    ]


def test_types_are_looked_up_for_a_file_with_channel_ids_only(tmp_path: Path) -> None:
    landings, acme = ChunkBuilder(tmp_path), build_account(streams=["channel_report", "export"])
    context = {"channel_id": "7", "channel_type": "voice"}
    landings.land(acme, "channel_report", WINDOW, FakeResponse({"1": 0}, context=context))
    landings.land(acme, "export", WINDOW, FakeResponse(f"id,date,channelId\nx,{AT},7\ny,{AT},8\n".encode()))
    rows = read_staged_rows(landings.transform(acme, WINDOW), "conversation", ["conversation_id", "channel_code"])
    assert {row["conversation_id"]: row["channel_code"] for row in rows} == {"x": "voice", "y": "unknown"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"id,date,messages\nx,{AT},1\ny,{AT}\n", "line 3: has 2 cells, the header 3"),
        (f"id,date,messages\nx,{AT},1\ny,{AT},1,1\n", "line 3: has 4 cells, the header 3"),
        (f'id,date,endReason\nx,{AT},"a\nb"\n\ny,{AT}\n', "line 5: has 2 cells, the header 3"),
        (f'id,date,endReason\nx,{AT},"open\ny,{AT},b\n', "line 2"),
        (f"id,date,messages\nx,{AT},1\ny,{AT},1.5\n", "line 3, messages: cannot be read, saw '1.5'"),
        (f'id,date,endReason,score\nx,{AT},"a\nb",1\ny,{AT},,high\n', "line 4, intent_score: cannot be read"),
        (f"id,date,messages\nx,{AT},99999999999999999999\n", "line 2, messages: cannot be read"),
        (f"id,date,duration\nx,{AT},NaN\n", "line 2, duration_seconds: cannot be read"),
        ("id,date\nx,yesterday\n", "line 2, started_at: cannot be read, saw 'yesterday'"),
        ("id,date\nx,2025-02-30\n", "line 2, started_at: cannot be read"),
        ("id,date\nx,20250330\n", "line 2, started_at: cannot be read"),
        ("id,date\nx,03/04/2025\n", "line 2, started_at: cannot be read"),
        ("id,date\nx,2025-03-30 UTC\n", "line 2, started_at: cannot be read"),
        ("id,date\nx,infinity\n", "line 2, started_at: cannot be read"),
        (f"id,date\n\n,{AT}\n", "line 3, conversation_id: is empty"),
        ("id,date\nx,\n", "line 2, started_at: is empty"),
        (f"id,date,ID\nx,{AT},y\n", "header: names the column 'id' twice"),
        ("id,messages\nx,1\n", "header: has no column for started_at"),
        (f"date,conversations\n{AT},1\n", "header: has no column for channel_type"),
        ("a,b\n1,2\n", "header: has no column for"),
        (b"id,date,endReason\nx,2025-03-30,\xff\n", "UTF-8"),
    ],
)  # fmt: skip
def test_refused_files_name_the_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        transform_file(tmp_path, text)


def test_a_damaged_landing_is_refused(tmp_path: Path) -> None:
    landings, acme = ChunkBuilder(tmp_path), build_account()
    landings.land(acme, "export", WINDOW, FakeResponse(f"id,date\nx,{AT}\n".encode()))
    (landed,) = tmp_path.rglob("*.zst")
    landings.land(
        acme, "export", Window(date(2025, 4, 1), date(2025, 4, 2)), FakeResponse(f"id,date\ny,{AT}\n".encode())
    )
    (other,) = set(tmp_path.rglob("*.zst")) - {landed}
    landed.write_bytes(other.read_bytes())
    with pytest.raises(ShapeError, match="damaged"):
        landings.transform(acme, WINDOW)


@pytest.mark.parametrize("channel", ["Kanal", "channel"])
def test_totals_are_compared_and_fill_no_conversation(tmp_path: Path, channel: str) -> None:
    lines = ("2025-03-30;web;3;7", "2025-03-30;debug;2;9", "2025-03-30;;1;0")
    text = "\n".join([f"Datum;{channel};Gespräche;Nachrichten", *lines, ""])
    landings, acme = ChunkBuilder(tmp_path), build_account(streams=["overview_report", "export"])
    landings.land(acme, "overview_report", WINDOW, FakeResponse({"1": 4, "7": 8}))
    landings.land(acme, "export", WINDOW, FakeResponse(text.encode()))
    staged = landings.transform(acme, WINDOW)
    assert {(r.measure, r.reported, r.loaded, r.verdict) for r in staged.reconciliations} == {
        ("conversations", 4, 4, "ok"),
        ("messages", 8, 7, "unexplained"),
    }
    assert [*staged.tables] == ["conversation_daily"]
    alone = transform_file(tmp_path / "alone", text)
    conversations = {row["channel_code"]: row["conversations"] for row in read_staged_rows(alone, "channel_daily")}
    assert conversations == {"web": 3, "debug": 2, "unknown": 1}


@pytest.mark.long
def test_many_rows_go_through_in_bounded_memory(tmp_path: Path) -> None:
    line = "c{0},2025-03-30T{1:02d}:00:00Z,web,a|b|a,{2},user-{0}\n"
    text = "id,date,channel,intents,messages,userId\n" + "".join(line.format(n, n % 20, n % 7) for n in range(200_000))
    staged = transform_file(tmp_path, text, privacy={"key": PRIVACY_KEY})
    file = staged.tables["conversation"]
    assert isinstance(file, Path)
    assert file.stat().st_size > 0
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "conversation.parquet",
        "conversation_intent.parquet",
    ]


def test_millions_of_rows_with_the_same_cell_are_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MEMORY_LIMIT", "60MB")
    chunk: Any = SimpleNamespace(scratch_folder=tmp_path, zone=ZoneInfo("UTC"))
    days = ", ".join(f"DATE '2025-03-{day:02}'" for day in range(1, 32))
    rows = "SELECT DATE '2025-03-01' + CAST(n % 31 AS INTEGER) AS date, 'conversation ' || n AS conversation_id"
    rows = f"{rows}, 'order|status' AS intents FROM range(2_000_000) AS r(n)"
    with export._open_engine(chunk) as engine:
        engine.execute(f"COPY ({rows}) TO '{tmp_path}/typed' ({export.PARQUET_OPTIONS})")
        engine.execute(f"CREATE VIEW kept AS SELECT * FROM read_parquet('{tmp_path}/typed') WHERE date IN ({days})")
        split = export._split_intents(engine, "kept")
        query = f"SELECT date, conversation_id, intent, len(names), intent_count FROM {split}"
        engine.execute(f"COPY ({query}) TO '{tmp_path}/split' ({export.PARQUET_OPTIONS})")
        assert engine.execute(f"SELECT count(*) FROM read_parquet('{tmp_path}/split')").fetchone() == (4_000_000,)


def test_conversation_ids_and_transfer_targets_are_hashed_on_request(tmp_path: Path) -> None:
    text = f"id,date,transferTarget,intents\nx,{AT},+49 30 123,a|b\ny,{AT},,a\n"
    privacy = {"key": PRIVACY_KEY, "conversation_ids": "hash", "transfer_targets": "hash"}
    keyed = build_account(privacy=privacy)
    staged = transform_file(tmp_path, text, privacy=privacy)
    first, second = (conceal(keyed, "conversation_id", text) for text in "xy")
    assert {row["conversation_id"]: row.get("transfer_target") for row in read_staged_rows(staged, "conversation")} == {
        first: conceal(keyed, "transfer_target", "+49 30 123"),
        second: None,
    }
    hits = {(row["conversation_id"], row["intent"]) for row in read_staged_rows(staged, "conversation_intent")}
    assert hits == {(first, "a"), (first, "b"), (second, "a")}
