"""Bars and points of a part of their days: drawn in another way, and named with that part in tooltip and table."""

from datetime import date, timedelta

from pipelines.report.build import ReportRequest, build_report
from pipelines.report.page.html import render_page
from tests.support.html_page import Element, find_card, parse_page, rows_by_label
from tests.support.report_warehouse import NOW, build_cognigy_account, commit_days
from tests.warehouse.sample import consecutive_days
from warehouse.store import Store


def test_months_in_part_say_so(page: Element) -> None:
    card = find_card(page, "months", "Messages understood")
    assert card.find_one("table", class_="figures").rows == [["sales", "90.0%", "88.9% (28 of 31 days)"]]
    assert "28 of 31 days" in card.find_one("table", class_="lines").text
    points = [path for path in card.find_all("path") if path.find_all("title")]
    assert {point.text: point.attributes["fill"] == "var(--paper)" for point in points} == {
        "sales, Feb 2025: 90.0%": False,
        "sales, Mar 2025 (28 of 31 days): 88.9%": True,
    }
    assert "Hollow points are months in part" in page.find_one("section", id="months").text


def test_bars_of_a_part_of_their_days_say_so(started_store: Store) -> None:
    first = date(2025, 1, 30)
    days = consecutive_days(58, first)
    account = build_cognigy_account("support", start_date=first)
    facts = {"conversation_daily": [{"date": day, "conversations": 10} for day in days]}
    facts["channel_daily"] = [{"date": day, "channel_code": "webchat", "conversations": 10} for day in days]
    commit_days(started_store, account, days, facts)
    started_store.publish()
    request = ReportRequest([account], first - timedelta(800), days[-1])  # so long that a bar is a month
    page = parse_page(render_page(build_report(started_store, request, NOW)))
    rows = rows_by_label(find_card(page, "conversations", "cognigy").find_all("table", class_="figures")[0])
    assert {name: count for name, [count] in rows.items() if count != "–"} == {
        "Jan 2025 (2 of 31 days)": "20",
        "Feb 2025": "280",
        "Mar 2025 (28 of 31 days)": "280",
    }
    for section in ("conversations", "channels"):
        bars = [path for path in find_card(page, section, "cognigy").find_all("path") if path.find_all("title")]
        hollow = {
            bar.text.split(":")[0].split(",")[0]: bar.attributes["fill"] == "var(--paper)"
            for bar in bars
            if bar.attributes.get("class") != "frame"
        }
        assert hollow == {"Jan 2025 (2 of 31 days)": True, "Feb 2025": False, "Mar 2025 (28 of 31 days)": True}
        assert "Hollow bars are of a part of their days" in page.find_one("section", id=section).text
