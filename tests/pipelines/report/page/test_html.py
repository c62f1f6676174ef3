"""The page shows the figures that SQL returns from the views, and names from outside are only text."""

import re
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from pipelines.report.build import ReportRequest, build_report
from pipelines.report.format import format_bucket, format_money, format_percent
from pipelines.report.model import (
    SLOT_COUNT,
    AccountTimeline,
    Card,
    Chart,
    CoverageMap,
    Figure,
    Mark,
    Panel,
    Report,
    Section,
    StateSpan,
)
from pipelines.report.page.charts import POINT_SHAPES
from pipelines.report.page.html import GLYPHS, Look, render_page, write_style
from pipelines.report.page.palette import load_theme
from tests.support.html_page import Element, find_card, parse_page, rows_by_label
from tests.support.report_warehouse import HOSTILE_NAME, MARCH, NOW, SUPPORT, VOICE, build_cognigy_account, commit_days
from tests.warehouse.sample import query_rows
from warehouse.store import Store

IN_MARCH = "date BETWEEN DATE '2025-03-01' AND DATE '2025-03-28'"
LOGO = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
FIXED = ("kind", "unit", "bucket_unit", "value_format", "name", "nav_label", "state")
"""Fields of charts, sections and state spans whose values never come from outside."""


def query_texts(store: Store, sql: str) -> dict[str, list[str]]:
    """Return the rows as the page's tables show them: by the first column, numbers as text."""
    return {_format_label(first): [str(value) for value in values] for first, *values in query_rows(store, sql)}


def _format_label(value: object) -> str:
    return format_bucket(value, "day") if isinstance(value, date) else str(value)


def key_values(page: Element) -> dict[tuple[str, str], str]:
    """Return the exact key figures that are reported, by provider and measure."""
    head, *rows = page.find_one("table", class_="keys").find_all("tr")
    names = [cell.text for cell in head.find_all("th")][1:]
    return {
        (row.find_one("th").text.split()[0], name): cell.find_one("data").attributes["value"] or ""
        for row in rows
        for name, cell in zip(names, row.find_all("td"), strict=True)
        if cell.find_one("data").attributes["value"]
    }


def line_values(page: Element, section: str, title: str) -> dict[str, list[str]]:
    return rows_by_label(find_card(page, section, title).find_one("table", class_="lines"))


def test_the_key_figures_are_those_of_sql(filled_store: Store, page: Element) -> None:
    query = f"SELECT provider, sum(conversations) FROM conversation_daily WHERE {IN_MARCH} GROUP BY 1"
    conversations = {(str(provider), "Conversations"): total for provider, total in query_rows(filled_store, query)}
    assert conversations["cognigy", "Conversations"] == 28_000 + 10 * sum(range(1, 29))
    query = f"SELECT cost_currency, sum(cost_amount) FROM conversation_daily WHERE {IN_MARCH} GROUP BY 1"
    costs = {("chatdash", f"Cost, {name}"): total for name, total in query_rows(filled_store, query) if name}
    assert sorted(map(str, costs.values())) == ["42.000000", "7.000000"]
    values = {key: Decimal(value) for key, value in key_values(page).items()}
    assert float(values.pop(("chatdash", "Messages understood"))) == pytest.approx(8 / 9)
    assert values == {
        **conversations,
        **costs,
        ("chatcaptain", "Messages"): 28 * 300,
        ("cognigy", "Call minutes"): Decimal(28 * 90) / 60,
    }


def test_no_figure_adds_providers(filled_store: Store, page: Element) -> None:
    measures = ("conversation_daily", "conversations"), ("channel_daily", "conversations"), ("intent_daily", "hits")
    for view, measure in measures:
        query = f"SELECT provider, sum({measure}) FROM {view} WHERE {IN_MARCH} GROUP BY 1"
        totals = [int(str(total)) for _, total in query_rows(filled_store, query)]
        assert len(totals) > 1
        sums = {sum(some) for count in range(2, len(totals) + 1) for some in combinations(totals, count)}
        for total in sums:
            assert not re.search(rf"(?<![\d,.]){total:,}(?![\d,.])", page.text), f"{view}: {total:,}"
            assert str(total) not in [data.attributes["value"] for data in page.find_all("data")]
    assert "There is no total over providers" in page.find_one("section", id="figures").text


def test_a_report_of_one_provider_needs_no_word_about_totals(filled_store: Store) -> None:
    page = parse_page(render_page(build_report(filled_store, ReportRequest([SUPPORT], is_all_accounts=False), NOW)))
    assert "total over providers" not in page.text
    assert list(key_values(page)) == [("cognigy", "Conversations"), ("cognigy", "Call minutes")]


