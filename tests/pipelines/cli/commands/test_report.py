"""`chatmart report`: where the page is written and what is said. What stands in it: the tests of pipelines.report."""

import webbrowser
from datetime import date
from pathlib import Path

import pytest

from pipelines.report.format import bucket
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import Said, chatmart
from tests.support.html_page import card, figures, read
from tests.support.installation import Product, days_from

FIRST = date(2025, 3, 1)
SUPPORT = next(account for account in DEMO_ACCOUNTS if account.name == "acme-support")
DOCS = next(account for account in DEMO_ACCOUNTS if account.provider == "inkeep")


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Product:
    with Sandbox() as sandbox:
        overrides = {each.name: {"start_date": str(FIRST)} for each in (SUPPORT, DOCS)}
        loaded = Product(tmp_path_factory.mktemp("report"), sandbox, (SUPPORT, DOCS), overrides)
        assert loaded.load(days_from(FIRST, 7)).ok
    return loaded


def report(bot: Product, capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    return chatmart(capsys, "--config", bot.folder / "chatmart.yaml", "report", *arguments)


@pytest.mark.e2e
def test_it_is_written_beside_the_warehouse_and_tells_what_sql_tells(
    bot: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    said = report(bot, capsys, "--from", FIRST, "--to", "2025-03-07")
    written = bot.folder / "data" / "report.html"
    assert (said.code, said.out, said.err) == (0, f"{written}\n", "")
    assert not list(written.parent.glob("*.part"))
    page = read(written.read_text("utf-8"))
    for account in (SUPPORT, DOCS):
        query = f"select date, conversations from conversation_daily where account = '{account.name}' order by 1"
        rows = bot.ask(query)
        shown = figures(card(page, "conversations", account.provider).one("table", class_="figures"))
        assert shown == {bucket(date.fromisoformat(row["date"]), "day"): [str(row["conversations"])] for row in rows}
        assert len(rows) == 7


@pytest.mark.e2e
def test_it_is_written_where_one_wants_it(bot: Product, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wanted = tmp_path / "a page.html"
    wanted.write_text("what was there")
    said = report(bot, capsys, "--output", wanted, "--provider", "inkeep", "--account", DOCS.name)
    assert (said.code, said.out) == (0, f"{wanted}\n")
    assert [each.text for each in read(wanted.read_text("utf-8")).one("section", id="conversations").all("h3")] == [
        "inkeep"
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["a page.html"]


@pytest.mark.e2e
def test_it_is_shown_in_the_browser(
    bot: Product, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        return len(shown) == 1

    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.chdir(tmp_path)
    assert report(bot, capsys, "-o", "page.html", "--open").err == ""
    assert shown == [(tmp_path / "page.html").as_uri()]
    without = report(bot, capsys, "-o", "page.html", "--open")
    assert (without.code, without.err) == (0, "There is no browser to show it in.\n")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["--from", "2025-03-09", "--to", "2025-03-01"], "there are no days from 2025-03-09 to 2025-03-01"),
        (["--account", "nobody"], "there is no account 'nobody'"),
        (["--from", "yesterday"], "'yesterday' does not match the format"),
    ],
)
def test_wrong_use(bot: Product, capsys: pytest.CaptureFixture[str], arguments: list[str], because: str) -> None:
    said = report(bot, capsys, *arguments)
    assert (said.code, said.out) == (2, "")
    assert because in said.err


@pytest.mark.e2e
def test_before_anything_is_loaded_it_stands_beside_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        bot = Product(tmp_path, sandbox, (SUPPORT,))
    for name, value in bot.environment.items():
        monkeypatch.setenv(name, value)
    said = report(bot, capsys)
    assert (said.code, said.out) == (0, f"{tmp_path / 'report.html'}\n")
    assert "Nothing was ever loaded." in (tmp_path / "report.html").read_text("utf-8")
    assert not (tmp_path / "data").exists()
