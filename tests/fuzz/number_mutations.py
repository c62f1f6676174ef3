"""Changes of one number of a JSON answer: written otherwise, another number, a value that is no number."""

from decimal import Decimal
from random import Random
from typing import Any

from tests.fuzz.changes import AnswerChange, Mutation, change_at, literal, pick_spot, replace_at, write_json
from tests.fuzz.effects import Effect, NumberChanged, Refused, Same
from tests.fuzz.places import DATE_PARTS, ENVELOPE_NUMBERS, JsonAnswer, Spot

DECIMAL_PLACES = (
    "callMinutes",
    "totalCallDuration",
    "totalCost",
    "averageCost",
    "averageInteractions",
    "MEDIAN",
    "CALL_DURATION",
)
REPEATED_STATISTICS = ("mean", "max", "min", "sum")
UNREADABLE: tuple[tuple[str, Any], ...] = (
    ("true", True),
    ("false", False),
    ("an empty list", []),
    ("a list", [5]),
    ("an object", {"amount": 5}),
    ("a word", "many"),
    ("an empty text", ""),
    ("a text with a unit", "5 chats"),
    ("hexadecimal", "0x10"),
    ("a thousands comma", "1,234"),
    ("points and comma", "1.234,5"),
    ("Arabic digits", "١٢"),
    ("a full-width digit", "５"),
    ("underscores", "1_000"),
    ("a blank inside", "1 234"),
    ("a no-break space inside", "1\u00a0234"),
    ("two signs", "--5"),
    ("the text NaN", "NaN"),
    ("the text Infinity", "Infinity"),
    ("the text 1e400", "1e400"),
    ("NaN", literal("NaN")),
    ("Infinity", literal("-Infinity")),
    ("1e400", literal("1e400")),
    ("an exponent without limit", literal("1e999999999999999999999")),
    ("a number of 30 digits", 10**30),
    ("10**18", 10**18),
    ("a leading zero", literal("05")),
    ("a plus sign", literal("+5")),
    ("half a number", literal("5.")),
)


def _numbers(answer: JsonAnswer) -> list[Spot]:
    return [spot for spot in answer.spots if spot.kind == "number"]


def _is_envelope(spot: Spot) -> bool:
    return spot.leaf.field in ENVELOPE_NUMBERS


def write_number_otherwise(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write a number as text, as a fraction, with an exponent, with blanks."""
    spot = pick_spot(rng, _numbers(answer))
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
    may_refuse = not spot.is_loaded or _is_envelope(spot) or words.startswith("with a p")
    return change_at(answer, spot, value, words, Same(may_refuse))


def write_all_numbers_as_text(answer: JsonAnswer, _rng: Random) -> AnswerChange | None:
    """Write every number of the answer as text."""
    spots = _numbers(answer)
    value = answer.value
    for spot in spots:
        value = replace_at(value, spot.leaf.path, str(spot.leaf.value))
    return AnswerChange("all numbers as text", Same(), write_json(value)) if spots else None


def change_number(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send another number: a cell changes by the difference, and no other cell does."""
    spot = pick_spot(rng, [spot for spot in _numbers(answer) if spot.leaf.field not in DATE_PARTS])
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
    return change_at(answer, spot, literal(f"{other:f}"), f"{other:f}", effect)


def _is_shown(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether a change must show: ``counts`` gives way to ``total``, and others have conditions."""
    return not _gives_way(answer, spot) and "only" not in spot.mapping.note


def _gives_way(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether `total` stands beside these `counts`, so that they are not read."""
    path = spot.leaf.path
    return ".counts" in spot.leaf.field and (
        "total" in answer.value[path[0]] or len(answer.value[path[0]]["counts"]) > 1
    )


def negate_number(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a negative number, where only amounts and counts are."""
    spot = pick_spot(rng, [spot for spot in _numbers(answer) if spot.number > 0])
    if spot is None or answer.stream == "inbox":
        return None  # the numbers of an inbox are whatever the provider names
    value = rng.choice([-1, f"-{spot.number}", literal(f"-{spot.number}")])
    is_repeated = spot.leaf.field.endswith(REPEATED_STATISTICS)
    return change_at(
        answer,
        spot,
        value,
        "negative",
        Refused(
            "a number is negative", not spot.is_loaded or is_repeated or _is_envelope(spot) or _gives_way(answer, spot)
        ),
    )


def write_minus_zero(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write a zero as -0."""
    spot = pick_spot(rng, [spot for spot in _numbers(answer) if spot.number == 0])
    return (
        change_at(answer, spot, rng.choice([literal("-0"), literal("-0.0"), "-0"]), "-0", Same(True)) if spot else None
    )


def write_fraction(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a fraction where whole things are counted."""
    spots = [spot for spot in _numbers(answer) if not any(name in spot.leaf.field for name in DECIMAL_PLACES)]
    spot = pick_spot(rng, [spot for spot in spots if answer.stream != "inbox"])
    if spot is None:
        return None
    value = rng.choice([literal(f"{spot.number}.5"), "1.5", literal("1e-3")])
    return change_at(
        answer,
        spot,
        value,
        "a fraction",
        Refused("a count is not whole", not spot.is_loaded or _is_envelope(spot) or _gives_way(answer, spot)),
    )


def write_unreadable_number(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a value that is no number."""
    spot = pick_spot(rng, _numbers(answer))
    if spot is None:
        return None
    words, value = rng.choice(UNREADABLE)
    if words == "10**18" and any(name in spot.leaf.field for name in DATE_PARTS):
        return None
    may_ignore = (
        not spot.is_loaded
        or _is_envelope(spot)
        or _gives_way(answer, spot)
        or spot.leaf.field.endswith(REPEATED_STATISTICS)
    )
    if answer.is_map_of_members(spot.leaf.path[:-1]) and isinstance(value, dict):
        may_ignore = False
    return change_at(answer, spot, value, words, Refused(f"a number is {words}", may_ignore))


NUMBER_MUTATIONS: tuple[Mutation, ...] = (
    write_number_otherwise,
    write_all_numbers_as_text,
    change_number,
    negate_number,
    write_minus_zero,
    write_fraction,
    write_unreadable_number,
)
