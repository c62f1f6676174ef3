"""The pages of intents and events: lists that move while they are read, and cursors that lead to no end."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ExtractionError, ShapeError
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.chatlayer import NAME, build_sandbox, configure_account
from tests.support.pull_account import pull_account

DAY = Window.of_day(date(2025, 10, 26))


@pytest.fixture
def utc() -> Iterator[Sandbox]:
    with build_sandbox() as sandbox:
        yield sandbox


def build_page(*names: str, cursor: str = "", **pagination: Any) -> dict[str, Any]:
    """Return a page of intents; with a cursor it announces more."""
    more = {"has_more": True, "end_cursor": cursor} if cursor else {}
    return {"data": [{"intent_id": name, "count": 1} for name in names], "pagination": {**more, **pagination}}


def build_events(*names: str, token: str = "") -> dict[str, Any]:
    return {"events": [{"id": name, "conversation_id": name} for name in names], "next_page_token": token}


def pull_pages(
    sandbox: Sandbox, root: Path, pages: Sequence[dict[str, Any]], stream: str = "intents"
) -> list[ExtractionError]:
    """Pull a day of a stream whose requests get these pages, one after the other."""
    path = "/intents" if stream == "intents" else "/events/stream"
    sandbox.plan_faults(*(Fault(path=path, status=200, body=json.dumps(page)) for page in pages))
    return pull_account(configure_account(sandbox, streams=[stream]), DAY, root)


def read_batch(root: Path, stream: str = "intents") -> Batch:
    (batch,) = LandingZone(root / "landing").list_batches("chatlayer", NAME, stream)
    return batch


def read_bodies(root: Path, stream: str = "intents") -> list[Any]:
    return [json.loads(body) for _, body in read_batch(root, stream).iter_bodies()]


def test_an_intent_that_moved_between_pages_is_read_a_second_time(utc: Sandbox, tmp_path: Path) -> None:
    moved = [build_page("a", "b", cursor="1"), build_page("b", "c")]
    settled = [build_page("b", "a", cursor="1"), build_page("c", "d")]
    assert pull_pages(utc, tmp_path, [*moved, *settled]) == []
    assert read_bodies(tmp_path) == settled
    assert read_batch(tmp_path).is_complete
    assert len(utc.requests) == 4


@pytest.mark.parametrize(
    "pages",
    [
        [build_page("a", "b", cursor="1"), build_page("b", "c")],
        [build_page("a", "b", cursor="1"), build_page("a", "b")],
        [build_page("a", "a")],
    ],
)
def test_an_intent_that_moves_again_is_refused_by_name(
    utc: Sandbox, tmp_path: Path, pages: list[dict[str, Any]]
) -> None:
    (error,) = pull_pages(utc, tmp_path, [*pages, *pages])
    assert isinstance(error, ShapeError)
    assert str(error).startswith(
        f"{NAME} (chatlayer.intents): field $.data[].intent_id: comes twice in the pages of a day, also when they are "
        "read a second time, saw '"
    )
    assert read_bodies(tmp_path) == pages
    assert not read_batch(tmp_path).is_complete


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        ([build_page("a", cursor="1"), build_page(cursor="2")], "stands on a page that brings nothing new, saw '2'"),
        ([build_page(cursor="1")], "stands on a page that brings nothing new, saw '1'"),
        (
            [build_page("a", "b", cursor="1", total=3), build_page("c", cursor="2", total=3)],
            "leads beyond the announced total of 3, saw '2'",
        ),
        ([build_page("a", cursor="1"), build_page("b", cursor="1")], "leads to no end, saw '1'"),
    ],
)
def test_a_cursor_that_leads_nowhere_is_refused(
    utc: Sandbox, tmp_path: Path, pages: list[dict[str, Any]], problem: str
) -> None:
    (error,) = pull_pages(utc, tmp_path, pages)
    assert str(error).startswith(f"{NAME} (chatlayer.intents): field the cursor for after: {problem}")
    assert read_bodies(tmp_path) == pages
    assert not read_batch(tmp_path).is_complete
    assert len(utc.requests) == len(pages)


def test_an_ever_new_cursor_ends_with_the_first_page_that_repeats(utc: Sandbox, tmp_path: Path) -> None:
    pages = [build_page("a", "b", cursor=str(number)) for number in range(20)]
    (error,) = pull_pages(utc, tmp_path, pages)
    assert "the cursor for after: stands on a page that brings nothing new" in str(error)
    assert len(utc.requests) == 4  # two pages, read twice


def test_an_ever_new_token_of_events_ends(utc: Sandbox, tmp_path: Path) -> None:
    pages = [build_events("a", "b", token=f"t{number}") for number in range(1, 20)]
    (error,) = pull_pages(utc, tmp_path, pages, "events")
    assert str(error).startswith(
        f"{NAME} (chatlayer.events): field the cursor for page_token: stands on a page that brings nothing new"
    )
    assert len(utc.requests) == 2
    assert not read_batch(tmp_path, "events").is_complete


def test_some_pages_without_events_are_followed_and_not_for_ever(utc: Sandbox, tmp_path: Path) -> None:
    empty = [build_events(token=f"t{number}") for number in range(1, 11)]
    assert pull_pages(utc, tmp_path / "some", [*empty, build_events("a")], "events") == []
    assert len(utc.requests) == 11
    more = [build_events(token=f"t{number}") for number in range(1, 20)]
    (error,) = pull_pages(utc, tmp_path / "many", more, "events")
    assert "the cursor for page_token: stands on a page that brings nothing new, saw 't11'" in str(error)
    assert len(utc.requests) == 11 + 11


def test_a_key_that_stands_twice_is_refused(utc: Sandbox, tmp_path: Path) -> None:
    body = '{"data": [{"intent_id": "a", "count": 5, "count": 7}]}'
    utc.plan_faults(Fault(path="/intents", status=200, body=body))
    (error,) = pull_account(configure_account(utc, streams=["intents"]), DAY, tmp_path)
    assert isinstance(error, ShapeError)
    assert str(error).startswith(f"{NAME} (chatlayer.intents): field count: stands twice in one object, saw [5, 7]")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"data": {}, "error": {"message": "shard 3 is down"}}', "shard 3 is down"),
        ('{"data": [], "errors": [{"message": "shard 3 is down"}]}', "shard 3 is down"),
        ('{"code": 13, "message": "internal", "details": []}', "internal (code 13)"),
    ],
)
@pytest.mark.parametrize("stream", ["conversations", "insights", "intents", "events"])
def test_a_failure_inside_a_200_is_refused(utc: Sandbox, tmp_path: Path, stream: str, body: str, words: str) -> None:
    utc.plan_faults(Fault(status=200, body=body, times=10))
    error, *_ = pull_account(configure_account(utc, streams=[stream]), DAY, tmp_path)
    assert str(error).startswith(f"{NAME} (chatlayer.{stream}): HTTP 200, but the provider says: {words}")
    assert LandingZone(tmp_path / "landing").list_batches("chatlayer", NAME, stream) == []
