"""What is told of a period, and what is not: days, comparisons, gaps, who is left out. The page: ``test_page``."""

from datetime import date, timedelta

import pytest

from pipelines.report.build import PeriodNotAvailable, ReportRequest, build_report
from pipelines.report.model import Card, Report
from tests.support.report_warehouse import FEBRUARY, LAST_DAY, MARCH, NOW, SALES, SUPPORT, VOICE, commit_days
from tests.warehouse.sample import consecutive_days, query_rows
from warehouse.store import Store


def cards(report: Report, section: str) -> dict[str, Card]:
    [found] = [each for each in report.sections if each.name == section]
    return {each.title: each for each in found.cards}


def test_changes_stand_only_where_both_periods_are_loaded(report: Report) -> None:
    providers = cards(report, "conversations")
    assert providers["chatdash"].change is not None
    assert providers["chatdash"].change.text == "no change"
    assert providers["chatcaptain"].change is None
    assert providers["chatcaptain"].no_change_reason == "not comparable"
    told = {each.name: each for each in report.key_figures}
    assert told["Conversations"].change is None
    assert told["Conversations"].no_change_reason == "not comparable"
    assert told["Messages understood"].change is not None
    assert told["Messages understood"].change.text == "▼ 1.1 points"
    assert "of 2 of 3 accounts" in report.comparison_note


def test_a_period_with_a_gap_is_not_compared(begun: Store) -> None:
    told = {"conversation_daily": [{"date": day, "conversations": 1} for day in consecutive_days(56, FEBRUARY)]}
    commit_days(begun, SUPPORT, consecutive_days(56, FEBRUARY), told)
    begun.publish()
    [whole] = cards(build_report(begun, ReportRequest([SUPPORT]), NOW), "conversations").values()
    assert whole.change is not None
    longer = build_report(begun, ReportRequest([SUPPORT], FEBRUARY - timedelta(1), LAST_DAY), NOW)
    [gap] = cards(longer, "conversations").values()
    assert (gap.change, gap.no_change_reason) == (None, "")
    assert longer.comparison_note.startswith("Not comparable with the 57 days before")


def test_only_what_was_asked_for_is_told(filled_store: Store) -> None:
    told = build_report(filled_store, ReportRequest([SALES], MARCH, MARCH + timedelta(1), is_all_accounts=False), NOW)
    assert (told.period, told.accounts_summary) == ("1 Mar – 2 Mar 2025", "1 account at 1 provider")
    assert told.key_figures[0].figure.exact == "40"
    assert list(cards(told, "conversations")) == ["chatdash"]
    assert (told.loaded_slices, told.due_slices) == (2, 2)


def test_who_is_no_longer_configured_is_named(filled_store: Store) -> None:
    told = build_report(filled_store, ReportRequest([SUPPORT, SALES]), NOW)
    assert any("voice (chatcaptain)" in warning for warning in told.warnings)
    assert not build_report(filled_store, ReportRequest([SUPPORT], is_all_accounts=False), NOW).warnings


def test_what_does_not_add_up_and_what_was_restated_is_told(filled_store: Store, report: Report) -> None:
    found = {each.title: each for each in report.data_quality.cards}
    [line] = found["Does not add up"].lines
    assert (line.name, line.value, line.note) == (
        "voice",
        "1 day",
        "conversations against export: 12 reported, 10 loaded",
    )
    assert found["Restated"].headline is not None
    assert found["Restated"].headline.exact == "0"
    assert (report.loaded_slices, report.due_slices) == (84, 84)


def test_a_restated_number_is_counted(begun: Store) -> None:
    for conversations in (5, 7):
        commit_days(begun, SUPPORT, [MARCH], {"conversation_daily": [{"date": MARCH, "conversations": conversations}]})
    begun.publish()
    told = build_report(begun, ReportRequest([SUPPORT], MARCH, MARCH), NOW)
    restated = next(each for each in told.data_quality.cards if each.title == "Restated")
    assert restated.headline is not None
    assert restated.headline.exact == str(len(query_rows(begun, "SELECT * FROM restatement_log"))) == "1"
    assert restated.lines[0].name == "conversation_daily.conversations"


def test_a_provider_that_tells_no_conversations(begun: Store) -> None:
    commit_days(begun, VOICE, [MARCH], {})
    begun.publish()
    told = build_report(begun, ReportRequest([VOICE], MARCH, MARCH), NOW)
    [silent] = cards(told, "conversations").values()
    assert (silent.headline is not None, silent.chart) == (True, None)
    assert "No conversations are told" in silent.note
    assert told.key_figures[0].note == "told by no account"
    assert cards(told, "channels") == {}


def test_days_that_cannot_be_told_are_refused(filled_store: Store) -> None:
    with pytest.raises(PeriodNotAvailable, match="from 2025-04-05 to 2025-03-28"):
        build_report(filled_store, ReportRequest([SUPPORT], date(2025, 4, 5), date(2025, 4, 9)), NOW)
    with pytest.raises(PeriodNotAvailable):
        build_report(filled_store, ReportRequest([SUPPORT], LAST_DAY, MARCH), NOW)
    assert (
        build_report(filled_store, ReportRequest([SUPPORT], MARCH, date(2025, 4, 9)), NOW).period
        == "1 Mar – 28 Mar 2025"
    )


def test_an_intent_that_a_cut_off_list_left_out_before_has_no_change(begun: Store) -> None:
    for account, is_cut in ((SALES, True), (SUPPORT, False)):
        intents = [
            {"date": LAST_DAY - timedelta(1), "intent": "old", "hits": 3, "rank": 1, "is_top_n": is_cut},
            {"date": LAST_DAY, "intent": "new", "hits": 4, "rank": 1, "is_top_n": is_cut},
        ]
        commit_days(begun, account, consecutive_days(56, FEBRUARY), {"intent_daily": intents})
    begun.publish()
    told = cards(build_report(begun, ReportRequest([SALES, SUPPORT], LAST_DAY, LAST_DAY), NOW), "intents")
    assert [(line.name, line.change) for line in told["chatdash"].lines] == [("new", None)]
    [complete] = told["cognigy"].lines
    assert complete.change is not None
    assert complete.change.text == "▲ from 0"


def test_an_account_that_is_only_configured_is_missing(filled_store: Store) -> None:
    told = build_report(filled_store, ReportRequest([SUPPORT, SUPPORT.model_copy(update={"name": "new"})]), NOW)
    strip = told.coverage.visible_timelines[1]
    assert [(run.state, run.first, run.count) for run in strip.spans] == [("missing", 0, 28)]
    assert "28 missing (missing 1 Mar – 28 Mar 2025)" in strip.alt_text
    assert told.loaded_slices == 28
