"""The comparison of a response with its request: what it repeats of the request must be what was requested.

A gateway or a server can send the response to another request: of another month, another day or another account. What
must not come in: a provider.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from extractors.windows import local_day
from transforms.reading import Node, normalize_key, read_calendar_day

_UTC = ZoneInfo("UTC")
_TOLERANCE = timedelta(seconds=1)  # the last millisecond of a range may be written as its end, or without fractions
_OBJECTS_OF_A_REQUEST = {"request", "query", "filter", "params", "parameters", "range", "period", "meta"}

RequestedValues: TypeAlias = Mapping[str, str | int | datetime]
"""Values of a request by their names; instants are aware."""


def refuse_other_request(node: Node, requested: RequestedValues, zone: ZoneInfo = _UTC) -> None:
    """Compare the values that an object holds under the names of ``requested``, in any spelling of these names.

    An aware instant is compared with an instant in any form, or with a bare day of ``zone`` or UTC. Objects that repeat
    a request as a whole (``filter``) are compared inside. A null, an empty text and a name that is missing say nothing.
    Raises ShapeError for a value that differs by more than a second.
    """
    by_name = {normalize_key(name): value for name, value in requested.items()}
    for key, repeated in node.entries():
        name = normalize_key(key)
        if name in by_name and repeated.value not in (None, ""):
            _refuse_difference(repeated, by_name[name], zone)
        elif name in _OBJECTS_OF_A_REQUEST and isinstance(repeated.value, dict):
            refuse_other_request(repeated, requested, zone)


def _refuse_difference(repeated: Node, requested: str | int | datetime, zone: ZoneInfo) -> None:
    if isinstance(requested, datetime):
        is_equal = _is_at(repeated, requested, zone)
    elif isinstance(requested, int):
        is_equal = repeated.number() == requested
    else:
        is_equal = repeated.text() == requested
    if not is_equal:
        repeated.refuse(f"is not the requested {requested}")


def _is_at(repeated: Node, requested: datetime, zone: ZoneInfo) -> bool:
    day = read_calendar_day(repeated)
    if day is not None:
        moments = (requested - _TOLERANCE, requested, requested + _TOLERANCE)
        return day in {local_day(moment, days_zone) for moment in moments for days_zone in (_UTC, zone)}
    instant = repeated.instant()
    return instant is not None and abs(instant - requested) <= _TOLERANCE
