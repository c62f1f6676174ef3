"""Changes of one value of a JSON answer: numbers, names, instants, missing values."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.fuzz.changes import Change, Mutation, drop_at, literal, rename_at, replace_at, show_path, write_json
from tests.fuzz.effects import Effect, Moved, NameChanged, NumberChanged, Refused, Same, Unknown
from tests.fuzz.places import ENVELOPE_NUMBERS, JsonAnswer, Spot

DECIMAL_PLACES = (
    "callMinutes", "totalCallDuration", "totalCost", "averageCost", "averageInteractions", "MEDIAN", "CALL_DURATION",
)  # fmt: skip
DATE_PARTS = ("items[].day", "items[].month", "items[].year")
REPEATED_STATISTICS = ("mean", "max", "min", "sum")
UNREADABLE: tuple[tuple[str, Any], ...] = (
    ("true", True), ("false", False), ("an empty list", []), ("a list", [5]), ("an object", {"amount": 5}),
    ("a word", "many"), ("an empty text", ""), ("a text with a unit", "5 chats"), ("hexadecimal", "0x10"),
    ("a thousands comma", "1,234"), ("points and comma", "1.234,5"), ("Arabic digits", "١٢"), ("underscores", "1_000"),
    ("two signs", "--5"), ("the text NaN", "NaN"), ("the text Infinity", "Infinity"), ("NaN", literal("NaN")),
    ("Infinity", literal("-Infinity")), ("1e400", literal("1e400")), ("text 1e400", "1e400"),
    ("a number of 30 digits", 10**30), ("10**18", 10**18), ("a leading zero", literal("05")), ("a plus sign", literal("+5")),
    ("an exponent without limit", literal("1e999999999999999999999")), ("a half number", literal("5.")),
    ("a full-width digit", "５"), ("a no-break space inside", "1 234"),
)  # fmt: skip


def _pick(rng: Random, spots: list[Spot]) -> Spot | None:
    """Pick a value: first its place, so that rare places are changed as often as common ones."""
    places = sorted({spot.leaf.field for spot in spots})
    if not places:
        return None
    place = rng.choice(places)
    return rng.choice([spot for spot in spots if spot.leaf.field == place])


def _numbers(answer: JsonAnswer) -> list[Spot]:
    return [spot for spot in answer.spots if spot.kind == "number"]


def _is_envelope(spot: Spot) -> bool:
    return spot.leaf.field in ENVELOPE_NUMBERS


def _change_at(answer: JsonAnswer, spot: Spot, value: Any, words: str, effect: Effect) -> Change:
    note = f"{show_path(spot.leaf.path)}: {spot.leaf.value!r} -> {words}"
    return Change(note, effect, write_json(replace_at(answer.value, spot.leaf.path, value)))


def write_number_otherwise(answer: JsonAnswer, rng: Random) -> Change | None:
    """The same number as text, as a fraction, with an exponent, with blanks."""
    spot = _pick(rng, _numbers(answer))
    if spot is None:
        return None
    number = spot.number
    forms: list[tuple[str, Any]] = [
        ("text", f"{number}"),
        ("text with blanks", f" {number} "),
        ("with a fraction", literal(f"{number}.0" if number == int(number) else f"{number}0")),
        ("text with a fraction", f"{number}.00" if number == int(number) else f"{number}00"),
        ("exponent", literal(f"{number:E}".replace("+", ""))),
        ("with a plus sign", f"+{number}"),
    ]
    words, value = rng.choice(forms)
    return _change_at(answer, spot, value, words, Same(may_refuse=not spot.is_loaded or words.startswith("with a p")))


def write_all_numbers_as_text(answer: JsonAnswer, _rng: Random) -> Change | None:
    """Every number of the answer as text."""
    spots = _numbers(answer)
    value = answer.value
    for spot in spots:
        value = replace_at(value, spot.leaf.path, str(spot.leaf.value))
    return Change("all numbers as text", Same(), write_json(value)) if spots else None


def change_number(answer: JsonAnswer, rng: Random) -> Change | None:
    """Another number of the same kind: a cell changes by the difference, and no other cell does."""
    spot = _pick(rng, [spot for spot in _numbers(answer) if spot.leaf.field not in DATE_PARTS])
    if spot is None:
        return None
    number = spot.number
    others = [number + 2, number + 1, number * 10 + 1, Decimal(0), number + 10**6, Decimal(10**12)]
    if any(name in spot.leaf.field for name in DECIMAL_PLACES):
        others += [number + Decimal("0.5"), number + Decimal("0.125")]
    other = rng.choice(others)
    if other == number:
        return None
    if _is_envelope(spot):
        effect: Effect = Refused("it announces another number of rows", may_ignore=True)
    elif spot.leaf.field.endswith(REPEATED_STATISTICS) or not spot.is_loaded:
        effect = Same(may_refuse=True)
    elif spot.leaf.field.endswith(".rank"):
        effect = NumberChanged(other - number, spot.mapping.columns)
    else:
        effect = NumberChanged(other - number, spot.mapping.columns, is_required=_is_shown(answer, spot))
    return _change_at(answer, spot, literal(f"{other:f}"), f"{other:f}", effect)


def _is_shown(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether a change of the number must show: ``counts`` gives way to ``total``, and others have conditions."""
    return not _gives_way(answer, spot) and "only" not in spot.mapping.note


