"""The prompt with typed keys: results, commands, completion, history. What the terminal draws is not tested."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from pipelines.cli.query import prompt as prompt_module
from pipelines.cli.query import results as results_module
from pipelines.cli.query.catalog import Catalog, read_catalog
from pipelines.cli.query.prompt import SqlCompleter, can_submit, run_prompt
from pipelines.cli.query.results import OutputOptions
from pipelines.cli.query.statements import SqlSession
from tests.support.terminal import Terminal
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, open_sample_store
from warehouse.errors import NothingPublished
from warehouse.store import Store

WORDS = (("select", "keyword"), ("sum", "function"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("store"))
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 10)))
    store.publish()
    return store


@pytest.fixture(scope="module")
def catalog(store: Store) -> Catalog:
    return read_catalog(store)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prompt_module.click, "get_app_dir", lambda _name: str(tmp_path / "home"))
    monkeypatch.setattr(prompt_module, "create_output", lambda **_: DummyOutput())
    return tmp_path / "home"


@dataclass(frozen=True)
class Collector(OutputOptions):
    """Collects the rows of each result in place of writing them."""

    results: list[list[dict[str, object]]] = field(default_factory=list)

    def write_results(self, session: SqlSession, text: str) -> None:
        self.results.extend(table.to_pylist() for table in session.execute(text))


def type_keys(store: Store, keys: str) -> list[list[dict[str, object]]]:
    """Type keys at the prompt and return the rows of each result."""
    collector = Collector()
    with create_pipe_input() as keyboard, create_app_session(input=keyboard):
        keyboard.send_text(keys)
        run_prompt(store, collector)
    return collector.results


def test_a_statement_of_several_lines_is_one_query(store: Store) -> None:
    assert type_keys(store, "select 1 as a,\r'x;\ry' as b\r; select 2 as c;\r.quit\r") == [
        [{"a": 1, "b": "x;\ny"}],
        [{"c": 2}],
    ]


def test_settings_and_tables_stay_until_the_end(store: Store) -> None:
    assert type_keys(store, "create temp table x as select 7 as a;\rselect a from x;\r\\q\r") == [[{"a": 7}]]


def test_the_prompt_outlives_mistakes(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    keys = "selec;\r.nonsense\r.describe chanel_daily\rhalf of it\x03\r\rselect 1 as a;\r\x04"
    assert type_keys(store, keys) == [[{"a": 1}]]
    messages = capsys.readouterr().err
    assert 'syntax error at or near "selec"' in messages
    assert "there is no command .nonsense; .help" in messages
    assert "did you mean channel_daily" in messages


def test_a_newer_warehouse_is_announced_once_and_opened_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (first, second) = open_sample_store(tmp_path), consecutive_days(2)
    store.commit(build_chunk_commit([first], build_full_tables([first], 10)))
    store.publish()
    run = SqlSession.execute

    def publish_after_first(session: SqlSession, text: str) -> Iterator[pa.Table]:
        yield from run(session, text)
        if "'load'" in text:
            store.commit(build_chunk_commit([second], build_full_tables([second], 10)))
            store.publish()

    monkeypatch.setattr(SqlSession, "execute", publish_after_first)
    count = "select count(*) as n from conversation_daily;\r"
    keys = f"create temp table x as select 'load' as a;\r{count}{count}.reopen\r{count}select a from x;\r.quit\r"
    assert type_keys(store, keys) == [[{"n": 1}], [{"n": 1}], [{"n": 2}]]
    messages = capsys.readouterr().err
    assert messages.count("A load has published a newer warehouse") == 1
    assert "There is no view x: chatmart sql --list shows all" in messages


def test_commands_list_and_describe_views(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    type_keys(store, ".tables\r.describe team_daily;\r\\d topic_daily\rhelp\rexit\r")
    output = capsys.readouterr()
    assert "conversation_daily  Totals of an account" in output.out
    assert "team_daily (breakdowns)" in output.out
    assert "topic_daily (breakdowns)" in output.out
    assert ".describe NAME" in output.err
    assert "(also quit, exit, \\q)" in output.err
    assert str(store.location) in output.err


def test_the_history_is_readable_by_its_owner_only(store: Store, home: Path) -> None:
    type_keys(store, "select 'remembered';\r.quit\r")
    history = home / "sql_history"
    assert "select 'remembered';" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert type_keys(store, "\x10\x10\r.quit\r") == [[{"'remembered'": "remembered"}]]  # Ctrl-P twice


def test_a_home_that_cannot_be_written_is_no_obstacle(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(prompt_module.click, "get_app_dir", lambda _name: str(tmp_path / "file"))
    assert type_keys(store, "select 1 as a;\r.quit\r") == [[{"a": 1}]]


def test_an_unpublished_store_has_no_prompt(tmp_path: Path) -> None:
    with pytest.raises(NothingPublished):
        type_keys(open_sample_store(tmp_path), "")


@pytest.mark.parametrize("text", ["", ".views", "\\d", "quit", "select 1;", "select 1; -- so"])
def test_enter_sends(text: str) -> None:
    assert can_submit(text)


@pytest.mark.parametrize("text", ["select 1", "select ';'", "select 'x;"])
def test_enter_goes_on(text: str) -> None:
    assert not can_submit(text)


@pytest.mark.parametrize(
    ("text", "offered", "withheld"),
    [
        ("select * from chan", {"channel_daily"}, {"channel", "channel_code"}),
        ("select chan", {"channel", "channel_code", "channel_daily"}, set()),
        ("select sum(conv", {"conversations", "conversation_daily"}, set()),
        ("select a.account, channel_daily.chan", {"channel", "channel_code"}, {"channel_daily"}),
        ("from topic_daily select top", {"topic"}, {"channel"}),
        (".describe tea", {"team_daily"}, set()),
        ("SEL", {"select"}, set()),
        ("from fact", set(), {"fact_channel_daily"}),
    ],
)
def test_names_are_completed(catalog: Catalog, text: str, offered: set[str], withheld: set[str]) -> None:
    names = [
        completion.text for completion in SqlCompleter(catalog, WORDS).get_completions(Document(text), CompleteEvent())
    ]
    assert offered <= set(names)
    assert not withheld & set(names)
    assert len(names) == len(set(names))


def test_commands_change_how_results_are_written(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer.csv"
    query = "select 'ä' as text, range as n from range(3);\r"
    keys = (
        f".rows 2\r{query}\\x\r{query}\\x off\r.output {file}\r{query}.output\r"
        ".rows many\r.pager maybe\r.output a.xls\r.exanded\r.quit\r"
    )
    with create_pipe_input() as keyboard, create_app_session(input=keyboard):
        keyboard.send_text(keys)
        run_prompt(store, OutputOptions())
    output = capsys.readouterr()
    table = ["text  n", "ä     0", "ä     1"]
    assert output.out.splitlines() == [*table, "row 1", "text  ä", "n     0", "", "row 2", "text  ä", "n     1"]
    assert file.read_text("utf-8") == "text,n\nä,0\nä,1\nä,2\n"
    for sentence in (
        "1 of the rows are not shown",
        f"results go to {file}",
        "results go to the terminal",
        ".rows takes a number",
        "on or off, not maybe",
        "no format has the ending .xls; name the file .csv, .json, .parquet, .xlsx, .txt",
        "did you mean .expanded?",
    ):
        assert sentence in output.err


def test_a_table_wider_than_the_window_is_scrolled(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, pages = Terminal(), []
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LESS", "-R")
    monkeypatch.setattr(results_module.click, "echo_via_pager", pages.append)
    wide = f"select {', '.join(f'{number} as column_{number}' for number in range(9))};"
    output = OutputOptions().for_prompt()
    with SqlSession.open(store) as session:
        output.write_results(session, "select 1 as a;")
        output.write_results(session, wide)
        replace(output, is_paged=False).write_results(session, wide)
    [page] = pages
    assert "column_8" in page
    assert "column_8" not in terminal.getvalue()
    assert "no room for column_" in capsys.readouterr().err
