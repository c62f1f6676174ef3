"""People in bodies: their records lose what is personal, others keep every byte, and texts lose the id."""

import json
from typing import Any

import pytest

from extractors.landing.forgotten import People, begin_list, is_token
from extractors.windows import Window
from tests.support import exported_files, inkeep
from transforms.erasure import AccountEraser
from transforms.registry import get_transform

WINDOW = Window.parse("2025-03-01_2025-03-02")
PERSON = "person-77"


def open_eraser(account: Any, user_id: str = PERSON, *, is_hashed: bool = False) -> AccountEraser:
    people = People.of(user_id)
    if is_hashed:  # as a later fetch knows them
        people = begin_list().with_person(begin_list().describe(user_id, ""))
        people = People(people.key, (people.describe(user_id, ""),))
    return AccountEraser(account, get_transform(account.provider).personal, people, b"secret")


def erase_rows(rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    body = json.dumps({"status": "ok", "data": {"result": rows}}).encode()
    eraser = open_eraser(inkeep.build_account(), **more).open_batch("conversations", WINDOW)
    erased = b"".join(eraser.erase_body([body]))
    if erased == body:
        return rows
    result: list[dict[str, Any]] = json.loads(erased)["data"]["result"]
    return result


@pytest.mark.parametrize("is_hashed", [False, True])
@pytest.mark.parametrize("user", [{"userId": PERSON}, {"id": PERSON, "mail": "x"}, {"userId": 5, "mail": PERSON}])
def test_a_record_of_a_person(user: dict[str, Any], is_hashed: bool) -> None:
    own = inkeep.row(1, userProperties=user, properties={"page": "/a"}, unknown="x")
    other = inkeep.row(2, userProperties={"userId": "person-771"}, properties={"a": 1.50})
    erased, untouched = erase_rows([own, other], is_hashed=is_hashed)
    assert untouched == other
    assert is_token(erased["id"])
    assert [is_token(text) for text in erased["userProperties"].values()] == [True]
    assert erased["properties"] is None
    assert erased["unknown"] is None
    assert all(erased[name] == own[name] for name in ("firstMessageTime", "userMessageCount", "type"))


@pytest.mark.parametrize("is_hashed", [False, True])
def test_an_id_inside_of_the_text_of_somebody_else(is_hashed: bool) -> None:
    text = f"tell {PERSON}, not {PERSON}1 or x{PERSON}: {PERSON}"
    [row] = erase_rows([inkeep.row(1, properties={"text": text})], is_hashed=is_hashed)
    assert row["properties"] == {"text": f"tell forgotten, not {PERSON}1 or x{PERSON}: forgotten"}
    assert row["id"] == "c1"


@pytest.mark.parametrize("user", [7, "7", 7.0])
def test_a_short_id_is_only_looked_for_where_ids_are(user: Any) -> None:
    others = [inkeep.row(number, userMessageCount=7, properties={"n": 7, "t": "7"}) for number in (1, 2)]
    rows = erase_rows([*others, inkeep.row(3, userProperties={"id": user})], user_id="7")
    assert rows[:2] == others
    assert is_token(rows[2]["userProperties"]["id"])


def test_a_batch_tells_its_people_apart_and_no_other_batch_does() -> None:
    eraser = open_eraser(inkeep.build_account())
    rows = [inkeep.row(number, userProperties={"userId": PERSON}) for number in (1, 2)]
    body = json.dumps({"data": {"result": rows}}).encode()
    tokens = []
    for window in (WINDOW, WINDOW, Window.parse("2025-03-02_2025-03-03")):
        erased = json.loads(b"".join(eraser.open_batch("conversations", window).erase_body([body])))
        tokens.append([row["userProperties"]["userId"] for row in erased["data"]["result"]])
    assert tokens[0] == tokens[1]
    assert tokens[0][0] == tokens[0][1]
    assert tokens[2][0] != tokens[0][0]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": null}', b'{"data": {"result": [1, null]}}', b"\xff"])
def test_a_body_of_another_shape_stays(body: bytes) -> None:
    eraser = open_eraser(inkeep.build_account()).open_batch("conversations", WINDOW)
    assert b"".join(eraser.erase_body([body])) == body


EXPORTS = [
    (",", "\n", "utf-8"),
    (";", "\r\n", "utf-8-sig"),
    ("\t", "\r", "utf-8"),
    (",", "\n", "utf-16"),
]


@pytest.mark.parametrize(("delimiter", "line_end", "encoding"), EXPORTS)
@pytest.mark.parametrize("size", [3, 7, 10**6])
def test_lines_of_an_export(delimiter: str, line_end: str, encoding: str, size: int) -> None:
    lines = [
        ["id", "date", "contactId", "transferTarget", "note", "messages"],
        ["c1", "2025-03-01T10:00:00Z", PERSON, "desk", f"mail of {PERSON}", "3"],
        ["c2", "2025-03-01T10:00:00Z", "other", f'"to {PERSON}"', "é", "4"],
        ["c3", "2025-03-01T10:00:00Z", "other", "", '"a""b"', "5"],
    ]
    text = "".join(delimiter.join(line) + line_end for line in lines)
    body = text.encode(encoding)
    eraser = open_eraser(exported_files.build_account()).open_batch("export", WINDOW)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    if size < len(body):  # the download hands on pieces that hold the header
        pieces = [b"".join(pieces[: 200 // size]), *pieces[200 // size :]]
    erased = b"".join(eraser.erase_body(pieces)).decode(encoding)
    header, own, named, other, end = erased.split(line_end)
    assert (header, other, end) == (delimiter.join(lines[0]), delimiter.join(lines[3]), "")
    cells = own.split(delimiter)
    assert is_token(cells[0])
    assert is_token(cells[2])
    assert cells[1] == lines[1][1]
    assert cells[3:] == ["forgotten", "", "3"]
    assert PERSON not in erased
    assert named == delimiter.join(["c2", lines[2][1], "other", "to forgotten", "é", "4"])
    assert eraser.records == 1
    assert eraser.erase_description({"counts": {"x": 1}, "export": "j"}) == {"export": "j"}


@pytest.mark.parametrize("text", ["date,channel,conversations\n2025-03-01,web,3\n", "<html>", "", "a,b\n1,2\n"])
def test_a_file_without_conversations_stays(text: str) -> None:
    eraser = open_eraser(exported_files.build_account()).open_batch("export", WINDOW)
    assert b"".join(eraser.erase_body([text.encode()])).decode() == text


def test_a_broken_line_stays_as_broken_as_it_was() -> None:
    body = f'id,date,contactId\nc1,x,"{PERSON}\nc2,y,{PERSON}\n'.encode() + b"c3,\xff,z\n"
    eraser = open_eraser(exported_files.build_account()).open_batch("export", WINDOW)
    assert b"".join(eraser.erase_body([body])) == body.replace(PERSON.encode(), b"forgotten")
