"""The comparison of a response with its request: what it repeats of the request must be what was requested.

A gateway or a server can send the response to another request: of another month, another day or another account. What
must not come in: a provider.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from transforms.reading import Node, normalize_key

_OBJECTS_OF_A_REQUEST = {"request", "query", "filter", "params", "parameters", "range", "period", "meta"}

RequestedValues: TypeAlias = Mapping[str, str | int | datetime]
"""Values of a request by their names; instants are aware."""


def refuse_other_request(node: Node, requested: RequestedValues) -> None:
    """Compare the values that an object holds under the names of ``requested``, in any spelling of these names.

    An aware instant is compared with an instant in any form. Objects that repeat a request as a whole (``filter``) are
    compared inside. A null, and a name that is missing, say nothing. Raises ShapeError for a value that differs.
    """
    by_name = {normalize_key(name): value for name, value in requested.items()}
    for key, repeated in node.entries():
        name = normalize_key(key)
        if name in by_name and not repeated.is_null:
            _refuse_difference(repeated, by_name[name])
        elif name in _OBJECTS_OF_A_REQUEST and isinstance(repeated.value, dict):
            refuse_other_request(repeated, requested)


def _refuse_difference(repeated: Node, requested: str | int | datetime) -> None:
    if isinstance(requested, datetime):
        is_equal = repeated.instant() == requested
    elif isinstance(requested, int):
        is_equal = repeated.number() == requested
    else:
        is_equal = repeated.text() == requested
    if not is_equal:
        repeated.refuse(f"is not the requested {requested}")
