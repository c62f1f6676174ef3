"""The faults of a response that is JSON and does not fit its request: a part of the catalogue ``faults``."""

import json
from collections.abc import Sequence
from typing import Any

from sandbox.recorder import Fault
from tests.support.fault_case import BOT, VOICE, FaultCase


def _counter(body: Any) -> tuple[Fault, ...]:
    text = body if isinstance(body, str) else json.dumps(body)
    return (Fault(path="conversationcounter", status=200, body=text),)


_MARCH = [{"day": day, "month": 3, "year": 2025, "conversations": 9} for day in range(1, 21)]
_FEBRUARY = [{**item, "month": 2} for item in _MARCH]

_OTHER_DAY = (
    '{"CONVERSATION_COUNT": 0, "CONVERSATION_COUNT_INTERVAL": [{"timestamp": "2025-04-11T10:00:00Z", "count": 0}]}'
)
_OTHER_MONTH = '{"data": {"x_values": ["2025-04-11T00:00:00Z"], "series": [{"values": [3]}]}}'
_MOVED = '{"data": [{"intent_id": "a", "count": "3"}, {"intent_id": "b"}, {"intent_id": "a", "count": "3"}]}'

MISFITS: Sequence[FaultCase] = (
    FaultCase(
        "`errors` beside empty data in a response with status 200",
        "sent one request",
        1,
        _counter('{"items": [], "errors": [{"message": "out of memory"}]}'),
        error_pattern="HTTP 200, but the provider says: out of memory; check the account's ids",
        can_run_as_command=True,
    ),
    FaultCase(
        "`error` in one item of a response with status 200",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": [*_MARCH[:10], {**_MARCH[10], "error": "partial data"}]}),
        error_pattern=r"field \$\.items\[\]\.error: is a failure; the provider says: partial data, saw",
    ),
    FaultCase(
        "items of another month",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": _FEBRUARY}),
        error_pattern=r"field \$\.items\[0\]\.month: is not the requested 3, saw 2; the answer is kept",
        can_run_as_command=True,
    ),
    FaultCase(
        "years of two digits",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": [{**item, "year": 25} for item in _MARCH]}),
        error_pattern=r"field \$\.items\[0\]\.year: is not the requested 2025, saw 25",
    ),
    FaultCase(
        "20 of 30 items, with a total",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": _MARCH, "total": 30}),
        error_pattern=r"field \$\.total: announces more than the 20 that came, saw 30",
        can_run_as_command=True,
    ),
    FaultCase(
        "a link to a next page",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": _MARCH, "_links": {"next": {"href": "/?page=2"}}}),
        error_pattern=r"field \$\._links\.next: announces a next page, which did not come",
    ),
    FaultCase(
        "a key that stands twice in one object",
        "sent one request",
        1,
        _counter('{"items": [{"day": 11, "month": 3, "year": 2025, "conversations": 5, "conversations": 7}]}'),
        error_pattern=r"field conversations: stands twice in one object, saw \[5, 7\]",
    ),
    FaultCase(
        "a negative count",
        "kept the response, loaded nothing from it",
        1,
        _counter({"items": [{**_MARCH[10], "conversations": -1}]}),
        error_pattern=r"field \$\.items\[0\]\.conversations: is negative, saw -1",
    ),
    FaultCase(
        "a report of another day",
        "kept the response, loaded nothing from it",
        14,
        (Fault(path="/reports/overview", status=200, body=_OTHER_DAY),),
        account=VOICE,
        error_pattern=r"field \$\.CONVERSATION_COUNT_INTERVAL\[0\]\.timestamp: is outside of the requested range, ",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "a series of another month",
        "kept the response, loaded nothing from it",
        11,
        (Fault(path="/messages?", status=200, body=_OTHER_MONTH),),
        account=BOT,
        error_pattern=r"field \$\.data\.x_values\[0\]: is outside of the requested range, .*replay",
    ),
    FaultCase(
        "an intent that comes twice, every time",
        "read the pages a second time, kept them, loaded nothing from them",
        10,
        (Fault(path="/intents?", status=200, body=_MOVED, times=10**6),),
        account=BOT,
        error_pattern=r"field \$\.data\[\]\.intent_id: comes twice .*also when they are read a second time, saw 'a'",
    ),
)