def test_each_table_has_the_rows_of_its_view(filled_store: Store, page: Element) -> None:
    compared = 0
    for provider in ("cognigy", "chatdash", "chatcaptain"):
        card = find_card(page, "conversations", provider)
        [table] = card.find_all("table", class_="figures")
        where = f"{IN_MARCH} AND provider = '{provider}'"
        query = f"SELECT date, sum(conversations) FROM conversation_daily WHERE {where} GROUP BY 1"
        assert rows_by_label(table) == query_texts(filled_store, query)
        assert card.find_one("data").attributes["value"] == str(
            sum(int(count) for [count] in rows_by_label(table).values())
        )
        compared += len(table.rows)
    assert compared == 3 * 28


def test_channels_are_those_of_their_view(filled_store: Store, page: Element) -> None:
    query = f"""
        SELECT date, sum(conversations) FILTER (channel = 'webchat'), sum(conversations) FILTER (channel = 'whatsapp')
        FROM channel_daily WHERE {IN_MARCH} AND provider = 'cognigy' GROUP BY 1"""
    assert rows_by_label(find_card(page, "channels", "cognigy").find_one("table", class_="figures")) == query_texts(
        filled_store, query
    )
    query = f"""
        SELECT channel, sum(conversations)
        FROM channel_daily WHERE {IN_MARCH} AND NOT is_test AND provider = 'chatcaptain' GROUP BY 1"""
    shown = line_values(page, "channels", "chatcaptain")
    assert {name.lstrip("■"): [count] for name, [count, *_] in shown.items()} == query_texts(filled_store, query)
    assert f"Test channels are left out: {28 * 4} conversations." in find_card(page, "channels", "chatcaptain").text
    assert "left out" not in find_card(page, "channels", "cognigy").text


def test_breakdowns_are_those_of_their_views(filled_store: Store, page: Element) -> None:
    query = f"SELECT intent, '≥ ' || sum(hits) FROM intent_daily WHERE {IN_MARCH} AND account = 'sales' GROUP BY 1"
    shown = line_values(page, "intents", "chatdash")
    assert {name: [values[0]] for name, values in shown.items()} == query_texts(filled_store, query)
    assert list(shown) == [HOSTILE_NAME, "prices"]
    assert line_values(page, "places", "Languages, chatcaptain") == {"Portuguese pt-BR": [str(28 * 50), "100.0%"]}
    assert line_values(page, "places", "Countries, chatdash") == {"Namibia": [str(28 * 14), "100.0%", "▲ 100.0%"]}


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Messages understood", "understood_rate FROM understood_monthly WHERE days > 0"),
        ("Containment", "containment_rate FROM containment_monthly"),
        (
            "Cost per conversation, USD",
            "cost_per_conversation FROM cost_per_conversation_monthly WHERE cost_currency = 'USD'",
        ),
    ],
)
def test_monthly_rates_are_those_of_their_views(filled_store: Store, page: Element, title: str, query: str) -> None:
    format_rate = format_money if title.startswith("Cost") else format_percent
    rates: dict[str, list[str]] = {}
    for name, days, of_days, rate in query_rows(
        filled_store, f"SELECT account, days, days_in_month, {query} ORDER BY month"
    ):
        part = f" ({days} of {of_days} days)" if days != of_days else ""
        rates.setdefault(str(name), []).append(format_rate(Decimal(str(rate))) + part)
    assert rates
    assert rows_by_label(find_card(page, "months", title).find_one("table", class_="figures")) == rates


def test_each_provider_has_its_definition(page: Element) -> None:
    assert "Billable units." in find_card(page, "conversations", "cognigy").text
    assert "each defines its measures in its own way" in page.find_one("section", id="figures").text


def test_a_chart_has_its_figures_and_its_text(page: Element) -> None:
    sections = ("conversations", "weekdays", "channels", "costs", "months")
    counts = {name: len(page.find_one("section", id=name).find_all("svg")) for name in sections}
    assert counts == {"conversations": 3, "weekdays": 3, "channels": 2, "costs": 2, "months": 4}
    assert len(page.find_all("svg")) == sum(counts.values())
    for card in page.find_all("article"):
        if card.find_all("svg"):
            assert card.find_all("details")
            assert card.find_one("svg").attributes["role"] == "img"
            assert len(card.find_one("svg").attributes["aria-label"] or "") > 20
    marks = [mark.text for mark in find_card(page, "conversations", "cognigy").find_one("svg").find_all("title")]
    assert (len(marks), marks[0]) == (28, "Sat 1 Mar 2025: 1,010 conversations")


