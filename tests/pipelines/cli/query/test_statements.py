from pathlib import Path

import pytest

from pipelines.cli.query.statements import SqlSession, format_engine_error, has_result, is_complete, split_statements
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, open_sample_store
from warehouse.errors import QueryError
from warehouse.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("store"))
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 10)))
    store.publish()
    return store


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        ("select 'ü;' ; select \"a;b\" -- c;\n; /* ; */", ["select 'ü;'", 'select "a;b" -- c;']),
        ("-- nothing;\n", []),
        (" ;; ", []),
        ("select $$;$$; select 'open;", ["select $$;$$", "select 'open;"]),
    ],
)
def test_a_semicolon_ends_a_statement_only_where_it_is_one(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize("text", ["select 1", "select ';", "select 1 -- ;", "/* ;", "", "-- x", 'select ";'])
def test_a_statement_goes_on(text: str) -> None:
    assert not is_complete(text)


@pytest.mark.parametrize("text", ["select 1;", "select 1; -- so\n", "select 1; select 2 ;"])
def test_a_statement_is_whole(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize("text", ["\x1f", "$", "$$a", "\\", "€;🙂", "{;", "e'\\';' ;", "\x00", "?;$1"])
def test_any_text_can_be_cut(text: str) -> None:
    assert all(split_statements(text))


def test_which_statements_have_a_result() -> None:
    for statement in ("select 1", "from x", "describe x", "show tables", "explain select 1", "selec", "copy x to 'y'"):
        assert has_result(statement)
    for statement in ("set threads = 1", "create temp table x as select 1", "create macro f(a) as a", "use memory"):
        assert not has_result(statement)


def test_statements_run_in_order_and_keep_settings_and_tables(store: Store) -> None:
    session = SqlSession(store)
    first, second = session.execute("create temp table x as select 7 as a; select a from x; select a + 1 as b from x;")
    assert (first.to_pylist(), second.to_pylist()) == ([{"a": 7}], [{"b": 8}])
    (third,) = session.execute("select count(*) as n from conversation_daily, x")
    assert third.to_pylist() == [{"n": 3}]


def test_a_failed_statement_is_not_run_again(store: Store) -> None:
    session = SqlSession(store)
    with pytest.raises(QueryError, match="nowhere"):
        list(session.execute("create temp table x as select * from nowhere"))
    (result,) = session.execute("select count(*) days from conversation_daily")
    assert result.to_pylist() == [{"days": 3}]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "select * from conversaton_daily",
            'Catalog Error: Table with name conversaton_daily does not exist! Did you mean "conversation_daily"?',
        ),
        ("select messges from conversation_daily", 'not found in FROM clause! Candidate bindings: "messages"'),
        ("selec 1", 'Parser Error: syntax error at or near "selec"\nLINE 1: selec 1\n        ^^^^^'),
    ],
)
def test_the_error_of_a_wrong_query_is_a_readable_sentence(store: Store, query: str, says: str) -> None:
    with pytest.raises(QueryError) as wrong:
        list(SqlSession(store).execute(query))
    assert says in str(wrong.value)


def test_an_interrupted_query_is_a_keyboard_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_interrupt(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    store = open_sample_store(tmp_path)
    monkeypatch.setattr(store, "read", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(SqlSession(store).execute("select 1"))


def test_a_sentence_without_position_stays_as_it_is() -> None:
    assert format_engine_error("Conversion Error: no\n\n") == "Conversion Error: no"
