"""The components of ChatCaptain's two reports: the name of each component id.

An id means a different component in each report. Source: the vendor's statistics reference. What must not come in: how
a component is read (``reports.py``) and where it lands (``fields.py``).
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from extractors.provider_message import find_reported_failure
from transforms.drift import Shape, shape_of_key
from transforms.reading import Node

OVERVIEW_COMPONENTS = (
    "STEP_EXEC_COUNT",
    "CONVERSATION_COUNT",
    "CONVERSATION_COUNT_INTERVAL",
    "CONVERSATION_LANGUAGES",
    "CONVERSATION_BY_CHANNEL_TYPE",
    "CONVERSATION_COUNT_PERIODIC_TREND",
    "CONVERSATION_MESSAGE_COUNT_MEDIAN",
    "MESSAGE_COUNT",
    "MESSAGE_COUNT_INTERVAL",
    "MESSAGE_COUNT_PERIODIC_TREND",
    "MESSAGE_LENGTH_MEDIAN",
    "INTENT_HITS",
    "INTENT_SCORE_MEDIAN",
    "INTENT_COUNT",
    "INTERACTION_COUNT",
    "INTERACTION_COUNT_INTERVAL",
    "INTERACTION_COUNT_PERIODIC_TREND",
)
CHANNEL_COMPONENTS = (
    *(
        f"{name}_FOR_CHANNEL_ID"
        for name in (
            "STEP_EXEC_COUNT",
            "CONVERSATION_COUNT",
            "CONVERSATION_COUNT_INTERVAL",
            "CONVERSATION_COUNT_PERIODIC_TREND",
            "CONVERSATION_LANGUAGES",
            "CONVERSATION_MESSAGE_COUNT_MEDIAN",
            "INTENT_COUNT",
            "INTENT_HITS",
            "INTENT_SCORE_MEDIAN",
            "INTERACTION_COUNT",
            "INTERACTION_COUNT_INTERVAL",
            "INTERACTION_COUNT_PERIODIC_TREND",
            "MESSAGE_COUNT",
            "MESSAGE_COUNT_INTERVAL",
            "MESSAGE_COUNT_PERIODIC_TREND",
            "MESSAGE_LENGTH_MEDIAN",
        )
    ),
    "CALL_DURATION_TOTAL",
    "CALL_DURATION_PERIODIC_TREND",
    "CALL_DURATION_MEDIAN",
    "CALL_EXIT_STEP",
    "CALL_USER_INPUTS_MEDIAN",
    "CALL_END_REASON",
    "CALL_TRANSFER_TARGET",
)


def component_numbers(names: tuple[str, ...]) -> Mapping[str, int]:
    """Return a report's component ids by each key that a component may have: its name in lower case, and the id."""
    numbers = {name.casefold(): number for number, name in enumerate(names)}
    return {**numbers, **{str(number): number for number in range(len(names))}}


def component_label(number: int, names: tuple[str, ...]) -> str:
    """Return the name of a component for people: ``4 CONVERSATION_BY_CHANNEL_TYPE``."""
    return f"{number} {names[number]}"


def report_shape(keys: Iterable[str], names: tuple[str, ...], component_shapes: Shape) -> Shape:
    """Return the known shape of a report under the keys that the report uses.

    ``component_shapes`` has the shape of each component by its label.
    """
    numbers = component_numbers(names)
    return {
        key: shape_of_key(component_shapes, component_label(numbers[key.casefold()], names))
        for key in keys
        if key.casefold() in numbers
    }


def refuse_failed_component(component: Node) -> None:
    """Raise ShapeError for a component that reports a failure in place of its numbers, or beside them.

    A breakdown may have a member called ``error``: a number under such a name is data.
    """
    if isinstance(component.value, dict):
        failures = {key: value for key, value in component.value.items() if not _is_number(value)}
        failure = find_reported_failure(failures)
        if failure:
            component.refuse(f"is no data; the provider says: {failure}")


def _is_number(value: Any) -> bool:
    """Return whether a value is a number in one of its forms: bare, as text, or in an object under value or count."""
    if isinstance(value, dict):
        return any(_is_number(value.get(key)) for key in ("value", "count"))
    if isinstance(value, str):
        return bool(re.fullmatch(r"\s*[+-]?[\d.]+\s*", value, re.ASCII))
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
