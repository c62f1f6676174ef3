"""Changes of a whole JSON answer or of its parts: keys, rows, lists, encodings, answers of other requests."""

import copy
import gzip
import json
import zlib
from decimal import Decimal
from random import Random
from typing import Any

from tests.fuzz.changes import Change, Mutation, drop_at, literal, rename_at, replace_at, show_path, write_json
from tests.fuzz.effects import AnyWord, Doubled, Effect, Extra, Fewer, NameChanged, Refused, Same, Unknown
from tests.fuzz.places import JsonAnswer, Path, value_at

FAILURES: tuple[tuple[str, Any], ...] = (
    ("error", "out of memory"), ("error", {"message": "out of memory"}), ("errors", [{"message": "out of memory"}]),
    ("errors", {"conversations": "timed out"}), ("fault", {"faultstring": "rate limit"}), ("error", True), ("success", False),
    ("status", "error"), ("status", "failed"), ("status", "FAILURE"),
)  # fmt: skip
NO_FAILURES: tuple[tuple[str, Any], ...] = (
    ("error", None),
    ("errors", []),
    ("error", ""),
    ("error", False),
    ("errors", {}),
)
MORE: tuple[tuple[str, Any], ...] = (
    ("has_more", True), ("hasMore", True), ("next", "https://example.invalid/page2"), ("next_page_token", "c2"),
    ("nextPage", 2), ("total", 10**4), ("totalCount", 10**4), ("truncated", True), ("next_cursor", "abc"),
)  # fmt: skip
NO_MORE: tuple[tuple[str, Any], ...] = (
    ("has_more", False),
    ("next", None),
    ("next", ""),
    ("hasMore", False),
    ("truncated", False),
)
ORDERED_LISTS = (
    "topIntents",
    "topTopics",
    "topMisunderstoodMessages",
    "counts",
    "x_values",
    "values",
    "series",
    "series_labels",
)


def reorder_keys(answer: JsonAnswer, rng: Random) -> Change | None:
    """The keys of every object in another order."""

    def shuffle(value: Any) -> Any:
        if isinstance(value, dict):
            keys = rng.sample([*value], len(value))
            return {key: shuffle(value[key]) for key in keys}
        return [shuffle(inner) for inner in value] if isinstance(value, list) else value

    return Change("keys reordered", Same(), write_json(shuffle(answer.value)))


def reorder_rows(answer: JsonAnswer, rng: Random) -> Change | None:
    """The rows of a list in another order, where the order means nothing."""
    lists = [
        path for path, rows in answer.containers(list) if len(rows) > 1 and (not path or path[-1] not in ORDERED_LISTS)
    ]
    lists = [
        path
        for path in lists
        if isinstance(value_at(answer.value, path)[0], dict) and "properties" not in str(path).casefold()
    ]
    if not lists or answer.stream == "channels":
        return None
    path = rng.choice(lists)
    rows = value_at(answer.value, path)
    return Change(
        f"{show_path(path)} reordered", Same(), write_json(replace_at(answer.value, path, rng.sample(rows, len(rows))))
    )


def write_otherwise(answer: JsonAnswer, rng: Random) -> Change | None:
    """The same JSON with other blanks, escapes, encodings."""
    body, plain = answer.exchange.answer.body, json.dumps(answer.value, ensure_ascii=True)
    forms: list[tuple[str, bytes, dict[str, str], bool]] = [
        ("indented", json.dumps(answer.value, indent=2).encode(), {}, False),
        ("escaped", plain.encode(), {}, False),
        ("blanks around", b"\r\n\t " + body + b" \n\n", {}, False),
        ("byte order mark", b"\xef\xbb\xbf" + body, {}, True),
        ("UTF-16", json.dumps(answer.value, ensure_ascii=False).encode("utf-16"), {}, True),
        ("UTF-16 big endian without a mark", plain.encode("utf-16-be"), {}, True),
        ("UTF-32", plain.encode("utf-32"), {}, True),
        ("gzip", gzip.compress(body), {"content-encoding": "gzip"}, False),
        ("deflate", zlib.compress(body), {"content-encoding": "deflate"}, False),
        ("gzip without a header", gzip.compress(body), {}, True),
        ("identity", body, {"content-encoding": "identity"}, False),
        ("utf-8 as coding", body, {"content-encoding": "utf-8"}, True),
        ("text/plain", body, {"content-type": "text/plain"}, True),
    ]
    words, changed, headers, may_refuse = rng.choice(forms)
    return Change(words, Same(may_refuse), changed, headers)