def _gives_way(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether `total` stands beside these `counts`, so that they are not read."""
    path = spot.leaf.path
    return ".counts" in spot.leaf.field and (
        "total" in answer.value[path[0]] or len(answer.value[path[0]]["counts"]) > 1
    )


def negate_number(answer: JsonAnswer, rng: Random) -> Change | None:
    """A negative number, where only amounts and counts are."""
    spot = _pick(rng, [spot for spot in _numbers(answer) if spot.number > 0])
    if spot is None:
        return None
    value = rng.choice([-1, f"-{spot.number}", literal(f"-{spot.number}")])
    is_repeated = spot.leaf.field.endswith(REPEATED_STATISTICS)
    return _change_at(
        answer,
        spot,
        value,
        "negative",
        Refused("a number is negative", not spot.is_loaded or is_repeated or _gives_way(answer, spot)),
    )


def write_minus_zero(answer: JsonAnswer, rng: Random) -> Change | None:
    """A zero as -0: it is zero."""
    spot = _pick(rng, [spot for spot in _numbers(answer) if spot.number == 0])
    return (
        _change_at(answer, spot, rng.choice([literal("-0"), literal("-0.0"), "-0"]), "-0", Same(True)) if spot else None
    )


def write_fraction(answer: JsonAnswer, rng: Random) -> Change | None:
    """A fraction where whole things are counted."""
    spots = [spot for spot in _numbers(answer) if not any(name in spot.leaf.field for name in DECIMAL_PLACES)]
    spot = _pick(rng, [spot for spot in spots if answer.stream != "inbox"])
    if spot is None:
        return None
    value = rng.choice([literal(f"{spot.number}.5"), "1.5", literal("1e-3")])
    return _change_at(
        answer,
        spot,
        value,
        "a fraction",
        Refused("a count is not whole", not spot.is_loaded or _gives_way(answer, spot)),
    )


def write_unreadable_number(answer: JsonAnswer, rng: Random) -> Change | None:
    """A value that is no number where a number is."""
    spot = _pick(rng, _numbers(answer))
    if spot is None:
        return None
    words, value = rng.choice(UNREADABLE)
    if words == "10**18" and any(name in spot.leaf.field for name in DATE_PARTS):
        return None
    may_ignore = not spot.is_loaded or _gives_way(answer, spot) or spot.leaf.field.endswith(REPEATED_STATISTICS)
    if answer.is_map_of_members(spot.leaf.path[:-1]) and isinstance(value, dict):
        may_ignore = False
    return _change_at(answer, spot, value, words, Refused(f"a number is {words}", may_ignore))


def change_name(answer: JsonAnswer, rng: Random) -> Change | None:
    """Another name of a member, or of a key that is a name."""
    spots = [spot for spot in answer.spots if spot.kind in ("name", "key") and spot.is_loaded]
    spot = _pick(rng, [spot for spot in spots if answer.stream != "channels"])
    if spot is None:
        return None
    name = str(spot.leaf.value)
    other = rng.choice(
        [f"{name}x", f" {name}", f"{name}\n", "null", "NA", "🙂", f"{name}\ud83d", "x" * 400, f"{name}\x00", "é"]
    )
    if spot.leaf.field.endswith("conversation_id"):
        effect: Effect = Refused("it names another conversation")
    else:
        effect = NameChanged(spot.mapping.columns, _has_number_beside(answer, spot))
    path = spot.leaf.path
    changed = rename_at(answer.value, path, other) if spot.leaf.is_key else replace_at(answer.value, path, other)
    return Change(f"{show_path(path)}: {name!r} -> {other[:40]!r}", effect, write_json(changed))


def _has_number_beside(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether the member has a number that is not zero: members with zero have no row."""
    path = spot.leaf.path if spot.leaf.is_key else spot.leaf.path[:-1]
    if "without an entry" in spot.mapping.note:
        return False
    numbers = [other.number for other in answer.spots_below(path) if other.kind == "number"]
    return any(numbers) or not numbers


def write_unreadable_name(answer: JsonAnswer, rng: Random) -> Change | None:
    """A value that is no text where a name is."""
    spot = _pick(rng, [spot for spot in answer.spots if spot.kind == "name" and spot.leaf.path])
    if spot is None or "properties" in str(spot.leaf.path).casefold():
        return None
    words, value = rng.choice([("true", True), ("a list", ["a"]), ("an object", {"a": "b"}), ("an empty list", [])])
    return _change_at(answer, spot, value, words, Refused(f"a name is {words}", not spot.is_loaded))


def remove_value(answer: JsonAnswer, rng: Random) -> Change | None:
    """A value that is null, or whose key is missing: it is unknown."""
    spots = [spot for spot in answer.spots if spot.kind not in ("key", "data") and spot.leaf.path]
    spot = _pick(rng, spots)
    if spot is None:
        return None
    is_dropped = bool(rng.getrandbits(1)) and isinstance(spot.leaf.path[-1], str)
    path = spot.leaf.path
    changed = drop_at(answer.value, path) if is_dropped else replace_at(answer.value, path, None)
    note = f"{show_path(path)}: {spot.leaf.value!r} -> {'missing' if is_dropped else 'null'}"
    return Change(note, _effect_of_missing(answer, spot, is_dropped), write_json(changed))


def _effect_of_missing(answer: JsonAnswer, spot: Spot, is_dropped: bool) -> Effect:
    field = spot.leaf.field
    if field in DATE_PARTS:
        return Refused("a date is incomplete")
    if field in ("data.total", "data.count"):
        return Refused("it does not say how many rows there are")
    if not spot.is_loaded:
        return Same(may_refuse=True)
    if spot.kind == "instant":
        return Refused("an instant is missing")
    if spot.kind == "name":
        return NameChanged(spot.mapping.columns, _has_number_beside(answer, spot))
    is_zero_omitted = answer.provider == "chatlayer" and is_dropped
    return Unknown({*spot.mapping.columns, *_row_columns(answer, spot)}, may_be_zero=is_zero_omitted)


def _row_columns(answer: JsonAnswer, spot: Spot) -> set[str]:
    """Return the columns of the values beside it: a row without its only number is left out."""
    return answer.columns_below(spot.leaf.path[:-1]) if len(spot.leaf.path) > 1 else set()


def shift_instant(answer: JsonAnswer, rng: Random) -> Change | None:
    """An instant of another hour, day, month or year."""
    spot = _pick(rng, [spot for spot in answer.spots if spot.kind == "instant" and spot.mapping.is_routing])
    if spot is None:
        return None
    before = _read_instant(spot.leaf.value)
    step = rng.choice(
        [timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=365), timedelta(days=36500)]
    )
    after = before + rng.choice([1, -1]) * step
    is_inside = (
        answer.fetch.window.start <= after.astimezone(answer.subject.account.zone).date() < answer.fetch.window.end
    )
    effect: Effect = Moved() if is_inside else Refused(f"{after:%Y-%m-%d} was not requested")
    written = _write_instant_like(spot.leaf.value, after)
    if written == spot.leaf.value:
        return None
    return _change_at(answer, spot, written, f"{after:%Y-%m-%d %H:%M}", effect)


