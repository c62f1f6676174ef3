"""The components of ChatCaptain's two reports: the name of each component id.

An id means a different component in each report. Source: the vendor's statistics reference. What must not come in: how
a component is read (``reports.py``) and where it lands (``fields.py``).
"""

from collections.abc import Iterable, Mapping

from transforms.drift import Shape, shape_of_key

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
