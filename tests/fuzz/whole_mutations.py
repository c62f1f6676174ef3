"""Changes of a whole JSON answer: its encoding, bodies that are none, failures, more to come."""

import gzip
import json
import zlib
from random import Random
from typing import Any

from tests.fuzz.changes import AnswerChange, Mutation, replace_at, show_path, write_json
from tests.fuzz.effects import AnyWord, Effect, Refused, Same, Unknown
from tests.fuzz.places import REPORTS, JsonAnswer, value_at

FAILURES: tuple[tuple[str, Any], ...] = (
    ("error", "out of memory"),
    ("error", {"message": "out of memory"}),
    ("error", True),
    ("errors", [{"message": "out of memory"}]),
    ("errors", {"conversations": "timed out"}),
    ("fault", {"faultstring": "rate limit"}),
    ("success", False),
    ("status", "error"),
    ("status", "failed"),
    ("status", "FAILURE"),
)
NO_FAILURES: tuple[tuple[str, Any], ...] = (
    ("error", None),
    ("error", ""),
    ("error", False),
    ("errors", []),
    ("errors", {}),
)
MORE: tuple[tuple[str, Any], ...] = (
    ("has_more", True),
    ("hasMore", True),
    ("next", "https://example.invalid/page2"),
    ("next_page_token", "c2"),
    ("next_cursor", "abc"),
    ("nextPage", 2),
    ("total", 10**4),
    ("totalCount", 10**4),
    ("truncated", True),
)
NO_MORE: tuple[tuple[str, Any], ...] = (
    ("has_more", False),
    ("hasMore", False),
    ("next", None),
    ("next", ""),
    ("truncated", False),
)
WITHOUT_PAGES = ("inbox", "events")
"""The keys of an inbox are names of numbers, and events have pages of their own."""


