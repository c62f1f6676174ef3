from pathlib import Path

import pytest

from pipelines.cli.query.statements import Session, answers, is_complete, readable, split
from tests.warehouse.sample import chunk, days, full_tables, store_at
from warehouse.errors import QueryError
from warehouse.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = store_at(tmp_path_factory.mktemp("store"))
    store.commit(chunk(days(3), full_tables(days(3), 10)))
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
    assert split(text) == statements


@pytest.mark.parametrize("text", ["select 1", "select ';", "select 1 -- ;", "/* ;", "", "-- x", 'select ";'])
def test_a_statement_goes_on(text: str) -> None:
    assert not is_complete(text)


@pytest.mark.parametrize("text", ["select 1;", "select 1; -- so\n", "select 1; select 2 ;"])
def test_a_statement_is_whole(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize("text", ["\x1f", "$", "$$a", "\\", "€;🙂", "{;", "e'\\';' ;", "\x00", "?;$1"])
def test_any_text_can_be_cut(text: str) -> None:
    assert all(split(text))


def test_what_answers_and_what_only_sets_up() -> None:
    for statement in ("select 1", "from x", "describe x", "show tables", "explain select 1", "selec", "copy x to 'y'"):
        assert answers(statement)
    for statement in ("set threads = 1", "create temp table x as select 1", "create macro f(a) as a", "use memory"):
        assert not answers(statement)


def test_statements_are_asked_in_turn_and_keep_what_was_set_up(store: Store) -> None:
    session = Session(store)
    first, second = session.ask("create temp table x as select 7 as a; select a from x; select a + 1 as b from x;")
    assert (first.to_pylist(), second.to_pylist()) == ([{"a": 7}], [{"b": 8}])
    (third,) = session.ask("select count(*) as n from conversation_daily, x")
    assert third.to_pylist() == [{"n": 3}]


def test_what_is_wrong_is_not_said_again(store: Store) -> None:
    session = Session(store)
    with pytest.raises(QueryError, match="nowhere"):
        list(session.ask("create temp table x as select * from nowhere"))
    (answer,) = session.ask("select count(*) days from conversation_daily")
    assert answer.to_pylist() == [{"days": 3}]


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
def test_a_wrong_question_is_a_sentence_that_helps(store: Store, query: str, says: str) -> None:
    with pytest.raises(QueryError) as wrong:
        list(Session(store).ask(query))
    assert says in str(wrong.value)


def test_a_question_that_is_broken_off_is_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    store = store_at(tmp_path)
    monkeypatch.setattr(store, "read", stopped)
    with pytest.raises(KeyboardInterrupt):
        list(Session(store).ask("select 1"))


def test_readable_leaves_a_sentence_alone() -> None:
    assert readable("Conversion Error: no\n\n") == "Conversion Error: no"
