"""The components of ChatCaptain's two reports: their names by id, and what is known of how each is written.

A component id means a different thing in each report. Source: the vendor's statistics reference. How a component is
read, and what becomes of it, is not decided here.
"""

from collections.abc import Mapping

from transforms.drift import NamedMembers, Shape, flat_object

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
_SHARED = "_FOR_CHANNEL_ID"
CHANNEL_COMPONENTS = (
    *(
        f"{name}{_SHARED}"
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

SCALAR_SHAPE = flat_object("value", "count")
_BREAKDOWN = NamedMembers(SCALAR_SHAPE, flat_object("key", "id", "name", "count", "value"))
_INTERVAL = NamedMembers(SCALAR_SHAPE, flat_object("timestamp", "date", "count", "value"))
_BREAKDOWNS = (
    "STEP_EXEC_COUNT",
    "CONVERSATION_LANGUAGES",
    "CONVERSATION_BY_CHANNEL_TYPE",
    "INTENT_HITS",
    "CALL_EXIT_STEP",
    "CALL_END_REASON",
    "CALL_TRANSFER_TARGET",
)


def component_numbers(names: tuple[str, ...]) -> Mapping[str, int]:
    """A report's ids by every key that a component may stand under: its name without regard to case, and the id."""
    numbers = {name.casefold(): number for number, name in enumerate(names)}
    return {**numbers, **{str(number): number for number in range(len(names))}}


def component_label(number: int, names: tuple[str, ...]) -> str:
    """What a component is called when a person is told of it: ``4 CONVERSATION_BY_CHANNEL_TYPE``."""
    return f"{number} {names[number]}"


def component_shapes(names: tuple[str, ...]) -> Mapping[str, Shape]:
    """What is known of every component of a report, by its ``place``."""
    return {component_label(number, names): _written(name) for number, name in enumerate(names)}


def report_shape(report: Mapping[str, object], names: tuple[str, ...]) -> Shape:
    """What is known of a report, under the keys it was told with."""
    numbers = component_numbers(names)
    return {key: _written(names[numbers[key.casefold()]]) for key in report if key.casefold() in numbers}


def _written(name: str) -> Shape:
    if name.removesuffix(_SHARED) in _BREAKDOWNS:
        return _BREAKDOWN
    if "_INTERVAL" in name:
        return _INTERVAL
    return None if "_TREND" in name else SCALAR_SHAPE
