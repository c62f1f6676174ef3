"""Tolerant readers of breakdowns: lists and maps of members with their numbers, in every accepted form.

Nothing is guessed: a breakdown is read, or raises ShapeError. What must not come in: a provider.
"""

from collections.abc import Iterator

from extractors.json_body import format_json, replace_lone_surrogates
from transforms.reading import Node
from warehouse.model.columns import UNKNOWN


def unwrap_scalar(node: Node, *wrappers: str) -> Node:
    """Return the number of a scalar that is bare or wrapped as ``{value: …}`` or ``{count: …}``.

    Raises ShapeError for an object with none, or several, of the wrapping keys.
    """
    if not isinstance(node.value, dict):
        return node
    keys = wrappers or ("value", "count")
    present = [key for key in keys if key in node.value]
    if len(present) != 1:
        node.refuse(f"is neither a number nor an object with one of {', '.join(keys)}")
    return node[present[0]]


def read_breakdown(
    node: Node, names: tuple[str, ...] = ("key", "id", "name"), values: tuple[str, ...] = ("count", "value")
) -> list[tuple[str, Node]]:
    """Return members with their numbers, from a map name → number or a list of ``{name: …, value: …}`` objects.

    Null and empty names are ``unknown``. A null breakdown is empty. Raises ShapeError for a name that comes twice,
    and for any other form.
    """
    if node.is_null:
        return []
    if isinstance(node.value, dict):
        return [(replace_lone_surrogates(name) or UNKNOWN, unwrap_scalar(value)) for name, value in node.entries()]
    rows: list[tuple[str, Node]] = []
    seen: set[str | None] = set()
    for row in node.elements():
        if not any(key in row for key in names) or not any(key in row for key in values):
            row.refuse(f"has none of {', '.join(names)} or none of {', '.join(values)}")
        name = row.first(*names)
        if name.text() in seen:
            row.refuse("names a member a second time")
        seen.add(name.text())
        rows.append((name.member(), row.first(*values)))
    return rows


def read_named_counts(node: Node, name: str, value: str, *other_keys: str) -> Iterator[tuple[Node, int | None]]:
    """Yield the names and counts of ``[{name, value}]``, in order.

    A name may be omitted, for the member ``unknown``. Raises ShapeError for an entry without the value, and for one
    with unknown keys in place of the name: the provider may have renamed it.
    """
    for row in node.elements():
        if value not in row:
            row.refuse(f"has no {value}")
        if name not in row and set(row.object()) - {value, *other_keys}:
            row.refuse(f"has no {name}")
        yield row[name], row[value].count()


def refuse_repeated_entries(node: Node, value: str) -> None:
    """Raise ShapeError for two entries of a list that differ in nothing but their ``value``.

    The second one may be a further part or a repetition: nothing says which.
    """
    seen: set[object] = set()
    for row in node.elements():
        names = {key: inner for key, inner in row.object().items() if key != value}
        # nearly all entries have nothing but texts, which need no form of their own to be compared
        has_texts_only = all(type(inner) is str for inner in names.values())
        identity = tuple(names.items()) if has_texts_only else format_json(names)
        if identity in seen:
            row.refuse("comes a second time")
        seen.add(identity)