def break_body(answer: JsonAnswer, rng: Random) -> Change | None:
    """A body that is cut, doubled, of another kind, or with bytes that are no text."""
    body = answer.exchange.answer.body
    cut = rng.randrange(1, len(body.rstrip()))
    quote = body.find(b'"', rng.randrange(len(body)))
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
        ("JSON lines", b"\n".join(json.dumps(part).encode() for part in ([answer.value] * 2))),
        ("another quote", body.replace(b'"', b"'")),
        ("a comma at the end", body.rstrip()[:-1] + b"," + body.rstrip()[-1:]),
        ("a byte that is no UTF-8", body[: quote + 1] + b"\xff" + body[quote + 1 :] if quote >= 0 else b"\xff"),
        ("a list around it", b"[" + body + b"]"),
        (
            "an empty list" if isinstance(answer.value, dict) else "an empty object",
            b"[]" if isinstance(answer.value, dict) else b"{}",
        ),
    ]
    words, changed = rng.choice(forms)
    return Change(
        words,
        Refused(
            f"the body is {words}",
            may_ignore=answer.stream == "channels" and answer.fetch.stream == "channels" and False,
        ),
        changed,
    )


def cut_in_transport(answer: JsonAnswer, rng: Random) -> Change | None:
    """A body that is shorter than its Content-Length, with JSON that ends early."""
    body = answer.exchange.answer.body
    return Change(
        "shorter than announced",
        Refused("it is shorter than announced"),
        body[: rng.randrange(len(body))],
        {},
        len(body),
    )


def empty_object(answer: JsonAnswer, _rng: Random) -> Change | None:
    """``{}`` in place of the answer: unknown, zero where the provider leaves zeros out."""
    if not isinstance(answer.value, dict) or not answer.value:
        return None
    effect: Effect = Unknown(answer.columns_below(()), may_be_zero=answer.provider == "chatlayer")
    return Change("{}", effect, b"{}")


def report_failure(answer: JsonAnswer, rng: Random) -> Change | None:
    """A failure beside the data, or in place of it."""
    if not isinstance(answer.value, dict):
        return None
    key, failure = rng.choice(FAILURES)
    if answer.stream == "inbox" and not isinstance(failure, str | list | dict):
        return None
    beside = {**answer.value, key: failure}
    instead = {
        name: [] if isinstance(value, list) else {} if isinstance(value, dict) else value
        for name, value in beside.items()
    }
    instead[key] = failure
    value, words = rng.choice([(beside, "beside the data"), (instead, "beside empty data"), ({key: failure}, "alone")])
    return Change(f"{key}: {failure!r} {words}", Refused("the provider reports a failure"), write_json(value))


def report_no_failure(answer: JsonAnswer, rng: Random) -> Change | None:
    """An empty ``error``: no failure."""
    if not isinstance(answer.value, dict) or answer.stream == "inbox":
        return None
    key, value = rng.choice(NO_FAILURES)
    return Change(f"{key}: {value!r}", Same(), write_json({**answer.value, key: value}))


def announce_more(answer: JsonAnswer, rng: Random) -> Change | None:
    """A sign that there is more than the answer holds, or that there is not."""
    if not isinstance(answer.value, dict) or answer.stream in ("inbox", "events") or not answer.value:
        return None
    places = [
        path
        for path in ((), ("data",), ("pagination",), ("meta",))
        if path == () or path[0] in answer.value or path == ("meta",)
    ]
    path = rng.choice([path for path in places if path == ("meta",) or isinstance(value_at(answer.value, path), dict)])
    key, sign = rng.choice(MORE)
    is_more = rng.random() < 0.7
    if not is_more:
        key, sign = rng.choice(NO_MORE)
    holder = {} if path == ("meta",) else value_at(answer.value, path)
    if key in holder or (path == ("pagination",) and is_more):
        return None
    reason = f"{key} says that there is more"
    effect: Effect = Same() if not is_more else AnyWord(reason) if path == ("meta",) else Refused(reason)
    return Change(
        f"{show_path(path)}.{key}: {sign!r}", effect, write_json(replace_at(answer.value, path, {**holder, key: sign}))
    )


