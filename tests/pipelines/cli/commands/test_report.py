"""`chatmart report`: the path of the page, messages and exit codes. Its content: the tests of pipelines.report."""

import webbrowser
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pipelines.report.format import format_bucket
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.html_page import find_card, parse_page, rows_by_label
from tests.support.installation import Installation, days_from

FIRST = date(2025, 3, 1)
SUPPORT = next(account for account in SAMPLE_ACCOUNTS if account.name == "acme-support")
DOCS = next(account for account in SAMPLE_ACCOUNTS if account.provider == "inkeep")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    with Sandbox() as sandbox:
        overrides = {account.name: {"start_date": str(FIRST)} for account in (SUPPORT, DOCS)}
        loaded = Installation(tmp_path_factory.mktemp("report"), sandbox, (SUPPORT, DOCS), overrides)
        assert loaded.load(days_from(FIRST, 7)).is_ok
    return loaded


def run_report(installation: Installation, capsys: pytest.CaptureFixture[str], *arguments: object) -> CommandResult:
    return run_chatmart(capsys, "--config", installation.folder / "chatmart.yaml", "report", *arguments)


@pytest.mark.e2e
def test_it_is_written_beside_the_warehouse_and_shows_the_numbers_of_sql(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_report(installation, capsys, "--from", FIRST, "--to", "2025-03-07")
    written = installation.folder / "data" / "report.html"
    assert (result.exit_code, result.out, result.err) == (0, f"{written}\n", "")
    assert not list(written.parent.glob("*.part"))
    page = parse_page(written.read_text("utf-8"))
    for account in (SUPPORT, DOCS):
        query = f"select date, conversations from conversation_daily where account = '{account.name}' order by 1"
        rows = installation.query(query)
        shown = rows_by_label(find_card(page, "conversations", account.provider).find_one("table", class_="figures"))
        assert shown == {
            format_bucket(date.fromisoformat(row["date"]), "day"): [str(row["conversations"])] for row in rows
        }
        assert len(rows) == 7


@pytest.mark.e2e
def test_it_is_written_to_the_file_of_the_option(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wanted = tmp_path / "a page.html"
    wanted.write_text("what was there")
    result = run_report(installation, capsys, "--output", wanted, "--provider", "inkeep", "--account", DOCS.name)
    assert (result.exit_code, result.out) == (0, f"{wanted}\n")
    section = parse_page(wanted.read_text("utf-8")).find_one("section", id="conversations")
    assert [heading.text for heading in section.find_all("h3")] == ["inkeep"]
    assert [path.name for path in tmp_path.iterdir()] == ["a page.html"]


@pytest.mark.e2e
def test_it_is_shown_in_the_browser(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        return len(shown) == 1

    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.chdir(tmp_path)
    assert run_report(installation, capsys, "-o", "page.html", "--open").err == ""
    assert shown == [(tmp_path / "page.html").as_uri()]
    without = run_report(installation, capsys, "-o", "page.html", "--open")
    assert (without.exit_code, without.err) == (0, "No browser could be opened.\n")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["--from", "2025-03-09", "--to", "2025-03-01"], "there are no days from 2025-03-09 to 2025-03-01"),
        (["--account", "nobody"], "there is no account 'nobody'"),
        (["--from", "yesterday"], "'yesterday': it is no day"),
    ],
)
def test_wrong_use(
    installation: Installation, capsys: pytest.CaptureFixture[str], arguments: list[str], because: str
) -> None:
    result = run_report(installation, capsys, *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert because in result.err


@pytest.mark.e2e
def test_before_the_first_load_it_is_written_beside_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        installation = Installation(tmp_path, sandbox, (SUPPORT,))
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    result = run_report(installation, capsys)
    assert (result.exit_code, result.out) == (0, f"{tmp_path / 'report.html'}\n")
    assert "Nothing was ever loaded." in (tmp_path / "report.html").read_text("utf-8")
    assert not (tmp_path / "data").exists()


@pytest.mark.e2e
def test_its_look_is_that_of_the_options_and_else_of_the_configuration(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (installation.folder / "logo.svg").write_text("<svg xmlns='x'></svg>")
    (installation.folder / "brand.yaml").write_text('paper: "#ffffff"\nsoft: "#cccccc"\n')
    document = yaml.safe_load((installation.folder / "chatmart.yaml").read_text())
    document["report"] = {"title": "Acme", "logo": "logo.svg", "theme": "brand.yaml"}
    config = installation.folder / "branded.yaml"
    config.write_text(yaml.safe_dump(document))
    result = run_chatmart(capsys, "--config", config, "report", "-o", tmp_path / "page.html")
    assert (result.exit_code, result.err.count("\n")) == (0, 1)
    assert result.err.startswith("warning: brand.yaml: soft (#cccccc) has a contrast of 1.6 to the paper")
    html = (tmp_path / "page.html").read_text("utf-8")
    assert "--soft: #cccccc;" in html
    assert parse_page(html).find_one("p", class_="brand").text == "Acme"
    assert (parse_page(html).find_one("img").attributes["src"] or "").startswith("data:image/svg+xml;base64,")
    options = ("--title", "Globex", "--theme", "dark", "-o", tmp_path / "page.html")
    result = run_chatmart(capsys, "--config", config, "report", *options)
    assert (result.exit_code, result.err) == (0, "")
    html = (tmp_path / "page.html").read_text("utf-8")
    assert "color-scheme: dark;" in html
    assert parse_page(html).find_one("p", class_="brand").text == "Globex"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["--theme", "drak"], "there is no theme and no file 'drak'"),
        (["--logo", "chatmart.yaml"], "the logo chatmart.yaml cannot be read: No such file or directory"),
    ],
)
def test_a_look_that_cannot_be_used_is_refused_before_anything_is_written(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], because: str
) -> None:
    result = run_report(installation, capsys, "-o", tmp_path / "page.html", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert because in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.e2e
def test_each_statement_of_the_page_runs_in_the_command_sql(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_report(installation, capsys, "--from", FIRST, "--to", "2025-03-07", "-o", tmp_path / "page.html")
    page = parse_page((tmp_path / "page.html").read_text("utf-8"))
    statements = [element.text for element in page.find_all("pre")]
    assert len(statements) >= 8
    config = installation.folder / "chatmart.yaml"
    result = run_chatmart(capsys, "--config", config, "sql", "--format", "table", ";\n".join(statements))
    assert (result.exit_code, result.err) == (0, "")
    shown = find_card(page, "conversations", SUPPORT.provider)
    first = run_chatmart(capsys, "--config", config, "sql", "--format", "csv", shown.find_one("pre").text)
    rows = [line.split(",") for line in first.out.splitlines()[1:]]
    table = rows_by_label(shown.find_one("table", class_="figures"))
    assert {format_bucket(date.fromisoformat(day), "day"): [count] for day, count in rows} == table


@pytest.mark.e2e
def test_one_of_recent_days_begins_with_what_needs_somebody_as_the_status_does(
    installation: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    banner = run_chatmart(capsys, "--config", installation.folder / "chatmart.yaml", "status").out.splitlines()[0]
    assert banner.endswith("need somebody.")  # the loaded days are long ago
    run_report(installation, capsys, "--output", tmp_path / "page.html")
    assert not parse_page((tmp_path / "page.html").read_text("utf-8")).find_all("div", class_="attention")
    today = datetime.now(UTC).date()
    result = run_report(installation, capsys, "--from", today - timedelta(7), "--output", tmp_path / "new.html")
    attention = parse_page((tmp_path / "new.html").read_text("utf-8")).find_one("div", class_="attention")
    assert attention.find_all("li")[0].text == banner
    assert "Nothing is loaded for these days yet. Loaded days lie between 2025-" in result.err