def reorder_keys(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write the keys of every object in another order."""

    def shuffle(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffle(value[key]) for key in rng.sample([*value], len(value))}
        return [shuffle(inner) for inner in value] if isinstance(value, list) else value

    return AnswerChange("keys reordered", Same(), write_json(shuffle(answer.value)))


def write_otherwise(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write the same JSON with other blanks, escapes, encodings and headers."""
    body, plain = answer.exchange.answer.body, json.dumps(answer.value, ensure_ascii=True)
    text = json.dumps(answer.value, ensure_ascii=False)
    forms: list[tuple[str, bytes, dict[str, str], bool]] = [
        ("indented", json.dumps(answer.value, indent=2).encode(), {}, False),
        ("escaped", plain.encode(), {}, False),
        ("blanks around", b"\r\n\t " + body + b" \n\n", {}, False),
        ("byte order mark", b"\xef\xbb\xbf" + body, {}, True),
        ("UTF-16", text.encode("utf-16"), {}, True),
        ("UTF-16 without a mark", plain.encode("utf-16-be"), {}, True),
        ("UTF-32", plain.encode("utf-32"), {}, True),
        ("latin-1", text.encode("latin-1", "ignore") if text.isascii() else body, {}, True),
        ("gzip", gzip.compress(body), {"content-encoding": "gzip"}, False),
        ("deflate", zlib.compress(body), {"content-encoding": "deflate"}, False),
        ("gzip without a header", gzip.compress(body), {}, True),
        ("identity", body, {"content-encoding": "identity"}, False),
        ("utf-8 as coding", body, {"content-encoding": "utf-8"}, True),
        ("as plain text", body, {"content-type": "text/plain"}, True),
    ]
    words, changed, headers, may_refuse = rng.choice(forms)
    return AnswerChange(words, Same(may_refuse), changed, headers)


def break_body(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a body that is cut, doubled, of another kind, or that holds bytes that are no text."""
    body = answer.exchange.answer.body
    cut = rng.randrange(1, len(body.rstrip()))
    quote = max(body.find(b'"', rng.randrange(len(body))), 0) + 1
    latin = json.dumps(answer.value, ensure_ascii=False).encode("latin-1", "ignore")
    is_object = isinstance(answer.value, dict)
    forms = [
        (f"cut at byte {cut}", body[:cut]),
        ("twice", body + body),
        ("a word behind", body + b" OK"),
        ("empty", b""),
        ("blank", b"   \n"),
        ("HTML", b"<html><body>502 Bad Gateway</body></html>"),
        ("a word", b"OK"),
        ("null", b"null"),
        ("true", b"true"),
        ("a number", b"0"),
        ("a text", b'"no data"'),
        ("JSON in a text", json.dumps(body.decode()).encode()),
        ("JSON lines", b"\n".join([json.dumps(answer.value).encode()] * 2)),
        ("single quotes", body.replace(b'"', b"'")),
        ("a comma at the end", body.rstrip()[:-1] + b"," + body.rstrip()[-1:]),
        ("a byte that is no UTF-8", body[:quote] + b"\xff" + body[quote:]),
        ("latin-1", latin if not latin.isascii() else b""),
        ("a list around it", b"[" + body + b"]"),
        ("of another type", b"[]" if is_object else b"{}"),
    ]
    words, changed = rng.choice(forms)
    if answer.stream == "channels" and changed == b"[]":
        return None  # an account without channels
    return AnswerChange(words, Refused("the body is no answer"), changed)


def cut_in_transport(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send fewer bytes than the Content-Length announces."""
    body = answer.exchange.answer.body
    effect = Refused("it is shorter than announced")
    return AnswerChange("shorter than announced", effect, body[: rng.randrange(len(body.rstrip()))], {}, len(body))


def empty_object(answer: JsonAnswer, _rng: Random) -> AnswerChange | None:
    """Send ``{}``: unknown, or zero where the provider leaves zeros out."""
    if not isinstance(answer.value, dict) or not answer.value:
        return None
    columns = {"flow_transition.at"} if answer.stream == "events" else answer.columns_below(())
    return AnswerChange("{}", Unknown(columns, may_be_zero=answer.provider == "chatlayer"), b"{}")


def report_failure(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Report a failure beside the data, beside empty data, or alone."""
    if not isinstance(answer.value, dict):
        return None
    key, failure = rng.choice(FAILURES)
    if answer.stream == "inbox" and not isinstance(failure, str | list | dict):
        return None  # a flag is no failure among named numbers
    beside = {**answer.value, key: failure}
    emptied = {name: type(value)() if isinstance(value, list | dict) else value for name, value in beside.items()}
    value, words = rng.choice(
        [(beside, "beside the data"), ({**emptied, key: failure}, "beside empty data"), ({key: failure}, "alone")]
    )
    return AnswerChange(f"{key}: {failure!r} {words}", Refused("the provider reports a failure"), write_json(value))


def report_no_failure(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send an ``error`` that is empty: no failure."""
    if not isinstance(answer.value, dict) or answer.stream == "inbox":
        return None
    key, value = rng.choice(NO_FAILURES)
    return AnswerChange(f"{key}: {value!r}", Same(), write_json({**answer.value, key: value}))


def announce_more(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Announce more than the answer holds, or say that there is no more."""
    value = answer.value
    if not isinstance(value, dict) or not value or answer.stream in WITHOUT_PAGES:
        return None
    path = rng.choice([(), (), *([("data",)] if isinstance(value.get("data"), dict) else []), ("meta",)])
    is_more = rng.random() < 0.7
    key, sign = rng.choice(MORE if is_more else NO_MORE)
    holder = {} if path == ("meta",) else value_at(value, path)
    if key in holder:
        return None
    effect: Effect = Same()
    if is_more:
        reason = "a field says that there is more"
        # beside named metrics and components there is no list that a total could count
        is_followed = answer.stream == "intents" and value["pagination"].get("has_more")  # its next page came
        is_told = path == ("meta",) or is_followed or (key in ("total", "totalCount") and _has_no_list(answer))
        effect = AnyWord(reason) if is_told else Refused(reason)
    return AnswerChange(
        f"{show_path(path)}.{key}: {sign!r}", effect, write_json(_put(value, path, {**holder, key: sign}))
    )


def _has_no_list(answer: JsonAnswer) -> bool:
    return answer.provider == "chatdash" or answer.stream in REPORTS


def _put(value: Any, path: tuple[str, ...], new: Any) -> Any:
    return {**value, **new} if not path else replace_at(value, path, new)


WHOLE_MUTATIONS: tuple[Mutation, ...] = (
    reorder_keys,
    write_otherwise,
    break_body,
    cut_in_transport,
    empty_object,
    report_failure,
    report_no_failure,
    announce_more,
)
