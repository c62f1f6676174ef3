"""Changes of the cursors of paged answers, and of the answers about an export's job."""

from random import Random
from typing import Any

from tests.fuzz.changes import AnswerChange, Mutation, write_json
from tests.fuzz.effects import Effect, Fewer, Refused, Same
from tests.fuzz.places import JsonAnswer

UNREADABLE_SIGNS: tuple[Any, ...] = ("true", "yes", 1, 0, [], {}, "false")


def change_paging(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Announce another page than there is, or none although there is one."""
    if answer.stream != "intents" or "pagination" not in answer.value:
        return None
    pagination = answer.value["pagination"]
    is_last = not pagination.get("has_more")
    columns, rows = answer.columns_below(()), answer.sum_below(()) + 10**3
    asked_cursor = answer.exchange.url.params.get("after", "")
    endless = Refused("the cursor leads to no end")
    forms: list[tuple[str, Any, Effect]] = [
        ("more, without a cursor", {"has_more": True}, Refused("there is more, and no cursor")),
        ("more, with an empty cursor", {"has_more": True, "end_cursor": ""}, Refused("there is more, and no cursor")),
        ("more, with a list as cursor", {"has_more": True, "end_cursor": ["c"]}, Refused("the cursor is a list")),
        (
            "an unreadable sign",
            {**pagination, "has_more": rng.choice(UNREADABLE_SIGNS)},
            Refused("the sign is unreadable"),
        ),
        ("a list", [], Refused("pagination is a list")),
        ("a text", "none", Refused("pagination is a text")),
        ("no sign", {"end_cursor": pagination.get("end_cursor")}, Same() if is_last else Fewer(columns, rows)),
        ("no more", {**pagination, "has_more": False}, Same() if is_last else Fewer(columns, rows)),
    ]
    if asked_cursor:
        forms.append(("the cursor of this page", {"has_more": True, "end_cursor": asked_cursor}, endless))
    words, value, effect = rng.choice(forms)
    return AnswerChange(words, effect, write_json({**answer.value, "pagination": value}))


def change_job(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Change the answer to the creation of an export, or its status."""
    if answer.stream != "export":
        return None
    value = answer.value
    if answer.exchange.key[0] == "POST":
        forms = _creation_forms(value)
    elif "downloadUrl" in value:
        forms = _done_forms(value)
    else:
        forms = [
            ("cancelled", {**value, "status": "cancelled"}, Refused("the job failed")),
            ("an error beside", {**value, "error": "no disk"}, Refused("the job failed")),
            ("no status", {name: inner for name, inner in value.items() if name != "status"}, Refused("no status")),
            ("a number as status", {**value, "status": 3}, Refused("the status is a number")),
            ("more fields", {**value, "progress": 0.5}, Same()),
        ]
    words, changed, effect = rng.choice(forms)
    return AnswerChange(f"{answer.exchange.key[0]} job: {words}", effect, write_json(changed))


def _creation_forms(value: dict[str, Any]) -> list[tuple[str, Any, Effect]]:
    return [
        ("no id", {}, Refused("it names no job")),
        ("null as id", {"exportId": None}, Refused("it names no job")),
        ("a list as id", {"exportId": ["e1"]}, Refused("the id is a list")),
        ("true as id", {"exportId": True}, Refused("the id is true")),
        ("an empty id", {"exportId": ""}, Refused("it names no job")),
        ("a list", [value], Refused("it is a list")),
        ("an unknown id", {"exportId": "e-unknown"}, Refused("there is no such job")),
        ("an error beside", {**value, "error": "busy"}, Refused("the provider reports a failure")),
        ("more fields", {**value, "queue": 3}, Same()),
    ]


def _done_forms(value: dict[str, Any]) -> list[tuple[str, Any, Effect]]:
    without_link = {name: inner for name, inner in value.items() if name != "downloadUrl"}
    other_host = value["downloadUrl"].replace("127.0.0.1", "files.example.invalid")
    return [
        ("DONE", {**value, "status": "DONE"}, Same()),
        ("finished with blanks", {**value, "status": " finished "}, Same()),
        ("success", {**value, "status": "success"}, Same(may_refuse=True)),
        ("expired", {**value, "status": "expired"}, Refused("the job expired")),
        ("failed", {**value, "status": "failed"}, Refused("the job failed")),
        ("an error beside", {**value, "error": {"message": "no disk"}}, Refused("the job failed")),
        ("errors beside", {**value, "errors": ["no disk"]}, Refused("the job failed")),
        # the job is polled again, and the next answer has its link
        ("no link", without_link, Refused("there is no link", may_ignore=True)),
        ("a number as link", {**value, "downloadUrl": 5}, Refused("the link is a number")),
        ("a relative link", {**value, "downloadUrl": "/files/1.csv"}, Refused("the link is relative")),
        ("a link to another host", {**value, "downloadUrl": other_host}, Refused("the host is not allowed")),
        ("a link under the other name", {**without_link, "downloadLink": value["downloadUrl"]}, Same()),
        ("more fields", {**value, "size": 3}, Same()),
    ]


PAGING_MUTATIONS: tuple[Mutation, ...] = (change_paging,)
JOB_MUTATIONS: tuple[Mutation, ...] = (change_job,)
