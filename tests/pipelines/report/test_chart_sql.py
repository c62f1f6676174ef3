"""The SQL that is shown with a card returns the numbers of the card."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import pytest

from extractors.account import Account
from pipelines.report.build import ReportRequest, build_report
from pipelines.report.format import format_count, format_number
from pipelines.report.languages import name_language
from pipelines.report.model import Card, Chart, Report
from tests.support.report_warehouse import MARCH, NOW
from warehouse.query import ReadSession
from warehouse.store import Store

Numbers = dict[tuple[object, ...], float]


@dataclass(frozen=True)
class RichReport:
    """A report with every kind of card, its accounts, and a session on its warehouse."""

    report: Report
    accounts: list[Account]
    session: ReadSession

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows, with instants at midnight as dates, and without rows that have no number."""
        rows = [tuple(row.values()) for row in self.session.run(sql).to_pylist()]
        return [tuple(map(_as_date, row)) for row in rows if row[-1] is not None]

    def query_numbers(self, sql: str) -> Numbers:
        return {tuple(key): float(str(value)) for *key, value in self.query(sql)}

    def list_cards(self, *, with_chart: bool) -> Iterator[tuple[str, Card]]:
        for section in self.report.sections:
            for card in section.cards:
                if bool(card.chart) == with_chart and not card.panels:
                    yield section.name, card


@pytest.fixture(scope="module", params=[MARCH, date(2024, 4, 1)], ids=["days", "weeks"])
def rich(rich_store: tuple[Store, list[Account]], request: pytest.FixtureRequest) -> Iterator[RichReport]:
    store, accounts = rich_store
    report = build_report(store, ReportRequest(accounts, request.param), NOW)
    with store.open_session() as session:
        yield RichReport(report, accounts, session)


def _as_date(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


def read_chart(card: Card, chart: Chart) -> Numbers:
    """Return the drawn numbers by series, where there are several, and bucket. An empty stack has no rows."""
    names = {line.slot: line.name for line in card.lines if line.slot is not None}
    numbers: Numbers = {}
    for mark in chart.marks:
        bucket = mark.bucket_date.isoweekday() if chart.bucket_unit == "weekday" else mark.bucket_date
        if mark.value or not names:
            numbers[(names[mark.slot], bucket) if names else (bucket,)] = mark.value
    return numbers


def test_each_chart_has_the_numbers_of_its_sql(rich: RichReport) -> None:
    compared = []
    for name, card in rich.list_cards(with_chart=True):
        assert card.chart
        assert card.sql, card.title
        drawn = read_chart(card, card.chart)
        assert rich.query_numbers(card.sql) == pytest.approx(drawn, abs=1e-6), card.title
        compared.append(name)
    assert set(compared) == {"conversations", "weekdays", "channels", "costs", "months"}


def test_small_multiples_have_the_numbers_of_their_sql(rich: RichReport) -> None:
    [section] = [section for section in rich.report.sections if section.name == "accounts"]
    [card] = section.cards
    drawn = {
        (panel.account, *key): value
        for panel in card.panels
        for key, value in read_chart(Card(""), panel.chart).items()
    }
    assert [panel.account for panel in card.panels] == ["voice", "second"]
    assert rich.query_numbers(card.sql) == drawn


def test_each_list_has_the_numbers_of_its_sql(rich: RichReport) -> None:
    compared = []
    for name, card in rich.list_cards(with_chart=False):
        if card.lines:
            rows = rich.query(card.sql)
            shown = [(line.name, line.value.removeprefix("≥ ")) for line in card.lines]
            names = [str(row[-2]) for row in rows]
            if card.title.startswith("Languages"):
                names = [name_language(code) for code in names]
            numbers = [format_number(int(str(row[-1]))) for row in rows]
            assert list(zip(names, numbers, strict=True)) == shown, card.title
            compared.append(name)
    assert set(compared) == {"intents", "places", "ends"}


def test_key_figures_and_data_quality_have_their_sql(rich: RichReport) -> None:
    rows = rich.session.run(rich.report.key_figures.sql).to_pylist()
    shown = {row.provider: row.figures[0].figure.exact for row in rich.report.key_figures.rows}
    assert {row["provider"]: str(int(row["conversations"])) for row in rows} == shown
    cards = {card.title: card for card in rich.report.data_quality.cards}
    states = rich.query(cards["Loaded"].sql)
    assert {account for account, *_ in states} == {account.name for account in rich.accounts}
    loaded = sum(int(str(days)) for _, state, days in states if state in ("loaded", "settled"))
    assert loaded == rich.report.loaded_slices
    assert rich.query(cards["Restated"].sql) == rich.query(cards["Drift"].sql) == []
    unexplained = rich.query(cards["Unexplained"].sql)
    lines = [(line.name, line.value) for line in cards["Unexplained"].lines]
    assert [(row[0], format_count(int(str(row[-1])), "day")) for row in unexplained] == lines


def test_only_where_the_warehouse_has_other_accounts_does_a_statement_name_them(rich: RichReport) -> None:
    sql = {card.title: card.sql for name, card in rich.list_cards(with_chart=True) if name == "conversations"}
    assert "account IN ('support')" in sql["cognigy"]
    assert "account IN" not in sql["chatdash"]
