"""What a report holds for a period: days, comparisons, gaps, accounts left out. The page: ``page/test_html``."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipelines.configuration.settings import OperatingSettings
from pipelines.loads.volume import UnusualNumber
from pipelines.report import build
from pipelines.report.build import PeriodNotAvailable, ReportRequest, build_report
from pipelines.report.model import Card, KeyFigure, Report
from pipelines.report.page.html import render_page
from tests.support.report_warehouse import (
    ACCOUNTS,
    FEBRUARY,
    LAST_DAY,
    MARCH,
    NOW,
    SALES,
    SUPPORT,
    VOICE,
    commit_days,
    enlarge_numbers,
)
from tests.warehouse.sample import consecutive_days, open_sample_store, query_rows
from warehouse.store import Store


def cards_by_title(report: Report, section_name: str) -> dict[str, Card]:
    [section] = [section for section in report.sections if section.name == section_name]
    return {card.title: card for card in section.cards}


def key_figures(report: Report, provider: str) -> dict[str, KeyFigure]:
    [row] = [row for row in report.key_figures.rows if row.provider == provider]
    return dict(zip(report.key_figures.headers, row.figures, strict=True))


def test_changes_are_shown_only_where_both_periods_are_loaded(report: Report) -> None:
    providers = cards_by_title(report, "conversations")
    assert providers["chatdash"].change is not None
    assert providers["chatdash"].change.text == "no change"
    assert providers["chatcaptain"].change is None
    assert providers["chatcaptain"].no_change_reason == "not comparable"
    voice = key_figures(report, "chatcaptain")
    assert (voice["Conversations"].change, voice["Conversations"].no_change_reason) == (None, "not comparable")
    sales = key_figures(report, "chatdash")
    assert sales["Messages understood"].change is not None
    assert sales["Messages understood"].change.text == "▼ 1.1 points"
    assert "for 2 of 3 accounts" in report.comparison_note


def test_a_period_with_a_gap_is_not_compared(started_store: Store) -> None:
    facts = {"conversation_daily": [{"date": day, "conversations": 1} for day in consecutive_days(56, FEBRUARY)]}
    commit_days(started_store, SUPPORT, consecutive_days(56, FEBRUARY), facts)
    started_store.publish()
    [whole] = cards_by_title(build_report(started_store, ReportRequest([SUPPORT]), NOW), "conversations").values()
    assert whole.change is not None
    longer = build_report(started_store, ReportRequest([SUPPORT], FEBRUARY - timedelta(1), LAST_DAY), NOW)
    [gap] = cards_by_title(longer, "conversations").values()
    assert (gap.change, gap.no_change_reason) == (None, "")
    assert longer.comparison_note.startswith("Not comparable with the 57 days before")


def test_only_the_requested_days_and_accounts_are_reported(filled_store: Store) -> None:
    report = build_report(filled_store, ReportRequest([SALES], MARCH, MARCH + timedelta(1), is_all_accounts=False), NOW)
    assert (report.period, report.accounts_summary) == ("1 Mar – 2 Mar 2025", "1 account at 1 provider")
    assert key_figures(report, "chatdash")["Conversations"].figure.exact == "40"
    assert list(cards_by_title(report, "conversations")) == ["chatdash"]
    assert (report.loaded_slices, report.due_slices) == (2, 2)


def test_an_account_that_is_no_longer_configured_is_named(filled_store: Store) -> None:
    report = build_report(filled_store, ReportRequest([SUPPORT, SALES]), NOW)
    assert any("voice (chatcaptain)" in warning for warning in report.warnings)
    assert not build_report(filled_store, ReportRequest([SUPPORT], is_all_accounts=False), NOW).warnings


def test_unexplained_differences_and_restated_numbers_are_shown(filled_store: Store, report: Report) -> None:
    cards = {card.title: card for card in report.data_quality.cards}
    [line] = cards["Unexplained"].lines
    note = "conversations against export: 12 reported, 10 loaded"
    assert (line.name, line.value, line.note) == ("voice", "1 day", note)
    assert cards["Restated"].headline is not None
    assert cards["Restated"].headline.exact == "0"
    assert (report.loaded_slices, report.due_slices) == (84, 84)


def test_a_restated_number_is_counted(started_store: Store) -> None:
    for conversations in (5, 7):
        commit_days(
            started_store, SUPPORT, [MARCH], {"conversation_daily": [{"date": MARCH, "conversations": conversations}]}
        )
    started_store.publish()
    report = build_report(started_store, ReportRequest([SUPPORT], MARCH, MARCH), NOW)
    restated = next(card for card in report.data_quality.cards if card.title == "Restated")
    assert restated.headline is not None
    assert restated.headline.exact == str(len(query_rows(started_store, "SELECT * FROM restatement_log"))) == "1"
    assert restated.lines[0].name == "conversation_daily.conversations"


def test_a_provider_that_reports_no_conversations(started_store: Store) -> None:
    commit_days(started_store, VOICE, [MARCH], {})
    started_store.publish()
    report = build_report(started_store, ReportRequest([VOICE], MARCH, MARCH), NOW)
    [card] = cards_by_title(report, "conversations").values()
    assert (card.headline is not None, card.chart) == (True, None)
    assert "No conversations are reported" in card.note
    assert key_figures(report, "chatcaptain")["Conversations"].note == "not reported"
    assert cards_by_title(report, "channels") == {}


def test_days_that_cannot_be_reported_are_refused(filled_store: Store) -> None:
    with pytest.raises(PeriodNotAvailable, match="from 2025-04-05 to 2025-03-28"):
        build_report(filled_store, ReportRequest([SUPPORT], date(2025, 4, 5), date(2025, 4, 9)), NOW)
    with pytest.raises(PeriodNotAvailable):
        build_report(filled_store, ReportRequest([SUPPORT], LAST_DAY, MARCH), NOW)
    assert (
        build_report(filled_store, ReportRequest([SUPPORT], MARCH, date(2025, 4, 9)), NOW).period
        == "1 Mar – 28 Mar 2025"
    )


def test_an_intent_that_a_cut_off_list_left_out_before_has_no_change(started_store: Store) -> None:
    for account, is_cut in ((SALES, True), (SUPPORT, False)):
        intents = [
            {"date": LAST_DAY - timedelta(1), "intent": "old", "hits": 3, "rank": 1, "is_top_n": is_cut},
            {"date": LAST_DAY, "intent": "new", "hits": 4, "rank": 1, "is_top_n": is_cut},
        ]
        commit_days(started_store, account, consecutive_days(56, FEBRUARY), {"intent_daily": intents})
    started_store.publish()
    cards = cards_by_title(
        build_report(started_store, ReportRequest([SALES, SUPPORT], LAST_DAY, LAST_DAY), NOW), "intents"
    )
    assert [(line.name, line.change) for line in cards["chatdash"].lines] == [("new", None)]
    [complete] = cards["cognigy"].lines
    assert complete.change is not None
    assert complete.change.text == "▲ from 0"


def test_an_account_that_is_only_configured_is_missing(filled_store: Store) -> None:
    report = build_report(filled_store, ReportRequest([SUPPORT, SUPPORT.model_copy(update={"name": "new"})]), NOW)
    timeline = report.coverage.visible_timelines[1]
    assert [(span.state, span.first, span.count) for span in timeline.spans] == [("missing", 0, 28)]
    assert "28 missing (missing 1 Mar – 28 Mar 2025)" in timeline.alt_text
    assert report.loaded_slices == 28


def test_a_key_figure_of_some_accounts_says_so(started_store: Store) -> None:
    second = SALES.model_copy(update={"name": "more", "project_id": "q"})
    for account, cost in ((SALES, {"cost_amount": Decimal(2), "cost_currency": "EUR"}), (second, {})):
        row = {"date": MARCH, "conversations": 4, **cost}
        commit_days(started_store, account, [MARCH], {"conversation_daily": [row]})
    started_store.publish()
    report = build_report(started_store, ReportRequest([SALES, second, SUPPORT], MARCH, MARCH), NOW)
    figures = key_figures(report, "chatdash")
    assert (figures["Conversations"].figure.exact, figures["Conversations"].note) == ("8", "")
    assert (figures["Cost, EUR"].figure.text, figures["Cost, EUR"].note) == ("2.00", "of 1 of 2 accounts")
    assert key_figures(report, "cognigy")["Cost, EUR"].figure.text == "–"


def test_currencies_have_columns_of_their_own(started_store: Store) -> None:
    currencies = ("CHF", "EUR", "GBP", "JPY", "USD")
    days = consecutive_days(len(currencies), MARCH)
    rows = [
        {"date": day, "cost_amount": Decimal(number), "cost_currency": currency}
        for number, (day, currency) in enumerate(zip(days, currencies, strict=True), start=1)
    ]
    commit_days(started_store, SALES, days, {"conversation_daily": rows})
    started_store.publish()
    figures = key_figures(build_report(started_store, ReportRequest([SALES], MARCH, days[-1]), NOW), "chatdash")
    assert {name: figure.figure.text for name, figure in figures.items()} == {
        "Conversations": "–",
        "Cost, CHF": "1.00",
        "Cost, EUR": "2.00",
        "Cost, GBP": "3.00",
        "Cost, other currencies": "2",
    }
    assert figures["Cost, other currencies"].note == "JPY 4.00 and USD 5.00"


def test_a_cost_of_nothing_is_zero(started_store: Store) -> None:
    commit_days(started_store, SALES, [MARCH], {"conversation_daily": [{"date": MARCH, "cost_amount": Decimal(0)}]})
    started_store.publish()
    report = build_report(started_store, ReportRequest([SALES], MARCH, MARCH), NOW)
    assert key_figures(report, "chatdash")["Cost"].figure.text == "0"


@pytest.mark.parametrize("first_day_with_members", [FEBRUARY, MARCH, MARCH - timedelta(3)])
def test_a_breakdown_is_compared_only_where_both_periods_have_it(
    started_store: Store, first_day_with_members: date
) -> None:
    days = consecutive_days(56, FEBRUARY)
    counts = {day: 0 if day.day == 7 else 10 for day in days}  # a day without conversations has no members
    members = [day for day in days if counts[day] and day >= first_day_with_members]
    facts = {
        "conversation_daily": [{"date": day, "conversations": count} for day, count in counts.items()],
        "channel_daily": [{"date": day, "channel_code": "webchat", "conversations": 10} for day in members],
        "language_daily": [{"date": day, "language_code": "de", "conversations": 10} for day in members],
        "country_daily": [{"date": day, "country_code": "DE", "conversations": 10} for day in members],
        "intent_daily": [{"date": day, "intent": "x", "hits": 3, "rank": 1, "is_top_n": False} for day in members],
    }
    commit_days(started_store, SALES, days, facts)
    started_store.publish()
    report = build_report(started_store, ReportRequest([SALES], MARCH, LAST_DAY), NOW)
    cards = [*cards_by_title(report, "channels").values(), *cards_by_title(report, "intents").values()]
    cards += cards_by_title(report, "places").values()
    changes = {line.change.text if line.change else None for card in cards for line in card.lines}
    assert changes == {"no change" if first_day_with_members == FEBRUARY else None}
    assert len(cards) == 4


@pytest.mark.parametrize("account", ["support", "sales", "voice"])
def test_one_accounts_largest_numbers_break_no_report(
    tmp_path_factory: pytest.TempPathFactory, filled_file: Store, account: str
) -> None:
    store = open_sample_store(tmp_path_factory.mktemp("large"))
    store.location.write_bytes(filled_file.location.read_bytes())
    enlarge_numbers(store, account)
    report = build_report(store, ReportRequest(ACCOUNTS), NOW)
    assert render_page(report)


def test_unusual_numbers_are_those_of_the_period(filled_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [
        UnusualNumber(day, "inkeep", "sales", "conversations", 900.0, 48.0, 8) for day in (MARCH - timedelta(9), MARCH)
    ]
    monkeypatch.setattr(build, "read_unusual_numbers", lambda *_: numbers)
    request = ReportRequest([SALES], MARCH, MARCH + timedelta(1), is_all_accounts=False, settings=OperatingSettings())
    [sentence] = build_report(filled_store, request, NOW).warnings
    assert sentence == f"sales: {MARCH:%A} {MARCH} is unusually high: conversations 900, usually 48."
