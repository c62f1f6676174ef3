"""Inkeep's conversations are read whole although answers are cut off, and its totals by local day."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import sandbox.inkeep.api as vendor
from extractors.errors import ExtractionError
from extractors.inkeep.account import InkeepAccount
from extractors.inkeep.query import FIELDS
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from tests.support.instants import ChangingWorld, build_conversations
from tests.support.pull_account import pull_account

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
SECOND = 1_000_000
NAME = "docs"


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    with Sandbox(ChangingWorld(SandboxAccount(NAME, "inkeep", "UTC"))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    return reset_sandbox(module_sandbox)


def reset_sandbox(sandbox: Sandbox) -> Sandbox:
    sandbox.request_log.clear()
    sandbox.shapes.__dict__.update(ResponseShapes().__dict__)
    get_world(sandbox).before_read = None
    get_world(sandbox).timed_conversations = build_conversations(DAY, *range(0, 86_400 * SECOND, 7200 * SECOND))  # 12
    get_world(sandbox).read_count = 0
    return sandbox


def get_world(sandbox: Sandbox) -> ChangingWorld:
    assert isinstance(sandbox.world, ChangingWorld)
    return sandbox.world


def build_account(sandbox: Sandbox, **settings: Any) -> InkeepAccount:
    key = sandbox.world.accounts[NAME].credential
    values = {"name": NAME, "base_url": sandbox.base_url("inkeep"), "api_key": key, **settings}
    return InkeepAccount.model_validate(values)


def load(
    sandbox: Sandbox, root: Path, window: Window = WINDOW, stream: str = "conversations", **settings: Any
) -> list[ExtractionError]:
    return pull_account(build_account(sandbox, streams=[stream], **settings), window, root)


def list_batches(root: Path, stream: str = "conversations") -> list[Batch]:
    return sorted(LandingZone(root / "landing").list_batches("inkeep", NAME, stream), key=lambda batch: batch.window)


def list_landed_ids(root: Path) -> list[str]:
    """The ids of all landed rows, as often as they are there."""
    (batch,) = list_batches(root)
    return [row["id"] for _, body in batch.iter_bodies() for row in json.loads(body)["data"]["result"]]


def read_bodies(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [json.loads(record.body) for record in sandbox.requests]


def read_conditions(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [tuple(item["condition"].values()) for item in body["where"]["and"]]


def test_rows_of_a_month_are_one_question_when_nothing_is_cut_off(sandbox: Sandbox, tmp_path: Path) -> None:
    window = Window(date(2025, 3, 20), date(2025, 4, 3))
    assert load(sandbox, tmp_path, window, timezone="Europe/Berlin") == []
    march, april = sorted(read_bodies(sandbox), key=lambda body: str(read_conditions(body)))
    assert read_conditions(march) == [
        ("firstMessageTime", "gte", "2025-03-19T23:00:00.000Z"),
        ("firstMessageTime", "lt", "2025-03-31T22:00:00.000Z"),
    ]
    assert read_conditions(april)[1] == ("firstMessageTime", "lt", "2025-04-02T22:00:00.000Z")
    assert march["select"] == [{"type": "field", "field": name} for name in FIELDS]
    assert [order["field"] for order in march["orderBy"]] == ["firstMessageTime", "id"]
    assert [batch.manifest["facts"] for batch in list_batches(tmp_path)] == [
        {"total": 12, "rows": 12, "answers": 1},
        {"total": 0, "rows": 0, "answers": 1},
    ]


def test_a_window_that_is_cut_off_is_halved(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.shapes.inkeep_page_size = 5
    assert load(sandbox, tmp_path) == []
    assert sorted(list_landed_ids(tmp_path)) == sorted(moment.id for moment in get_world(sandbox).timed_conversations)
    (batch,) = list_batches(tmp_path)
    assert batch.manifest["facts"] == {"total": 12, "rows": 12, "answers": 4}
    starts = [part.request["body"]["where"]["and"][0]["condition"]["value"] for part in batch.parts]
    assert starts == [f"2025-03-30T{hour:02d}:00:00.000Z" for hour in (0, 6, 12, 18)]


def test_microseconds_of_one_instant_are_read_on_by_id_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    inside = build_conversations(DAY, *range(5 * SECOND, 5 * SECOND + 1000, 100))  # ids run against time
    get_world(sandbox).timed_conversations = inside
    sandbox.shapes.inkeep_page_size = 3
    assert load(sandbox, tmp_path) == []
    assert sorted(list_landed_ids(tmp_path)) == [moment.id for moment in inside]
    last = read_bodies(sandbox)[-1]
    assert [order["field"] for order in last["orderBy"]] == ["id"]
    assert read_conditions(last)[-1] == ("id", "gt", "c00008")


@settings(max_examples=12, deadline=None)
@given(
    points=st.lists(
        st.one_of(
            st.integers(0, 86_400 * SECOND - 1),
            st.integers(12 * 3600 * SECOND - 1500, 12 * 3600 * SECOND + 1500),  # around where the day is halved
        ),
        max_size=25,
    ),
    size=st.integers(1, 6),
)
def test_no_row_is_lost_or_doubled(module_sandbox: Sandbox, points: list[int], size: int) -> None:
    sandbox = reset_sandbox(module_sandbox)
    get_world(sandbox).timed_conversations = build_conversations(DAY, *points)
    sandbox.shapes.inkeep_page_size = size
    with TemporaryDirectory() as folder:
        assert load(sandbox, Path(folder)) == []
        assert sorted(list_landed_ids(Path(folder))) == [moment.id for moment in get_world(sandbox).timed_conversations]


def test_rows_that_come_while_they_are_read_are_looked_for_again(sandbox: Sandbox, tmp_path: Path) -> None:
    before, after = build_conversations(DAY, *range(8)), build_conversations(DAY, *range(9))
    get_world(sandbox).before_read = lambda reading: before if reading < 2 else after
    sandbox.shapes.inkeep_page_size = 5
    assert load(sandbox, tmp_path) == []
    assert len(set(list_landed_ids(tmp_path))) == len(list_landed_ids(tmp_path)) == 9
    assert list_batches(tmp_path)[0].manifest["facts"]["total"] == 9


def test_rows_that_never_stand_still_are_an_error_and_land_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    get_world(sandbox).before_read = lambda reading: build_conversations(DAY, *range(10 + reading))
    sandbox.shapes.inkeep_page_size = 5
    (error,) = load(sandbox, tmp_path)
    assert type(error).__name__ == "Transient"
    assert "its parts hold" in str(error)
    assert list_batches(tmp_path) == []
    assert get_world(sandbox).read_count < 20


def answer(**data: Any) -> dict[str, Any]:
    row = {"id": "a", "firstMessageTime": "2025-03-30T01:00:00.000Z"}
    return {"status": "ok", "data": {"result": [row], "total": 1, "pageSize": 100, "count": 1, **data}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "$"),
        ({"status": "partial", "data": {}}, "$.status"),
        ({"status": "ok"}, "$.data"),
        ({"status": "ok", "data": None}, "$.data"),
        (answer(error="timeout", result=None), "$.data: is no data; the provider says: timeout"),
        (answer(result={}), "$.data.result"),
        (answer(result=["a"]), "$.data.result[0]"),
        (answer(total=None), "$.data.total"),
        (answer(total="many"), "$.data.total"),
        (answer(total=True), "$.data.total"),
        (answer(total=1.5), "$.data.total"),
        (answer(total=0), "$.data.total"),
        (answer(result=[], count=0, total=7), "$.data.total"),
        (answer(count=2), "$.data.count"),
        (answer(total="1_0"), "$.data.total"),
        (answer(result=[{"id": 7}, {"id": "7"}], total=2, count=2), "$.data.result[1].id: comes a second time"),
        (answer(result=[{}]), "$.data.result[0].id: is no id"),
        (answer(count=None), "$.data.count"),
    ],
)
def test_other_shapes_are_landed_and_named(sandbox: Sandbox, tmp_path: Path, body: Any, field: str) -> None:
    sandbox.plan_faults(Fault(status=200, body=json.dumps(body)))
    (error,) = load(sandbox, tmp_path)
    assert f"field {field}" in str(error)
    (batch,) = list_batches(tmp_path)
    assert not batch.is_complete
    assert [json.loads(landed_body) for _, landed_body in batch.iter_bodies()] == [body]


@pytest.mark.parametrize("number", [1, 1.0, "1"])
def test_numbers_in_every_form(sandbox: Sandbox, tmp_path: Path, number: Any) -> None:
    sandbox.plan_faults(Fault(status=200, body=json.dumps(answer(total=number, count=number))))
    assert load(sandbox, tmp_path) == []
    assert list_batches(tmp_path)[0].manifest["facts"] == {"total": 1, "rows": 1, "answers": 1}


def test_filters_that_do_not_filter_come_to_an_end(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plan_faults(Fault(status=200, body=json.dumps(answer(total=3)), times=1000))
    (error,) = load(sandbox, tmp_path)
    assert "3 conversations are reported" in str(error)
    assert len(sandbox.requests) < 20


def test_rows_that_come_twice_in_two_halves_are_read_again_and_then_an_error(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def repeat_a_row(query: Any, read: Any, form: str) -> Any:
        limits = [item["condition"] for item in query["where"]["and"]]
        values = [limit["value"] for limit in limits]
        everything = {"and": [{"condition": {**limit, "value": at}} for limit, at in zip(limits, day, strict=True)]}
        rows = original({**query, "where": everything}, read, form)
        # the third conversation is in both halves, the sixth in none
        return rows if values == day else rows[:3] if values[0] == day[0] else rows[2:5]

    day = ["2025-03-30T00:00:00.000Z", "2025-03-31T00:00:00.000Z"]
    get_world(sandbox).timed_conversations = build_conversations(DAY, *range(0, 86_400 * SECOND, 4 * 3600 * SECOND))
    original = vendor.run_query
    monkeypatch.setattr(vendor, "run_query", repeat_a_row)
    sandbox.shapes.inkeep_page_size = 5
    (error,) = load(sandbox, tmp_path)
    assert str(error).startswith(
        "docs (inkeep.conversations): 6 conversations are reported for 2025-03-30T00:00:00.000Z to "
        "2025-03-31T00:00:00.000Z, but its parts hold 5 different ones; they are being changed; run"
    )
    assert len(sandbox.requests) == 9
    assert list_batches(tmp_path) == []


def test_ids_that_are_ever_new_are_followed_to_the_announced_total_only(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invent_ids(query: Any, read: Any, form: str) -> Any:
        rows = original(query, read, form)
        return [{**row, "id": f"{len(sandbox.requests):04d}-{index}"} for index, row in enumerate(rows)]

    original = vendor.run_query
    monkeypatch.setattr(vendor, "run_query", invent_ids)
    get_world(sandbox).timed_conversations = build_conversations(DAY, 7, 7, 7, 7)
    sandbox.shapes.inkeep_page_size = 2
    (error,) = load(sandbox, tmp_path)
    assert "4 conversations are reported" in str(error)
    assert len(sandbox.requests) < 100


def test_ids_that_do_not_go_on_are_an_error(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ignore_ids(query: Any, read: Any, form: str) -> Any:
        conditions = [item for item in query["where"]["and"] if item["condition"]["field"] != "id"]
        return original({**query, "where": {"and": conditions}}, read, form)

    original = vendor.run_query
    monkeypatch.setattr(vendor, "run_query", ignore_ids)
    get_world(sandbox).timed_conversations = build_conversations(DAY, 7, 7, 7, 7)
    sandbox.shapes.inkeep_page_size = 2
    (error,) = load(sandbox, tmp_path)
    assert "does not go on after the id" in str(error)


def test_totals_of_a_utc_month_are_one_question(sandbox: Sandbox, tmp_path: Path) -> None:
    assert load(sandbox, tmp_path, Window(date(2025, 3, 2), date(2025, 4, 2)), "conversation_totals") == []
    kinds = [[item["type"] for item in body["select"]] for body in read_bodies(sandbox)]
    assert sorted(kinds) == [["aggregation"] * 3, ["time", *["aggregation"] * 3]]
    march, april = list_batches(tmp_path, "conversation_totals")
    assert march.parts[0].context == {"days": "2025-03-02_2025-04-01", "by_day": True}
    assert april.parts[0].context == {"days": "2025-04-01_2025-04-02", "by_day": False}


def test_totals_of_another_zone_are_asked_by_local_day(sandbox: Sandbox, tmp_path: Path) -> None:
    window = Window(DAY, DAY + timedelta(days=2))
    assert load(sandbox, tmp_path, window, "conversation_totals", timezone="Europe/Berlin") == []
    assert sorted([item[2] for item in read_conditions(body)] for body in read_bodies(sandbox)) == [
        ["2025-03-29T23:00:00.000Z", "2025-03-30T22:00:00.000Z"],
        ["2025-03-30T22:00:00.000Z", "2025-03-31T22:00:00.000Z"],
    ]
    assert [len(batch.parts) for batch in list_batches(tmp_path, "conversation_totals")] == [1, 1]


def test_buckets_that_are_cut_off_are_asked_in_halves(sandbox: Sandbox, tmp_path: Path) -> None:
    get_world(sandbox).timed_conversations = build_conversations(
        DAY, *(number * 86_400 * SECOND for number in range(-20, 1))
    )
    sandbox.shapes.inkeep_page_size = 6
    assert load(sandbox, tmp_path, Window(date(2025, 3, 10), date(2025, 3, 31)), "conversation_totals") == []
    (batch,) = list_batches(tmp_path, "conversation_totals")
    windows = [Window.parse(part.context["days"]) for part in batch.parts]
    assert [day for window in windows for day in window.days()] == list(batch.window.days())
    assert all(json.loads(body)["data"]["total"] <= 6 for _, body in batch.iter_bodies())


def test_refused_buckets_fall_back_to_single_days_for_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plan_faults(Fault(status=400, body='{"title": "Bad Request", "detail": "time needs groupBy"}'))
    assert load(sandbox, tmp_path, Window(date(2025, 3, 28), date(2025, 4, 1)), "conversation_totals") == []
    assert [body["select"][0]["type"] for body in read_bodies(sandbox)] == ["time", *["aggregation"] * 4]
    (batch,) = list_batches(tmp_path, "conversation_totals")
    assert [part.context["by_day"] for part in batch.parts] == [False] * 4


def test_a_refused_question_keeps_the_provider_s_words(sandbox: Sandbox, tmp_path: Path) -> None:
    problem = {"title": "Bad Request", "status": 400, "detail": "unknown field", "code": "bad_request"}
    sandbox.plan_faults(
        Fault(status=400, body=json.dumps(problem), headers={"content-type": "application/problem+json"})
    )
    (error,) = load(sandbox, tmp_path)
    assert "unknown field" in str(error)


def test_the_account() -> None:
    account = InkeepAccount(name="a", api_key="fake-key")
    assert account.base_url == "https://api.analytics.inkeep.com"
    assert account.external_id == "default"
    assert account.credential().headers == {"Authorization": "Bearer fake-key"}
    assert account.enabled_streams == ("conversations", "conversation_totals")
    assert InkeepAccount(name="a", api_key="fake-key", detail=False).enabled_streams == ("conversation_totals",)
    with pytest.raises(ValidationError, match="leave `conversations` out"):
        InkeepAccount(name="a", api_key="fake-key", detail=False, streams=["conversations"])
