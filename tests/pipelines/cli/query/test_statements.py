from pathlib import Path

import duckdb
import pytest

from pipelines.cli.query.statements import SqlSession, has_result, is_complete, split_statements
from tests.warehouse.sample import (
    STORE_KINDS,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
)
from warehouse.errors import QueryError
from warehouse.store import ReadSession, Store

COUNT = "select count(*) as n from conversation_daily"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("store"))
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 10)))
    store.publish()
    return store


def run_statements(store: Store, *texts: str) -> list[list[dict[str, object]]]:
    """Run texts in one session and return the rows of each result."""
    with SqlSession.open(store) as session:
        return [table.to_pylist() for text in texts for table in session.execute(text)]


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
    text = "create temp table x as select 7 as a; select a from x; select a + 1 as b from x;"
    assert run_statements(store, text, "select count(*) as n from conversation_daily, x") == [
        [{"a": 7}],
        [{"b": 8}],
        [{"n": 3}],
    ]


def test_each_statement_runs_once(store: Store, tmp_path: Path) -> None:
    attached = f"attach '{tmp_path / 'own.duckdb'}' as own; create table own.t (n integer)"
    counts = "select count(*) as n from own.t"
    assert run_statements(store, attached, "insert into own.t values (1)", counts, counts) == [[{"n": 1}]] * 2
    with duckdb.connect(str(tmp_path / "own.duckdb")) as con:
        assert con.sql("from t").fetchall() == [(1,)]


def test_a_table_of_random_numbers_stays_as_it_is(store: Store) -> None:
    first, second = run_statements(store, "create temp table r as select random() as x", "from r", "from r")
    assert first == second


@pytest.mark.parametrize("kind", STORE_KINDS)
def test_a_transaction_spans_statements_and_ends_with_the_session(tmp_path: Path, kind: str) -> None:
    store = open_sample_store(tmp_path, kind)
    store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1), 10)))
    store.publish()
    own = f"attach '{tmp_path / 'own.duckdb'}' as own"
    texts = (
        "begin; create table own.t as select 1 as n; rollback",
        "begin; create table own.t as select 2 as n; commit",
    )
    assert run_statements(store, own, *texts, "from own.t") == [[{"n": 2}]]
    assert run_statements(store, own, "begin; update own.t set n = 3", "from own.t") == [[{"n": 3}]]
    assert run_statements(store, own, "from own.t", "use memory; detach wh") == [[{"n": 2}]]
    with pytest.raises(QueryError, match="no transaction is active"):
        run_statements(store, "commit")


def test_a_session_keeps_its_state_and_blocks_no_load(tmp_path: Path) -> None:
    for kind in STORE_KINDS:
        store = open_sample_store(tmp_path, kind)
        first, second = consecutive_days(2)
        store.commit(build_chunk_commit([first], build_full_tables([first], 10)))
        store.publish()
        with SqlSession.open(store) as session:
            list(session.execute("begin"))
            assert [table.to_pylist() for table in session.execute(COUNT)] == [[{"n": 1}]]
            assert not session.is_outdated
            store.commit(build_chunk_commit([second], build_full_tables([second], 10)))
            assert session.is_outdated == (kind == "delta"), "there, a commit is visible as soon as it is in the log"
            store.publish()
            assert session.is_outdated
            assert [table.to_pylist() for table in session.execute(COUNT)] == [[{"n": 1}]]
        assert run_statements(store, COUNT) == [[{"n": 2}]]


def test_rows_that_a_change_returns_and_pivots_are_results(store: Store) -> None:
    text = "create temp table x as select 1 as a, 'p' as b; insert into x values (2, 'q') returning a"
    pivot = "pivot (from x) on b using count(*) group by a order by a"
    assert run_statements(store, text, pivot, "prepare q as select 5 as five", "execute q") == [
        [{"a": 2}],
        [{"a": 1, "p": 1, "q": 0}, {"a": 2, "p": 0, "q": 1}],
        [{"five": 5}],
    ]


def test_a_failed_statement_is_not_run_again(store: Store) -> None:
    with SqlSession.open(store) as session:
        with pytest.raises(QueryError, match="nowhere"):
            list(session.execute("create temp table x as select * from nowhere"))
        (result,) = session.execute("select count(*) days from conversation_daily")
    assert result.to_pylist() == [{"days": 3}]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "select * from conversaton_daily",
            "There is no view conversaton_daily: did you mean conversation_daily?",
        ),
        ("select messges from conversation_daily", "There is no column messges: did you mean messages"),
        (
            "select date from conversation_daily\nwhere account = acme-shop",
            "There is no column acme. A text stands in single quotes: 'acme-shop'. conversation_daily has date",
        ),
        (
            "select date from conversation_daily\nwhere account = acme",
            "LINE 2: where account = acme\n                        ^^^^",
        ),
        (
            'select date from conversation_daily where "it\'s-me" = account',
            "There is no column it's-me. A text stands in single quotes: 'it''s-me'.\nLINE 1: ",
        ),
        (
            "select date from conversation_daily where account in ('a', acme.shop)",
            "The query has no view acme, it has conversation_daily. A text stands in single quotes: 'acme.shop'.\nLINE",
        ),
        (
            "select c.channel from conversation_daily c where c.channel = c.account",
            "`channel` is a column of conversation, channel_daily, channel_weekly, channel_monthly, ….\nLINE 1: ",
        ),
        ("select code from channel_daily", "There is no column code; near it are channel_code."),
        ("create temp table own as select 1 as a; select b from own", "There is no column b. own has a."),
        ("selec 1", 'Parser Error: syntax error at or near "selec"\nLINE 1: selec 1\n        ^^^^^'),
    ],
)
def test_the_error_of_a_wrong_query_is_a_readable_sentence(store: Store, query: str, says: str) -> None:
    with pytest.raises(QueryError) as wrong:
        run_statements(store, query)
    assert says in str(wrong.value)


def test_an_interrupted_query_is_a_keyboard_interrupt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_interrupt(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(ReadSession, "run", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_statements(store, "select 1")


def test_looking_for_a_mistake_runs_nothing_and_aborts_no_transaction(store: Store) -> None:
    with store.open_session() as session:
        session.run("create temp table own as select 1 as a")
        with pytest.raises(QueryError, match="There is no column b"):
            session.run("select b from own; insert into own values (2)")
        session.run("begin")
        with pytest.raises(QueryError, match="There is no column b"):
            session.run("select b from own")
        assert session.run("from own").to_pylist() == [{"a": 1}]