def shift_all_instants(answer: JsonAnswer, rng: Random) -> Change | None:
    """All instants of the answer in another day, month or year: the answer of another range."""
    spots = [spot for spot in answer.spots if spot.kind == "instant" and spot.leaf.value is not None]
    if not any(spot.mapping.is_routing for spot in spots) and "_report" not in answer.stream:
        return None
    days = rng.choice([-365, -31, -7, 7, 31, 365])
    value = answer.value
    for spot in spots:
        moved = _write_instant_like(spot.leaf.value, _read_instant(spot.leaf.value) + timedelta(days=days))
        path = spot.leaf.path
        value = rename_at(value, path, moved) if spot.leaf.is_key else replace_at(value, path, moved)
    return (
        Change(f"all instants {days:+} days", Refused("all of it is of other days"), write_json(value))
        if spots
        else None
    )


def write_unreadable_instant(answer: JsonAnswer, rng: Random) -> Change | None:
    """A time that is none, or whose offset is not known."""
    spot = _pick(rng, [spot for spot in answer.spots if spot.kind == "instant" and not spot.leaf.is_key])
    if spot is None:
        return None
    words = rng.choice(
        [
            "2025-02-30",
            "2025-03-11T25:00:00Z",
            "11/03/2025",
            "",
            "yesterday",
            "2025-W11",
            "0000-00-00",
            "20250311",
            "25-03-11",
        ]
    )
    value: Any = rng.choice([words, words, True, [], {}, -1, literal("1e30")])
    effect = Refused(f"{value!r} is no instant of what was requested", not spot.mapping.is_routing)
    return _change_at(answer, spot, value, repr(value), effect)


