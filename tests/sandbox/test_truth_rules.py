"""The truth's rules on a few conversations written by hand, with the rows that they must give."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox import world as world_module
from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.shapes import ResponseShapes
from sandbox.truth import compute_truth
from sandbox.truth_rules import conform_language_tag
from sandbox.vendors import VENDOR_NAMES
from sandbox.world import World

DAY = date(2025, 3, 30)
AT = datetime(2025, 3, 29, 23, tzinfo=UTC)
PLAIN = Conversation("c1", AT, AT + timedelta(seconds=90), messages=5, user_messages=2, interactions=3, user="u")


@pytest.fixture
def compute_rows(monkeypatch):
    """A function that returns the rows of a view over conversations written by hand."""

    def compute(provider, view, *items, account=None, **more):
        account = account or SandboxAccount("a", provider, "Europe/Berlin")
        monkeypatch.setattr(world_module, "generate_conversations", lambda *_args, **_more: list(items))
        rows = compute_truth(World(1, [account]), account.name, view, [DAY], **more)
        return [
            {name: value for name, value in row.items() if name not in ("date", "provider", "account")} for row in rows
        ]

    return compute


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("DE", "de"),
        ("pt-br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("en-US", "en-US"),
        ("", "unknown"),
        ("es-419", "es-419"),
    ],
)
def test_language_tags_are_canonical(code, tag):
    assert conform_language_tag(code) == tag


def test_members_that_conform_to_one_key_are_added_up(compute_rows):
    items = [
        replace(PLAIN, id=str(n), channel="web", language=code) for n, code in enumerate(("DE", "de", "pt-br", ""))
    ]
    assert compute_rows("chatcaptain", "language_daily", *items) == [
        {"language_code": "de", "language": "de", "conversations": 2},
        {"language_code": "pt-BR", "language": "pt", "conversations": 1},
        {"language_code": "unknown", "language": "unknown", "conversations": 1},
    ]


def test_names_are_kept_code_point_for_code_point(compute_rows):
    names = ("caf\u00e9", "cafe\u0301", "null", "NA", " x ")
    items = [replace(PLAIN, id=name, channel="web", intents=(name,)) for name in names]
    assert {row["intent"] for row in compute_rows("chatcaptain", "intent_daily", *items)} == set(names)


def test_units_and_the_residual(compute_rows):
    items = (replace(PLAIN, channel="webchat2", billable_units=2), replace(PLAIN, id="c2", billable_units=3))
    (row,) = compute_rows("cognigy", "conversation_daily", *items)
    assert (row["conversations"], row["messages"], row["call_duration_seconds"]) == (5, None, None)
    split = {row["channel_code"]: row["conversations"] for row in compute_rows("cognigy", "channel_daily", *items)}
    assert split == {"webchat2": 2, "unknown": 3}


def test_a_score_belongs_to_a_single_intent(compute_rows):
    alone = replace(PLAIN, channel="web", intents=("a",), intent_score=Decimal("0.5"))
    several = replace(PLAIN, id="c2", channel="web", intents=("a", "b", "a"), intent_score=Decimal("0.7"))
    assert compute_rows("chatcaptain", "conversation_intent", alone, several) == [
        {"conversation_id": "c1", "intent": "a", "hits": 1, "score": Decimal("0.5")},
        {"conversation_id": "c2", "intent": "a", "hits": 2, "score": None},
        {"conversation_id": "c2", "intent": "b", "hits": 1, "score": None},
    ]


@pytest.mark.parametrize(("totals_count_tests", "total"), [(False, 1), (True, 2)])
def test_test_traffic_is_a_channel_and_in_no_total_unless_the_shape_says_so(compute_rows, totals_count_tests, total):
    items = (replace(PLAIN, channel="web", channel_id="ch-web-1"), replace(PLAIN, id="c2", channel="debug"))
    shapes = ResponseShapes(totals_count_tests=totals_count_tests)
    (row,) = compute_rows("chatcaptain", "conversation_daily", *items, shapes=shapes)
    assert row["conversations"] == total
    channels = {row["channel_code"]: row for row in compute_rows("chatcaptain", "channel_daily", *items, shapes=shapes)}
    assert {code: (channel["conversations"], channel["is_test"]) for code, channel in channels.items()} == {
        "web": (1, False),
        "debug": (1, True),
    }
    assert channels["web"]["call_duration_seconds"] is None


def test_types_that_are_not_listed_have_no_messages(compute_rows):
    (row,) = compute_rows("chatcaptain", "channel_daily", replace(PLAIN, channel="telegram", channel_id="gone"))
    assert (row["conversations"], row["messages"], row["interactions"]) == (1, None, None)


def test_one_person_as_number_and_as_text_is_one_user(compute_rows):
    items = [replace(PLAIN, id=str(n), user=user) for n, user in enumerate((7, "7", None, "8"))]
    (row,) = compute_rows("inkeep", "conversation_daily", *items)
    assert (row["conversations"], row["user_messages"], row["unique_users"]) == (4, 8, 2)
    assert row["messages"] is None
    types = compute_rows("inkeep", "type_daily", *items, replace(PLAIN, id="9", type="openai"))
    assert types == [{"type": "unknown", "conversations": 4}, {"type": "openai", "conversations": 1}]


def test_distinct_users_of_a_zone_are_unknown_at_chatlayer(compute_rows):
    (row,) = compute_rows("chatlayer", "conversation_daily", PLAIN, replace(PLAIN, id="c2", version="DRAFT"))
    assert (row["conversations"], row["messages"], row["unique_users"]) == (1, 5, None)
    utc = SandboxAccount("a", "chatlayer", "UTC")
    (row,) = compute_rows("chatlayer", "conversation_daily", PLAIN, replace(PLAIN, id="c2"), account=utc)
    assert row["unique_users"] == 1


def test_only_calls_have_an_end_reason_and_an_empty_one_is_unknown(compute_rows):
    call = replace(PLAIN, is_call=True, call_ms=61_234, end_reason="")
    assert compute_rows("chatdash", "end_reason_daily", call, replace(PLAIN, id="c2", end_reason="x")) == [
        {"end_reason": "unknown", "conversations": 1}
    ]
    (row,) = compute_rows("chatdash", "conversation_daily", call)
    assert row["call_duration_seconds"] == Decimal("61.234")


def test_countries_are_upper_case_and_no_address_is_no_country(compute_rows):
    items = [replace(PLAIN, id=str(n), country=code) for n, code in enumerate(("de", "DE", "NA", ""))]
    assert compute_rows("chatdash", "country_daily", *items) == [
        {"country_code": "DE", "conversations": 2},
        {"country_code": "NA", "conversations": 1},
    ]


def test_an_empty_day_has_one_row_and_no_members(compute_rows):
    for provider in VENDOR_NAMES:
        (row,) = compute_rows(provider, "conversation_daily")
        assert row["conversations"] == 0
        for view in (
            "channel_daily",
            "intent_daily",
            "language_daily",
            "country_daily",
            "conversation",
            "end_reason_daily",
        ):
            assert compute_rows(provider, view) == []


def test_nothing_pulled_is_one_row_of_unknowns(compute_rows):
    for provider in VENDOR_NAMES:
        (row,) = compute_rows(provider, "conversation_daily", replace(PLAIN, channel="web"), streams=())
        assert set(row.values()) == {None}


def test_an_ambiguous_local_time_of_an_export_is_the_first_one(compute_rows):
    account = SandboxAccount("a", "chatcaptain", "Europe/Berlin")
    second = datetime(2025, 10, 26, 1, 30, tzinfo=UTC)
    item = replace(PLAIN, channel="web", started_at=second, ended_at=second + timedelta(hours=1))

    def compute_row(form):
        return compute_rows(
            "chatcaptain", "conversation", item, account=account, shapes=ResponseShapes(csv_times=form)
        )[0]

    assert compute_row("offset")["started_at"] == second
    assert compute_row("local")["started_at"] == second - timedelta(hours=1)
    assert compute_row("local")["ended_at"] == item.ended_at
