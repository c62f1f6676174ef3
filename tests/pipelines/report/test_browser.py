"""The page in Chromium, light and dark, on a desktop and on a phone: it fits and requests nothing."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors.account import Account
from pipelines.report.build import ReportRequest, build_report
from pipelines.report.page.html import Look, render_page
from pipelines.report.page.logo import read_logo
from pipelines.report.page.palette import load_theme
from tests.support.browser import CHROMIUM, CHROMIUM_MISSING, Tab, open_chromium_tab
from tests.support.report_warehouse import ACCOUNTS, NOW
from warehouse.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=CHROMIUM_MISSING)]

DESKTOP, PHONE = 1280, 390
OVERFLOWING = """
[...document.querySelectorAll('body *')].filter(element => !element.closest('.scroll')
    && !element.closest('.visually-hidden')
    && element.getBoundingClientRect().right > innerWidth + 0.5).map(element => element.outerHTML.slice(0, 80))
"""
COLOURS = """
[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
    getComputedStyle(document.querySelector('#conversations path[fill^=var]')).fill]
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, filled_file: Store) -> str:
    page = tmp_path_factory.mktemp("browser") / "report.html"
    page.write_text(render_page(build_report(filled_file, ReportRequest(ACCOUNTS), NOW)), "utf-8")
    return page.as_uri()


@pytest.fixture(scope="module")
def rich_address(tmp_path_factory: pytest.TempPathFactory, rich_store: tuple[Store, list[Account]]) -> str:
    """A page with every section, in the dark theme and with a logo."""
    store, accounts = rich_store
    folder = tmp_path_factory.mktemp("rich-browser")
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"></svg>')
    look = Look(load_theme("dark"), read_logo(folder / "logo.svg"))
    request = ReportRequest(accounts, title="Acme", attention=["voice: a day failed."])
    (folder / "report.html").write_text(render_page(build_report(store, request, NOW), look), "utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with open_chromium_tab() as running:
        yield running


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_it_fits_and_logs_nothing(tab: Tab, address: str, width: int, dark: bool, tmp_path: Path) -> None:
    tab.open(address, width=width, dark=dark)
    assert tab.console_messages == []
    assert [url for url in tab.requested_urls if not url.startswith("data:")] == [address]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERFLOWING) == []
    picture = tab.capture_screenshot()
    assert picture.startswith(b"\x89PNG")
    wide, high = struct.unpack(">II", picture[16:24])
    assert width - 20 <= wide <= width  # less a scrollbar
    assert high > 2000


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_it_fits_with_every_section_unfolded(tab: Tab, rich_address: str, width: int) -> None:
    tab.open(rich_address, width=width, dark=False)
    tab.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    assert tab.evaluate("document.querySelectorAll('svg.small').length") == 2
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERFLOWING) == []
    assert tab.console_messages == []


def test_a_theme_does_not_follow_the_display_and_a_logo_is_drawn(tab: Tab, rich_address: str) -> None:
    tab.open(rich_address, width=DESKTOP, dark=False)
    assert _brightness(tab.evaluate(COLOURS)[0]) < 60
    assert tab.evaluate("document.querySelector('.brand img').naturalWidth") == 4
    assert [url for url in tab.requested_urls if not url.startswith("data:")] == [rich_address]


def test_a_statement_is_selected_by_one_click(tab: Tab, rich_address: str) -> None:
    tab.open(rich_address, width=DESKTOP, dark=False)
    tab.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    x, y, text = tab.evaluate("""(() => {
        const element = document.querySelector('pre');
        element.scrollIntoView();
        const box = element.getBoundingClientRect();
        return [box.x + 20, box.y + 20, element.innerText];
    })()""")
    for kind in ("mousePressed", "mouseReleased"):
        tab.send_command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    assert tab.evaluate("getSelection().toString().trim()") == text.strip()


def test_charts_follow_the_page_into_the_dark(tab: Tab, address: str) -> None:
    colours = []
    for dark in (False, True):
        tab.open(address, width=DESKTOP, dark=dark)
        colours.append(tab.evaluate(COLOURS))
    light_colours, dark_colours = colours
    assert all(colour.startswith("rgb") for colour in (*light_colours, *dark_colours))
    assert all(light != dark for light, dark in zip(light_colours, dark_colours, strict=True))
    assert _brightness(light_colours[0]) > 200 > 60 > _brightness(dark_colours[0])


def test_no_name_from_outside_runs(tab: Tab, address: str) -> None:
    tab.open(address, width=DESKTOP, dark=False)
    assert tab.evaluate("document.scripts.length") == 0
    assert tab.evaluate("document.body.innerText.includes(\"<script>alert('x')</script>\")") is True


def test_figures_unfold_without_breaking_the_page(tab: Tab, address: str) -> None:
    tab.open(address, width=PHONE, dark=False)
    before = tab.evaluate("document.documentElement.scrollHeight")
    tab.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    assert tab.evaluate("document.documentElement.scrollHeight") > before
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_it_can_be_printed(tab: Tab, address: str) -> None:
    tab.open(address, width=DESKTOP, dark=True)
    assert tab.print_pdf().startswith(b"%PDF")


def _brightness(colour: str) -> float:
    parts = [float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    return sum(parts) / len(parts)