def write_instant_otherwise(answer: JsonAnswer, rng: Random) -> Change | None:
    """The same instant with another offset, in milliseconds, with a fraction, with the word UTC."""
    spots = [spot for spot in answer.spots if spot.kind == "instant" and not spot.leaf.is_key]
    spot = _pick(rng, [spot for spot in spots if "T" in str(spot.leaf.value)])
    if spot is None:
        return None
    instant = _read_instant(spot.leaf.value)
    text = f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}"
    forms: Mapping[str, Any] = {
        "+00:00": f"{text}+00:00", "blank": f"{text}Z".replace("T", " "), "UTC": f"{text} UTC".replace("T", " "),
        "milliseconds": int(instant.timestamp() * 1000), "small letters": f"{text}Z".lower(), "microseconds": f"{text}000Z",
        "+02:00": (instant + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S") + f".{instant.microsecond // 1000:03}+02:00",
    }  # fmt: skip
    words = rng.choice(sorted(forms))
    return _change_at(answer, spot, forms[words], words, Same(may_refuse=words in ("UTC",)))


def shift_date_part(answer: JsonAnswer, rng: Random) -> Change | None:
    """Another day, month or year of one item, or of all: outside of what was requested, or no date."""
    spots = [spot for spot in answer.spots if spot.leaf.field in DATE_PARTS]
    spot = _pick(rng, spots)
    if spot is None:
        return None
    part = spot.leaf.field.rsplit(".", 1)[-1]
    choices = {
        "day": [0, 32, -1, 31.5],
        "month": [0, 13, spot.leaf.value + 1, spot.leaf.value - 1],
        "year": [25, 0, 2024, 2026, 20251],
    }
    other = rng.choice(choices[part])
    effect = Refused(f"{part} {other} was not requested")
    if part == "day" or rng.getrandbits(1):
        return _change_at(answer, spot, other, str(other), effect)
    value = answer.value
    for each_spot in spots:
        if each_spot.leaf.field == spot.leaf.field:
            value = replace_at(value, each_spot.leaf.path, other)
    return Change(f"every {part} -> {other}", effect, write_json(value))


def _read_instant(value: Any) -> datetime:
    if isinstance(value, int | float) or str(value).isdecimal():
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
    instant = datetime.fromisoformat(str(value))
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _write_instant_like(value: Any, instant: datetime) -> Any:
    if isinstance(value, int | float):
        return int(instant.timestamp() * (1000 if value > 10**11 else 1))
    if str(value).isdecimal():
        return str(_write_instant_like(int(value), instant))
    if "T" not in value and " " not in value:
        return f"{instant:%Y-%m-%d}"
    return instant.isoformat(timespec="milliseconds" if "." in value else "seconds").replace("+00:00", "Z")


VALUE_MUTATIONS: tuple[Mutation, ...] = (
    write_number_otherwise, write_all_numbers_as_text, change_number, negate_number, write_minus_zero, write_fraction,
    write_unreadable_number, change_name, write_unreadable_name, remove_value, shift_instant, shift_all_instants,
    write_unreadable_instant, write_instant_otherwise, shift_date_part,
)  # fmt: skip
