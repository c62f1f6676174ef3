from datetime import date, timedelta

from extractors.windows import Window
from pipelines.loads.failures import (
    MAX_DETAIL_LINES,
    build_account_metadata,
    build_accounts_sentence,
    describe_older_days,
    format_days,
    format_reasons,
)

FIRST = date(2025, 3, 1)
THREE = [FIRST + timedelta(days=number) for number in range(3)]


def test_each_reason_appears_once_with_its_days() -> None:
    bad = {"acme": dict.fromkeys((*THREE, FIRST + timedelta(days=9)), "it broke") | {date(2025, 4, 1): "other"}}
    assert format_reasons(bad) == {"acme": "2025-03-01 to 2025-03-03, 2025-03-10: it broke; 2025-04-01: other"}


def test_many_accounts_do_not_make_a_long_event() -> None:
    metadata = build_account_metadata({f"account-{number}": "it broke" for number in range(200)})
    assert len(metadata) == MAX_DETAIL_LINES + 1
    assert metadata["and more"] == "150 accounts"


def test_many_names_and_ranges_are_cut() -> None:
    assert build_accounts_sentence([], "failed") == ""
    assert build_accounts_sentence(["a", "b"], "failed") == "a, b failed."
    assert build_accounts_sentence(map(str, range(7)), "failed") == "0, 1, 2, 3, 4 and 2 more failed."
    assert format_days(FIRST + timedelta(days=2 * number) for number in range(9)).endswith("2025-03-09 and others")


def test_older_days_are_named_with_the_command_that_loads_them() -> None:
    sentence = describe_older_days("acme", [Window(FIRST, date(2025, 3, 4)), Window.of_day(date(2025, 3, 9))], 35)
    assert sentence.startswith(
        "acme: 4 older days are missing, failed or stale (2025-03-01 to 2025-03-03, 2025-03-09);"
    )
    assert sentence.endswith("chatmart backfill --account acme --from 2025-03-01 --to 2025-03-09")