def add_unknown_field(answer: JsonAnswer, rng: Random) -> Change | None:
    """A field that is in no reference."""
    objects = [path for path, value in answer.containers(dict) if value and not answer.is_map_of_members(path)]
    if not objects:
        return None
    path = rng.choice(objects)
    value = rng.choice([5, "a", None, [], {}, {"a": [1]}, [{"count": 3}], 1.5, True])
    changed = replace_at(answer.value, path, {**value_at(answer.value, path), "sentiment": value})
    is_examined = answer.stream not in ("channels", "events") and not _is_unexamined(answer, path)
    return Change(f"{show_path(path)}.sentiment: {value!r}", Extra() if is_examined else Same(), write_json(changed))


def _is_unexamined(answer: JsonAnswer, path: Path) -> bool:
    """Return whether what lies there is landed only, such as a trend."""
    return (
        any("TREND" in str(step) for step in path)
        or (bool(path) and not answer.spots_below(path))
        or bool(
            path
            and answer.stream in ("overview_report", "channel_report")
            and not any(spot.is_loaded for spot in answer.spots_below(path))
        )
    )


def double_key(answer: JsonAnswer, rng: Random) -> Change | None:
    """A key that stands twice in an object, with the same value or another."""
    objects = [path for path, value in answer.containers(dict) if value]
    if not objects:
        return None
    path = rng.choice(objects)
    holder = value_at(answer.value, path)
    key = rng.choice(sorted(holder))
    other = rng.choice([holder[key], None, 0, holder[key]])
    pairs = [(key, other), *holder.items()] if rng.getrandbits(1) else [*holder.items(), (key, other)]
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    return Change(
        f"{show_path(path)}: {key} twice",
        Refused("a key stands twice"),
        write_json(replace_at(answer.value, path, literal(text))),
    )


def rename_key(answer: JsonAnswer, rng: Random) -> Change | None:
    """A key of the reference under another name: its value is missing, and there is an unknown field."""
    keys = [
        (*path, key) for path, value in answer.containers(dict) if not answer.is_map_of_members(path) for key in value
    ]
    keys = [path for path in keys if any(spot.is_loaded for spot in answer.spots_below(path))]
    if not keys:
        return None
    path = rng.choice(keys)
    words = str(path[-1])
    changed = rename_at(
        answer.value,
        path,
        rng.choice(
            [
                f"{words}_v2",
                words.swapcase() if words.swapcase().casefold() != words.casefold() else f"{words}s",
                f"the_{words}",
            ]
        ),
    )
    return Change(f"{show_path(path)} renamed", AnyWord("a field has another name"), write_json(changed))


def retype_container(answer: JsonAnswer, rng: Random) -> Change | None:
    """An object or a list of another type."""
    places = [path for path, value in answer.containers(dict) + answer.containers(list) if path]
    places = [
        path
        for path in places
        if any(spot.is_loaded for spot in answer.spots_below(path)) and "properties" not in str(path).casefold()
    ]
    if not places:
        return None
    path = rng.choice(places)
    value = value_at(answer.value, path)
    others: list[Any] = [
        True,
        "text",
        5,
        "" if isinstance(value, dict) else "a,b",
        [[]] if isinstance(value, list) else ["x"],
    ]
    if isinstance(value, list) and answer.stream not in ("overview_report", "channel_report"):
        others.append({})
        others.append({str(index): inner for index, inner in enumerate(value)})
    other = rng.choice(others)
    if isinstance(other, int) and isinstance(value, dict) and set(value) <= {"value", "count"}:
        return None
    return Change(
        f"{show_path(path)} -> {str(other)[:40]}",
        Refused("it has another type"),
        write_json(replace_at(answer.value, path, other)),
    )


