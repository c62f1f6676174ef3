"""The list of forgotten people: it knows them again and names nobody."""

from dataclasses import replace
from pathlib import Path

import pytest

from extractors.landing.forgotten import LIST_NAME, People, begin_list, build_token, is_token, read_people, write_people

PERSON = "Zoë <zoe@example.com>"


def list_of(*ids: str) -> People:
    people = begin_list()
    for user_id in ids:
        people = people.with_person(people.describe(user_id, "2026-01-01T00:00:00+00:00"))
    return people


def test_people_are_known_again_and_not_named(tmp_path: Path) -> None:
    people = list_of(PERSON, "person-77")
    write_people(tmp_path, tmp_path, people)
    read = read_people(tmp_path)
    assert read == people
    assert [read.has(text) for text in (PERSON, "person-77", "person-78", "", "x" * len(PERSON))] == [
        *(True, True),
        *(False, False, False),
    ]
    text = (tmp_path / LIST_NAME).read_text()
    assert "zoe" not in text.casefold()
    assert "person-77" not in text
    assert (tmp_path / LIST_NAME).stat().st_mode & 0o077 == 0
    assert read_people(tmp_path / "other") is None


def test_a_person_is_in_a_list_once_and_keeps_its_request() -> None:
    people = list_of("person-77")
    [person] = people.people
    assert people.describe("person-77", "later") == person
    done = people.with_person(replace(person, secret=None, rows=5))
    again = done.describe("person-77", "later")
    assert (again.request_id, again.rows, again.forgotten_at) == (person.request_id, 5, person.forgotten_at)
    assert again.secret not in (None, person.secret)


@pytest.mark.parametrize("people", [People.of("person-77"), list_of("person-77"), list_of("x", "person-77", "abcdefg")])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("person-77", "forgotten"),
        ("person-77person-77", "person-77person-77"),
        ("person-77 person-77,person-77", "forgotten forgotten,forgotten"),
        ("a person-77.", "a forgotten."),
        ("(person-77)", "(forgotten)"),
        ("person-771 xperson-77 person-77-1 éperson-77", "person-771 xperson-77 person-77-1 éperson-77"),
        ("mailto:person-77@x.example", "mailto:forgotten@x.example"),
        ("", ""),
        ("nobody", "nobody"),
    ],
)
def test_an_id_is_replaced_where_it_stands_as_words(people: People, text: str, expected: str) -> None:
    assert people.replace_inside(text) == expected


def test_ids_of_any_characters_are_replaced() -> None:
    assert list_of(PERSON).replace_inside(f"to {PERSON}; {PERSON}") == "to forgotten; forgotten"
    assert list_of("+49 30 1").replace_inside("call +49 30 1, not +49 30 12") == "call forgotten, not +49 30 12"


def test_a_short_id_is_not_looked_for_inside_of_texts() -> None:
    assert list_of("7").replace_inside("7 of 7") == "7 of 7"
    assert list_of("7").has("7")


def test_tokens_are_of_a_secret() -> None:
    token = build_token(b"a", "person-77")
    assert is_token(token)
    assert build_token(b"b", "person-77") != token
    assert not is_token("forgotten")


@pytest.mark.parametrize("content", ["", "[]", '{"key": "zz", "people": []}', '{"key": "00", "people": [{"hash": 1}]}'])
def test_a_damaged_list_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / LIST_NAME).write_text(content)
    with pytest.raises(OSError, match=r"is damaged.*would come back; restore it.*forgotten\.json"):
        read_people(tmp_path)