def test_lines_are_distinguishable_without_colour() -> None:
    assert len(GLYPHS) == len(POINT_SHAPES) == len(set(POINT_SHAPES))


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_colours_contrast_with_the_paper(scheme: str) -> None:
    """WCAG asks for a contrast of 4.5 to 1 for text, and of 3 to 1 for the marks of charts."""
    blocks = re.findall(r":root \{(.*?)\}", write_style(load_theme("auto")), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[["light", "dark", "print"].index(scheme)]))
    for name in ("ink", "soft"):
        assert min(_contrast(colours[name], colours[under]) for under in ("paper", "wash")) >= 4.5, name
    drawn = {name for name in colours if name.startswith("slot-")} | {"rest", "settled", "failed", "hollow"}
    assert len(drawn) == SLOT_COUNT + 4
    assert {name for name in drawn if _contrast(colours[name], colours["paper"]) < 3} == set()


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_name_from_outside_is_only_a_text(report: Report) -> None:
    panel = Panel("account", Figure("1", "1"), Chart("bars", "day", [MARCH], [Mark(MARCH, 1, 1, "1")], "Bars."))
    accounts = Section(
        "accounts", "Accounts", "Accounts", "", [Card("provider", panels=[panel], folded_panels=[panel])]
    )
    full = replace(report, sections=[*report.sections, accounts], attention=["A load failed."])
    html = render_page(_make_hostile(full), Look(logo=LOGO))
    page = parse_page(html)
    allowed = {"html", "head", "meta", "link", "title", "style", "body", "header", "main", "footer", "section", "nav"}
    allowed |= {"article", "details", "summary", "figure", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"h1", "h2", "h3", "p", "span", "small", "strong", "i", "a", "code", "data", "div", "ul", "li"}
    allowed |= {"svg", "g", "path", "line", "text", "pre", "img", "strong", "h4"}
    assert {element.tag for element in page.descendants()} == allowed
    assert not [name for element in page.descendants() for name in element.attributes if name.startswith("on")]
    assert html.count(HOSTILE_NAME) == 0
    assert page.text.count(HOSTILE_NAME) > 200
    assert page.find_one("nav").text.split()[0] == "Conversations"


def _make_hostile(value: Any, field_name: str = "") -> Any:
    """Return the report with a hostile text in place of every text that can come from outside."""
    if isinstance(value, str):
        return value if field_name in FIXED else HOSTILE_NAME
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: _make_hostile(getattr(value, name), name) for name in names})
    if isinstance(value, list | tuple):
        return type(value)(_make_hostile(item, field_name) for item in value)
    return value


def test_the_page_needs_nothing_and_runs_nothing(report: Report) -> None:
    html = render_page(report)
    page = parse_page(html)
    assert not page.find_all("script")
    assert "http" not in html.replace("http-equiv", "")
    assert "@import" not in html
    assert "url(" not in html
    assert {link.attributes["href"] for link in page.find_all("link")} == {"data:,"}
    assert all((link.attributes["href"] or "").startswith("#") for link in page.find_all("a"))
    [policy] = [
        meta for meta in page.find_all("meta") if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert (policy.attributes["content"] or "").startswith("default-src 'none';")


def test_every_link_leads_somewhere(page: Element) -> None:
    anchors = [element.attributes["id"] for element in page.descendants() if "id" in element.attributes]
    assert len(anchors) == len(set(anchors))
    assert {link.attributes["href"] for link in page.find_all("a")} <= {f"#{anchor}" for anchor in anchors}


def test_one_account_and_one_day(started_store: Store) -> None:
    commit_days(started_store, SUPPORT, [MARCH], {"conversation_daily": [{"date": MARCH, "conversations": 7}]})
    started_store.publish()
    report = build_report(started_store, ReportRequest([SUPPORT], MARCH, MARCH), NOW)
    assert report.period == "1 Mar 2025"
    page = parse_page(render_page(report))
    assert key_values(page) == {("cognigy", "Conversations"): "7"}
    assert len(find_card(page, "conversations", "cognigy").find_one("svg").find_all("title")) == 1


def test_before_anything_is_loaded(empty_store: Store) -> None:
    report = build_report(empty_store, ReportRequest([SUPPORT, VOICE]), NOW)
    assert "Nothing is loaded for these days yet." in report.warnings
    assert (report.period, report.loaded_slices, report.newest_load_at) == ("1 Mar – 28 Mar 2025", 0, "")
    assert report.key_figures.headers == ["Conversations"]
    assert [figure.figure.text for row in report.key_figures.rows for figure in row.figures] == ["–", "–"]
    page = parse_page(render_page(report))
    assert "Nothing was ever loaded." in page.text
    assert [strip.attributes["aria-label"] for strip in page.find_all("div", class_="strip")] == [
        "28 missing (missing 1 Mar – 28 Mar 2025)"
    ] * 2


def test_a_warehouse_without_slices(empty_store: Store) -> None:
    empty_store.set_accounts_and_measures([], [])
    empty_store.publish()
    report = build_report(empty_store, ReportRequest([build_cognigy_account("idle", start_date=None)]), NOW)
    assert (report.loaded_slices, report.due_slices) == (0, 0)
    assert "no day is due" in render_page(report)


def test_the_worst_map_is_of_a_bounded_size(report: Report) -> None:
    columns = [StateSpan("failed" if at % 2 else "stale", at, 1) for at in range(105)]
    timelines = [
        AccountTimeline(f"account-{number}", "chatcaptain", columns, 0, 105, "everything failed")
        for number in range(120)
    ]
    worst = replace(report, coverage=CoverageMap(105, [(0, "1 Mar")], timelines, (), "One column is a week."))
    assert len(render_page(worst)) - len(render_page(report)) < 800_000
