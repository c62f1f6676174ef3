"""Inkeep's query language over rows in memory: select, groupBy, where, orderBy, after its vendor's reference.

Pure: rows in, rows out; paging is not part of it. An unknown word is refused, never ignored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.arithmetic import SIX_PLACES
from sandbox.http import parse_instant

FIELDS = (
    "id",
    "userMessageCount",
    "organizationId",
    "projectId",
    "integrationId",
    "firstMessageTime",
    "type",
    "properties",
    "userProperties",
)
JSON_FIELDS = ("properties", "userProperties")
TIME_FIELD = "firstMessageTime"
FAR_PAST, FAR_FUTURE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
TOP_LEVEL = frozenset({"select", "groupBy", "where", "orderBy", "notes"})
Row = dict[str, Any]
ReadRows = Callable[[datetime, datetime], Sequence[Row]]
GetValue = Callable[[Row], Any]
Predicate = Callable[[Row], bool]


class InvalidQuery(ValueError):
    """The query uses a word or a form that the language does not have."""


def run_query(query: Any, read: ReadRows, bucket_form: str) -> list[Row]:
    """Return all rows of the response, in order, before the page limit.

    Args:
        query: the parsed body.
        read: returns the rows with start <= `firstMessageTime` < end.
        bucket_form: the format of a time bucket's start (strftime, UTC).

    Raises:
        InvalidQuery: for a word or a form that the language does not have.
    """
    if not isinstance(query, dict) or set(query) - TOP_LEVEL:
        raise InvalidQuery(f"the body takes {sorted(TOP_LEVEL)}")
    if len(str(query.get("notes") or "")) > 80:
        raise InvalidQuery("notes takes at most 80 characters")
    select = query.get("select")
    if not isinstance(select, list) or not select:
        raise InvalidQuery("select must be a list with at least one entry")
    where = query.get("where")
    start, end = _find_time_range(where) if where else (FAR_PAST, FAR_FUTURE)
    matches = _build_predicate(where) if where else None
    rows = [row for row in read(start, end) if matches is None or matches(row)]
    columns, aggregates = _parse_select(select, bucket_form)
    groups = [_parse_group(entry) for entry in query.get("groupBy") or []]
    times = [(name, get_value) for name, get_value, kind in columns if kind == "time"]
    if aggregates or groups or times:
        result = _aggregate_groups(rows, columns, aggregates, groups)
    else:
        result = [{name: get_value(row) for name, get_value, _ in columns} | {"\0row": row} for row in rows]
    for order in reversed(query.get("orderBy") or []):
        _sort(result, order)
    return [{name: value for name, value in row.items() if not name.startswith("\0")} for row in result]


def _parse_select(
    select: Iterable[Any], bucket_form: str
) -> tuple[list[tuple[str, GetValue, str]], list[tuple[str, Callable[[list[Row]], Any]]]]:
    columns: list[tuple[str, GetValue, str]] = []
    aggregates: list[tuple[str, Callable[[list[Row]], Any]]] = []
    for entry in select:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind == "field":
            columns.append((_column_name(entry), _build_getter(entry), "field"))
        elif kind == "time":
            columns.append(
                (f"{_parse_field(entry)}_{entry.get('timeUnit')}", _build_bucket_getter(entry, bucket_form), "time")
            )
        elif kind == "aggregation":
            aggregates.append(_parse_aggregate(entry))
        else:
            raise InvalidQuery(f"select entries are of type aggregation, time or field, not {kind!r}")
    return columns, aggregates


def _aggregate_groups(
    rows: Sequence[Row],
    columns: Sequence[tuple[str, GetValue, str]],
    aggregates: Sequence[tuple[str, Callable[[list[Row]], Any]]],
    groups: Sequence[tuple[str, GetValue, bool]],
) -> list[Row]:
    grouped_names = {name for name, _, _ in groups}
    ungrouped = [name for name, _, kind in columns if kind == "field" and name not in grouped_names]
    if ungrouped:
        raise InvalidQuery(f"{ungrouped} must stand in groupBy next to aggregations")
    keys = [(name, get_value) for name, get_value, kind in columns if kind == "time"]
    keys += [(name if shown else "\0" + name, get_value) for name, get_value, shown in groups]
    cells: dict[str, tuple[Row, list[Row]]] = {}
    for row in rows:
        key = {name: get_value(row) for name, get_value in keys}
        cells.setdefault(repr(list(key.values())), (key, []))[1].append(row)
    if not keys:
        cells = {"": ({}, list(rows))}
    return [{**key, **{name: fold(members) for name, fold in aggregates}} for key, members in cells.values()]


def _parse_aggregate(entry: Mapping[str, Any]) -> tuple[str, Callable[[list[Row]], Any]]:
    function = entry.get("aggregation")
    if function == "count" and "field" not in entry:
        return "count", len
    get_value = _build_getter(entry)
    folds: dict[Any, Callable[[list[Any]], Any]] = {
        "count": len,
        "countDistinct": lambda values: len({repr(value) for value in values}),
        "sum": lambda values: sum(values) if values else None,
        "avg": lambda values: (Decimal(sum(values)) / len(values)).quantize(SIX_PLACES) if values else None,
        "min": lambda values: min(values, default=None),
        "max": lambda values: max(values, default=None),
    }
    if function not in folds:
        raise InvalidQuery(f"aggregation {function!r} is none of {sorted(folds)}")
    if function in ("sum", "avg") and entry["field"] != "userMessageCount":
        raise InvalidQuery(f"{function} takes a number, not {entry['field']}")
    fold = folds[function]
    return f"{function}_{_column_name(entry)}", lambda rows: fold(
        [value for row in rows if (value := get_value(row)) is not None]
    )


def _parse_group(entry: Any) -> tuple[str, GetValue, bool]:
    if not isinstance(entry, dict):
        raise InvalidQuery("groupBy takes objects")
    return _column_name(entry), _build_getter(entry), bool(entry.get("includeInSelect", True))


def _parse_field(entry: Mapping[str, Any]) -> str:
    field = entry.get("field")
    if field not in FIELDS:
        raise InvalidQuery(f"field {field!r} is none of {FIELDS}")
    return str(field)


def _column_name(entry: Mapping[str, Any]) -> str:
    return ".".join([_parse_field(entry), *map(str, entry.get("path") or [])])


def _build_getter(entry: Mapping[str, Any]) -> GetValue:
    field, path = _parse_field(entry), entry.get("path")
    if path is None:
        return lambda row: row[field]
    if field not in JSON_FIELDS or not isinstance(path, list):
        raise InvalidQuery(f"path needs a list and one of {JSON_FIELDS}")
    return lambda row: _get_nested(row[field], path)


def _get_nested(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _build_bucket_getter(entry: Mapping[str, Any], bucket_form: str) -> GetValue:
    if _parse_field(entry) != TIME_FIELD or entry.get("timeUnit") not in ("hour", "day", "week", "month"):
        raise InvalidQuery("time takes firstMessageTime and hour, day, week or month")
    unit = entry["timeUnit"]
    form = "%Y-%m-%dT%H:%M:%S.000Z" if unit == "hour" else bucket_form

    def get_bucket(row: Row) -> str:
        at: datetime = row[TIME_FIELD].replace(minute=0, second=0, microsecond=0)
        at = at if unit == "hour" else at.replace(hour=0)
        if unit == "week":
            at -= timedelta(days=at.weekday())
        return (at.replace(day=1) if unit == "month" else at).strftime(form)

    return get_bucket


def _sort(rows: list[Row], order: Any) -> None:
    if not isinstance(order, dict) or order.get("direction", "asc") not in ("asc", "desc"):
        raise InvalidQuery("orderBy takes {field, direction: asc|desc}")
    name = str(order.get("field"))
    if not all(name in row or name in row.get("\0row", {}) for row in rows):
        raise InvalidQuery(f"cannot order by {name!r}")

    def key(row: Row) -> tuple[bool, Any]:
        value = row[name] if name in row else row["\0row"][name]
        return value is None, "" if value is None else value

    rows.sort(key=key, reverse=order.get("direction") == "desc")


def _parse_literal(field: str, value: Any) -> Any:
    if field != TIME_FIELD:
        return value
    moment = parse_instant(value if isinstance(value, str) else None)
    if moment is None:
        raise InvalidQuery(f"{TIME_FIELD} compares with an instant, not {value!r}")
    return moment


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "neq": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


def _build_predicate(where: Any) -> Predicate:
    """Return the condition of a row. Every word is checked here, so that a wrong one is refused without any row too."""
    if not isinstance(where, dict) or len(where) != 1:
        raise InvalidQuery("where takes exactly one of condition, and, or")
    ((word, inner),) = where.items()
    if word == "condition" and isinstance(inner, dict):
        return _build_condition(inner)
    if word not in ("and", "or") or not isinstance(inner, list):
        raise InvalidQuery(f"where takes condition, and, or; not {word!r}")
    parts = [_build_predicate(part) for part in inner]
    if word == "and":
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def _build_condition(inner: Mapping[str, Any]) -> Predicate:
    field, operator, wanted = _parse_field(inner), inner.get("operator"), inner.get("value")
    path: Sequence[Any] = ()
    if field in JSON_FIELDS and isinstance(wanted, dict):
        path, wanted = wanted.get("path") or (), wanted.get("value")

    def value(row: Row) -> Any:
        return _get_nested(row[field], path)

    if operator in ("isNull", "isNotNull"):
        return lambda row: (value(row) is None) == (operator == "isNull")
    if operator in ("in", "notIn"):
        if not isinstance(wanted, list):
            raise InvalidQuery(f"{operator} takes a list")
        members = [_parse_literal(field, member) for member in wanted]
        return lambda row: value(row) is not None and (value(row) in members) == (operator == "in")
    if operator not in COMPARE:
        raise InvalidQuery(f"operator {operator!r} is unknown")
    compare, literal = COMPARE[operator], _parse_literal(field, wanted)

    def is_match(row: Row) -> bool:
        if value(row) is None or literal is None:
            return False
        try:
            return bool(compare(value(row), literal))
        except TypeError as error:
            raise InvalidQuery(f"{field} cannot be compared with {literal!r}") from error

    return is_match


def _find_time_range(where: Any) -> tuple[datetime, datetime]:
    """Return a range of `firstMessageTime` that holds all matching rows, from the top level of `where`."""
    start, end = FAR_PAST, FAR_FUTURE
    parts = where.get("and", [where]) if isinstance(where, dict) else []
    for part in parts:
        if isinstance(part, dict) and "and" in part:
            low, high = _find_time_range(part)
            start, end = max(start, low), min(end, high)
        inner = part.get("condition") if isinstance(part, dict) else None
        if not isinstance(inner, dict) or inner.get("field") != TIME_FIELD:
            continue
        moment, operator = parse_instant(inner.get("value")), inner.get("operator")
        if moment is None:
            continue
        if operator in ("gt", "gte", "eq"):
            start = max(start, moment)
        if operator in ("lt", "lte", "eq"):
            end = min(end, moment + timedelta(milliseconds=1))
    return start, end
