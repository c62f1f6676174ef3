"""Changes of the instants and days in a JSON answer: of other days, unreadable, or written otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.fuzz.changes import (
    AnswerChange,
    Mutation,
    change_at,
    literal,
    pick_spot,
    rename_at,
    replace_at,
    write_json,
)
from tests.fuzz.effects import Effect, Fewer, Moved, Refused, Same
from tests.fuzz.places import DATE_PARTS, JsonAnswer, Spot


def shift_instant(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Move an instant by an hour, a day, a month, a year, a century."""
    spot = pick_spot(
        rng,
        [spot for spot in answer.spots if spot.kind == "instant" and spot.mapping.is_routing and not spot.leaf.is_key],
    )
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
    effect: Effect = Moved() if is_inside else Refused("its day was not requested")
    if answer.stream == "flow" and not is_inside and abs(step) <= timedelta(days=1):
        # a conversation around midnight has transitions of the day beside: the request of that day loads them
        effect = Fewer(answer.columns_below(spot.leaf.path[:-1]), answer.sum_below(spot.leaf.path[:-1]))
    zone = answer.subject.account.zone
    is_bucket = answer.stream not in ("flow", "conversations") or answer.provider != "inkeep"
    if is_bucket and answer.stream != "flow" and after.astimezone(zone).date() == before.astimezone(zone).date():
        effect = Same(may_refuse=True)  # the buckets of a day are summed
    elif _is_empty_bucket(answer, spot):
        effect = Refused("its day was not requested", may_ignore=True)
    written = _write_instant_like(spot.leaf.value, after)
    if written == spot.leaf.value:
        return None
    return change_at(answer, spot, written, f"{after:%Y-%m-%d %H:%M}", effect)


def _is_empty_bucket(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether the instant is that of a bucket in a list of an interval, without a number but zero."""
    return "INTERVAL" in spot.leaf.field and answer.sum_below(spot.leaf.path[:-1]) == 0


def shift_all_instants(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Move all instants of the answer: it is the answer of other days."""
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
        AnswerChange(f"all instants {days:+} days", Refused("all of it is of other days"), write_json(value))
        if spots
        else None
    )


def write_unreadable_instant(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a time that is none."""
    spot = pick_spot(rng, [spot for spot in answer.spots if spot.kind == "instant" and not spot.leaf.is_key])
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
    return change_at(answer, spot, value, repr(value), effect)


def write_instant_otherwise(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write an instant with another offset, in milliseconds, with a fraction, with the word UTC."""
    spots = [spot for spot in answer.spots if spot.kind == "instant" and not spot.leaf.is_key]
    spot = pick_spot(rng, [spot for spot in spots if "T" in str(spot.leaf.value)])
    if spot is None:
        return None
    instant = _read_instant(spot.leaf.value)
    later = instant + timedelta(hours=2)
    fraction = f".{instant.microsecond // 1000:03}"
    text = f"{instant:%Y-%m-%dT%H:%M:%S}{fraction}"
    forms: Mapping[str, Any] = {
        "+00:00": f"{text}+00:00",
        "+02:00": f"{later:%Y-%m-%dT%H:%M:%S}{fraction}+02:00",
        "a blank for T": f"{text}Z".replace("T", " "),
        "UTC": f"{text} UTC".replace("T", " "),
        "milliseconds": int(instant.timestamp() * 1000),
        "small letters": f"{text}Z".lower(),
        "microseconds": f"{text}000Z",
    }
    words = rng.choice(sorted(forms))
    return change_at(answer, spot, forms[words], words, Same(may_refuse=words == "UTC"))


def shift_date_part(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send another day, month or year of one item, or of all items."""
    spots = [spot for spot in answer.spots if spot.leaf.field in DATE_PARTS]
    spot = pick_spot(rng, spots)
    if spot is None:
        return None
    part = spot.leaf.field.rsplit(".", 1)[-1]
    choices = {
        "day": [0, 32, -1, 31.5],
        "month": [0, 13, spot.leaf.value + 1, spot.leaf.value - 1],
        "year": [25, 0, 2024, 2026, 20251],
    }
    other = rng.choice(choices[part])
    effect = Refused(f"its {part} was not requested")
    if part == "day" or rng.getrandbits(1):
        return change_at(answer, spot, other, str(other), effect)
    value = answer.value
    for each_spot in spots:
        if each_spot.leaf.field == spot.leaf.field:
            value = replace_at(value, each_spot.leaf.path, other)
    return AnswerChange(f"every {part} -> {other}", effect, write_json(value))


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


TIME_MUTATIONS: tuple[Mutation, ...] = (
    shift_instant,
    shift_all_instants,
    write_unreadable_instant,
    write_instant_otherwise,
    shift_date_part,
)
