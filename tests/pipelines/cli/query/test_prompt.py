"""The prompt with keys that are typed into it; what is drawn on the terminal is not looked at."""

import stat
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from pipelines.cli.query import prompt as prompting
from pipelines.cli.query.catalog import Catalog, read_catalog
from pipelines.cli.query.prompt import SqlCompleter, can_submit, run_prompt
from pipelines.cli.query.statements import SqlSession
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
    monkeypatch.setattr(prompting.click, "get_app_dir", lambda _name: str(tmp_path / "home"))
    monkeypatch.setattr(prompting, "create_output", lambda **_: DummyOutput())
    return tmp_path / "home"


def typed(store: Store, keys: str) -> list[list[dict[str, object]]]:
    """The answers to what is typed."""
    found: list[list[dict[str, object]]] = []

    def answer(session: SqlSession, text: str) -> None:
        found.extend(table.to_pylist() for table in session.execute(text))

    with create_pipe_input() as keyboard, create_app_session(input=keyboard):
        keyboard.send_text(keys)
        run_prompt(store, answer)
    return found


def test_a_statement_of_several_lines_is_one_question(store: Store) -> None:
    assert typed(store, "select 1 as a,\r'x;\ry' as b\r; select 2 as c;\r.quit\r") == [
        [{"a": 1, "b": "x;\ny"}],
        [{"c": 2}],
    ]


def test_what_is_set_up_stays_until_the_end(store: Store) -> None:
    assert typed(store, "create temp table x as select 7 as a;\rselect a from x;\r\\q\r") == [[{"a": 7}]]


def test_the_prompt_outlives_mistakes(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    keys = "selec;\r.nonsense\r.describe chanel_daily\rhalf of it\x03\r\rselect 1 as a;\r\x04"
    assert typed(store, keys) == [[{"a": 1}]]
    said = capsys.readouterr().err
    assert 'syntax error at or near "selec"' in said
    assert "there is no command .nonsense; .help" in said
    assert "did you mean channel_daily" in said


def test_commands_show_what_there_is(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    typed(store, ".views\r.describe team_daily;\r\\d topic_daily\rhelp\rexit\r")
    said = capsys.readouterr()
    assert "conversation_daily  Totals of an account" in said.out
    assert "team_daily (breakdowns)" in said.out
    assert "topic_daily (breakdowns)" in said.out
    assert ".describe NAME" in said.err
    assert str(store.location) in said.err


def test_questions_are_remembered_for_their_owner_only(store: Store, home: Path) -> None:
    typed(store, "select 'remembered';\r.quit\r")
    history = home / "sql_history"
    assert "select 'remembered';" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert typed(store, "\x10\x10\r.quit\r") == [[{"'remembered'": "remembered"}]]  # Ctrl-P twice


def test_a_home_that_cannot_be_written_is_no_obstacle(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(prompting.click, "get_app_dir", lambda _name: str(tmp_path / "file"))
    assert typed(store, "select 1 as a;\r.quit\r") == [[{"a": 1}]]


def test_nothing_is_asked_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingPublished):
        typed(open_sample_store(tmp_path), "")


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
    found = [each.text for each in SqlCompleter(catalog, WORDS).get_completions(Document(text), CompleteEvent())]
    assert offered <= set(found)
    assert not withheld & set(found)
    assert len(found) == len(set(found))