def remove_container(answer: JsonAnswer, rng: Random) -> Change | None:
    """An object or a list that is null, missing or empty."""
    places = [path for path, value in answer.containers(dict) + answer.containers(list) if path and value]
    places = [path for path in places if answer.spots_below(path) and isinstance(path[-1], str)]
    if not places:
        return None
    path = rng.choice(places)
    way = rng.choice(["null", "missing", "empty"])
    value = value_at(answer.value, path)
    if answer.stream == "channels" and way == "empty":
        return None  # an account without channels
    changed = (
        drop_at(answer.value, path)
        if way == "missing"
        else replace_at(answer.value, path, None if way == "null" else type(value)())
    )
    columns = {*answer.columns_below(path), *answer.columns_below(path[:-1])}
    is_list = isinstance(value, list) or answer.is_map_of_members(path)
    may_be_zero = (answer.provider == "chatlayer" and way != "null") or (way == "empty" and is_list)
    effect: Effect = Unknown(columns, may_be_zero)
    if path[-1] == "labels":
        effect = NameChanged(columns)  # an absent label is the member `unknown`
    if path[-1] == "perChannel":
        effect = Fewer(columns, _sum_below(answer, path))  # without a split, all of it is in no channel
    if way == "empty" and is_list:
        effect = Fewer(columns, _sum_below(answer, path))
    return Change(f"{show_path(path)} {way}", effect, write_json(changed))


def _sum_below(answer: JsonAnswer, path: Path) -> Decimal:
    return sum((abs(spot.number) for spot in answer.spots_below(path) if spot.kind == "number"), Decimal(0))


def _lists_of_rows(answer: JsonAnswer) -> list[Path]:
    paths = [path for path, rows in answer.containers(list) if rows and "properties" not in str(path).casefold()]
    return [path for path in paths if answer.spots_below(path)]


def drop_rows(answer: JsonAnswer, rng: Random) -> Change | None:
    """A list that lacks a row, or its second half. An answer that counts its rows is refused."""
    paths = _lists_of_rows(answer)
    if not paths or answer.stream in ("channels", "events"):
        return None
    path = rng.choice(paths)
    rows = value_at(answer.value, path)
    first = rng.randrange(len(rows))
    last = rng.choice([first + 1, len(rows)])
    kept = rows[:first] + rows[last:]
    effect: Effect = Fewer(
        {*answer.columns_below(path), *answer.columns_below(path[:-1])}, _sum_below(answer, path) + len(rows)
    )
    if answer.provider == "inkeep":
        effect = Refused("rows are missing, and their number is told")
    return Change(
        f"{show_path(path)}[{first}:{last}] dropped", effect, write_json(replace_at(answer.value, path, kept))
    )


def double_rows(answer: JsonAnswer, rng: Random) -> Change | None:
    """A row, or all rows, of a list twice."""
    paths = _lists_of_rows(answer)
    if not paths or answer.stream in ("channels", "events"):
        return None
    path = rng.choice(paths)
    rows = value_at(answer.value, path)
    index = rng.randrange(len(rows))
    changed = rng.choice([[*rows, copy.deepcopy(rows[index])], [*rows[: index + 1], *rows[index:]], rows + rows])
    columns = {*answer.columns_below(path), *answer.columns_below(path[:-1])}
    effect = Doubled(
        columns, _sum_below(answer, path) + len(rows), may_add=answer.provider in ("chatdash", "chatcaptain")
    )
    return Change(f"{show_path(path)}[{index}] twice", effect, write_json(replace_at(answer.value, path, changed)))


BODY_MUTATIONS: tuple[Mutation, ...] = (
    reorder_keys, reorder_rows, write_otherwise, break_body, cut_in_transport, empty_object, report_failure,
    report_no_failure, announce_more, add_unknown_field, double_key, rename_key, retype_container, remove_container,
    drop_rows, double_rows,
)  # fmt: skip
