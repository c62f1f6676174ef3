"""The sections about accounts, weekdays, gaps, cost, models, handovers and lateness."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from extractors.account import Account
from pipelines.loads.workspace import build_account_row
from pipelines.report.build import ReportRequest, build_report
from pipelines.report.languages import name_language
from pipelines.report.model import Card, Chart, Report, Section
from pipelines.report.page.html import Look, render_page
from pipelines.report.sections import conversations
from tests.support.html_page import parse_page
from tests.support.report_warehouse import (
    MARCH,
    NOW,
    SALES,
    SUPPORT,
    VOICE,
    commit_days,
)
from tests.warehouse.sample import consecutive_days
from warehouse.records import SliceFailure
from warehouse.store import Store


@pytest.fixture(scope="module")
def rich_report(rich_store: tuple[Store, list[Account]]) -> Report:
    store, accounts = rich_store
    return build_report(store, ReportRequest(accounts, MARCH), NOW)


def find_section(report: Report, name: str) -> Section:
    return next(section for section in report.sections if section.name == name)


def find_cards(report: Report, name: str) -> dict[str, Card]:
    return {card.title: card for card in find_section(report, name).cards}


def find_chart(card: Card) -> Chart:
    assert card.chart is not None
    return card.chart


def test_days_without_a_number_are_gaps_with_a_reason_and_zero_is_a_number(rich_report: Report) -> None:
    section = find_section(rich_report, "conversations")
    chart = find_chart(find_cards(rich_report, "conversations")["cognigy"])
    assert [gap.tooltip for gap in chart.gaps] == [
        "Mon 10 Mar 2025 – Thu 13 Mar 2025: not loaded",
        "Fri 21 Mar 2025: not reported",
    ]
    assert [mark.tooltip for mark in chart.marks if not mark.value] == ["Thu 20 Mar 2025: 0 conversations"]
    assert "Mon 10 Mar 2025 – Thu 13 Mar 2025: not loaded." in chart.alt_text
    assert section.remark == (
        "Hatched: no number, since nothing is loaded or nothing is reported. A dot on the base line is a number of 0."
    )


def test_a_day_without_conversations_has_no_channels_and_none_is_missing(rich_report: Report) -> None:
    chart = find_chart(find_cards(rich_report, "channels")["cognigy"])
    assert [mark.tooltip for mark in chart.marks if not mark.value] == ["Thu 20 Mar 2025: 0"]
    assert [(gap.first.day, gap.last.day, gap.tooltip.partition(": ")[2]) for gap in chart.gaps] == [
        (10, 13, "not loaded"),
        (21, 28, "not reported"),
    ]


def test_a_week_with_days_that_are_not_reported_is_a_part(
    rich_store: tuple[Store, list[Account]], rich_report: Report
) -> None:
    store, accounts = rich_store
    weeks = build_report(store, ReportRequest(accounts, MARCH - timedelta(days=100)), NOW)
    chart = find_chart(find_cards(weeks, "conversations")["cognigy"])
    marks = {mark.tooltip for mark in chart.marks if mark.is_partial}
    assert "week of 17 Mar 2025 (reported for 6 of 7 loaded days): 99 conversations" in marks
    assert "week of 10 Mar 2025 (3 of 7 days): 45 conversations" in marks
    assert not any(mark.is_partial for mark in find_chart(find_cards(rich_report, "conversations")["cognigy"]).marks)


def test_accounts_are_small_multiples_and_the_largest_is_first(rich_report: Report) -> None:
    [card] = find_section(rich_report, "accounts").cards
    assert card.title == "chatcaptain"
    assert [(panel.account, panel.figure.exact) for panel in card.panels] == [("voice", "1400"), ("second", "140")]
    assert all(len(panel.chart.marks) == 28 for panel in card.panels)


@pytest.mark.parametrize(("most", "folded", "note"), [(2, ["second"], ""), (1, [], "Not drawn: 1 more account,")])
def test_many_accounts_are_folded_and_then_counted(
    rich_store: tuple[Store, list[Account]], monkeypatch: pytest.MonkeyPatch, most: int, folded: list[str], note: str
) -> None:
    monkeypatch.setattr(conversations, "MAX_VISIBLE_PANELS", 1)
    monkeypatch.setattr(conversations, "MAX_PANELS", most)
    store, accounts = rich_store
    report = build_report(store, ReportRequest(accounts, MARCH), NOW)
    [card] = find_section(report, "accounts").cards
    assert ([panel.account for panel in card.panels], [panel.account for panel in card.folded_panels]) == (
        ["voice"],
        folded,
    )
    assert card.note.startswith(note)
    text = parse_page(render_page(report)).find_one("section", id="accounts").text
    assert ("1 more account" in text.partition("Not drawn")[0]) == bool(folded)


def test_the_usual_week_is_the_mean_of_the_days_with_a_number(rich_report: Report) -> None:
    chart = find_chart(find_cards(rich_report, "weekdays")["cognigy"])
    fridays = [7, 14, 28]  # the 21st is not reported
    friday = chart.marks[4]
    assert friday.bucket_date.isoweekday() == 5
    assert friday.value == pytest.approx(sum(fridays) / 3)
    assert friday.tooltip == "Friday: 16.3 conversations, mean of 3 days"
    voice = find_chart(find_cards(rich_report, "weekdays")["chatcaptain"])
    assert {mark.value for mark in voice.marks} == {55}  # the means of two accounts


def test_a_short_period_has_no_usual_week(started_store: Store) -> None:
    days = consecutive_days(13)
    facts = {"conversation_daily": [{"date": day, "conversations": 1} for day in days]}
    commit_days(started_store, SUPPORT, days, facts)
    started_store.publish()
    assert (
        find_section(build_report(started_store, ReportRequest([SUPPORT], days[0], days[-1]), NOW), "weekdays").cards
        == []
    )


def test_models_are_listed_by_size_and_costs_are_not_divided(rich_report: Report) -> None:
    cards = find_cards(rich_report, "costs")
    assert set(cards) == {"Cost, chatdash", "Tokens by model, chatdash"}
    lines = cards["Tokens by model, chatdash"].lines
    assert [(line.name, line.value) for line in lines] == [("large-model", "56,000"), ("small-model", "3,206")]
    euro, dollar = [card for card in find_section(rich_report, "costs").cards if card.unit in ("EUR", "USD")][::-1]
    assert (euro.unit, dollar.unit) == ("EUR", "USD")
    marks = find_chart(euro).marks
    assert {mark.value for mark in marks if mark.bucket_date.day % 2} == {0.5}
    assert {mark.value for mark in marks if not mark.bucket_date.day % 2} == {0}  # those days cost US dollars


def test_a_week_without_the_cost_of_a_day_is_a_part(started_store: Store) -> None:
    days = consecutive_days(100, MARCH - timedelta(days=75))  # up to Tuesday 25 March
    euros = {"cost_amount": Decimal(2), "cost_currency": "EUR"}
    totals = [{"date": day, "conversations": 1, **({} if day.day == 5 else euros)} for day in days]
    commit_days(started_store, SALES, days, {"conversation_daily": totals})
    started_store.publish()
    report = build_report(started_store, ReportRequest([SALES], days[0], days[-1]), NOW)
    parts = {
        mark.tooltip for mark in find_chart(find_cards(report, "costs")["Cost, chatdash"]).marks if mark.is_partial
    }
    assert "week of 3 Mar 2025 (reported for 6 of 7 loaded days): 12.00 EUR" in parts
    assert "week of 10 Mar 2025: 14.00 EUR" not in parts
    assert len(parts) == 4  # also the weeks of 5 January and 5 February, and the last one


def test_the_rest_of_a_legend_is_last_and_the_others_are_by_size(started_store: Store) -> None:
    values = {f"model-{number}": number for number in range(1, 9)}
    rows = [
        {"date": MARCH, "metric": "tokens", "member": model, "value": Decimal(value)} for model, value in values.items()
    ]
    totals = [{"date": MARCH, "conversations": 1, "tokens": 36}]
    commit_days(started_store, SALES, [MARCH], {"metric_daily": rows, "conversation_daily": totals})
    started_store.publish()
    report = build_report(started_store, ReportRequest([SALES], MARCH, MARCH), NOW)
    lines = find_cards(report, "costs")["Tokens by model, chatdash"].lines
    assert [line.name for line in lines] == [*(f"model-{number}" for number in range(8, 2, -1)), "further models"]
    assert [line.slot for line in lines] == [1, 2, 3, 4, 5, 6, 0]


def test_handovers_are_of_single_conversations_and_else_of_reports(rich_report: Report) -> None:
    cards = find_cards(rich_report, "ends")
    handovers = cards["Handovers by target, chatcaptain"]
    assert [(line.name, line.value) for line in handovers.lines] == [("hotline", "3"), ("office", "1")]
    assert handovers.unit == "4 conversations handed over"
    ends = cards["Ends by reason, chatdash"].lines
    assert [(line.name, line.value, line.extra) for line in ends] == [
        ("hangup", "336", "60.0%"),
        ("transfer", "224", "40.0%"),
    ]


def test_languages_have_names_and_their_variants(rich_report: Report) -> None:
    [line] = find_cards(rich_report, "places")["Languages, chatcaptain"].lines
    assert (line.name, line.note) == ("Portuguese", "pt-BR")
    assert [name_language(code) for code in ("de", "el", "gsw", "xx", "unknown")] == [
        "German",
        "Modern Greek",
        "Swiss German",
        "xx",
        "unknown",
    ]


def test_late_and_restated_accounts_are_listed(started_store: Store) -> None:
    days = consecutive_days(20, MARCH)
    for count in (5, 7):
        facts = {"conversation_daily": [{"date": MARCH, "conversations": count}]}
        commit_days(started_store, SUPPORT, days, facts)
    failure = SliceFailure(build_account_row(VOICE), (date(2025, 3, 27), date(2025, 3, 28)), "503", NOW)
    started_store.record_failures([failure])
    started_store.publish()
    report = build_report(started_store, ReportRequest([SUPPORT, VOICE], MARCH, days[-1]), NOW)
    late, restated = report.punctuality.cards
    assert late.shown_tables[0].rows == [
        ("voice", "chatcaptain", "never", "28 days", "2", "26"),
        ("support", "cognigy", "20 Mar 2025", "8 days", "0", "36"),
    ]
    assert [(row[0], row[1], row[3]) for row in restated.shown_tables[0].rows] == [("support", "cognigy", "1")]
    page = parse_page(render_page(report))
    assert [table.rows[0][0] for table in page.find_one("section", id="punctuality").find_all("table")] == [
        "voice",
        "support",
    ]


def test_nothing_is_said_about_accounts_in_time(report: Report) -> None:
    assert report.punctuality.cards == []
    page = parse_page(render_page(report))
    assert "No account is late, and no number of these days was restated." in page.text
    assert "#punctuality" not in [link.attributes["href"] for link in page.find_one("nav").find_all("a")]


def test_what_needs_somebody_is_above_everything_and_only_then(filled_file: Store, report: Report) -> None:
    assert parse_page(render_page(report)).find_all("div", class_="attention") == []
    sentences = ["voice: 3 days failed.", "sales: far fewer conversations than usual on 27 March."]
    request = ReportRequest([SUPPORT], attention=sentences, title="Acme & Co")
    html = render_page(build_report(filled_file, request, NOW), Look(logo="data:image/gif;base64,R0lGODlhAQABAAAAACw="))
    page = parse_page(html)
    assert [item.text for item in page.find_one("div", class_="attention").find_all("li")] == sentences
    assert html.index("voice: 3 days failed.") < html.index("<nav")
    assert page.find_all("title")[0].text == "Acme & Co, 1 Mar – 28 Mar 2025"
    assert page.find_one("p", class_="brand").text == "Acme & Co"
    assert page.find_one("img").attributes["alt"] == ""


def test_a_provider_of_which_nothing_is_loaded_is_not_said_to_report_nothing(filled_file: Store) -> None:
    missing = SALES.model_copy(update={"name": "new", "project_id": "new"})
    report = build_report(filled_file, ReportRequest([SUPPORT, missing], MARCH), NOW)
    assert find_cards(report, "conversations")["chatdash"].note.startswith("No day is loaded.")
    row = report.key_figures.rows[1]
    assert (row.figures[0].note, row.figures[0].is_loaded) == ("not loaded", False)
    assert report.key_figures.rows[0].figures[0].is_loaded
