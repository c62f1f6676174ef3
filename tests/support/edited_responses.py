"""Edits of landed responses: each changes one number and returns what it adds to both sides of a reconciliation.

What must not come in: an expectation.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

DAY = date(2025, 10, 28)
"""The day whose numbers are changed."""

Deltas = tuple[int, int]
"""By how much the reported number grows, and by how much the loaded one."""
ResponseEdit = Callable[[bytes, Mapping[str, Any]], tuple[bytes, Deltas] | None]
"""From a body and its context to the changed body; None for a response that is left unchanged."""


def edit_json(change: Callable[[Any], Deltas | None]) -> ResponseEdit:
    """Return an edit that changes the parsed body in place."""

    def edit(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
        value = json.loads(body)
        deltas = change(value)
        return None if deltas is None else (json.dumps(value).encode(), deltas)

    return edit


def _item(body: Any) -> Any:
    return next(item for item in body["items"] if (item["month"], item["day"]) == (DAY.month, DAY.day))


def reduce_day_total(body: Any) -> Deltas:
    item = _item(body)
    split = sum(entry["conversations"] for entry in item["perChannel"])
    before, item["conversations"] = item["conversations"], split - 1
    return split - 1 - before, split - before


def increase_channel_count(body: Any) -> Deltas:
    item = _item(body)
    item["perChannel"][0]["conversations"] += 100
    split = sum(entry["conversations"] for entry in item["perChannel"])
    return 0, split - item["conversations"]


def increase_country_count(body: Any) -> Deltas:
    body["conversationsByCountry"][0]["value"] += 1000
    return 0, 1000


def increase_total(key: str) -> Callable[[Any], Deltas]:
    """Return a change of a number of a whole report."""

    def change(body: Any) -> Deltas:
        body[key] += 6
        return 6, 0

    return change


def increase_daily_aggregate(field: str, by: int = 1) -> Callable[[Any], Deltas]:
    """Return a change of a daily aggregate of Inkeep."""

    def change(body: Any) -> Deltas:
        row = next(row for row in body["data"]["result"] if row["firstMessageTime_day"] == DAY.isoformat())
        row[field] += by
        return by, 0

    return change


def increase_row_messages(body: Any) -> Deltas | None:
    rows = [row for row in body["data"]["result"] if row["firstMessageTime"].startswith(DAY.isoformat())]
    if not rows:
        return None  # one of the other halves of the window
    rows[0]["userMessageCount"] += 3
    return 0, 3


def increase_series_value(body: Any, **labels: str) -> Deltas:
    """Increase a value of the first series with these labels that has values, and drop what the series says of them."""
    data = body["data"]
    at = next(index for index, x in enumerate(data["x_values"]) if x.startswith(DAY.isoformat()))
    matches = (series for series in data["series"] if labels.items() <= series.get("labels", {}).items())
    first = next(series for series in matches if "values" in series)
    first["values"][at] = str(int(first["values"][at]) + 2)
    for name in ("sum", "max"):
        first.pop(name, None)
    return 0, 2


def increase_only_series_value(body: Any) -> Deltas:
    """Increase a value of a series without labels, which is the total."""
    increase_series_value(body)
    return 2, 0


def increase_member_count(component: str) -> Callable[[Any], Deltas]:
    def change(body: Any) -> Deltas:
        body[component]["web"] += 2
        return 0, 2

    return change


def increase_bucket_count(component: str) -> Callable[[Any], Deltas | None]:
    def change(body: Any) -> Deltas | None:
        if isinstance(body, list):
            return None  # the list of channels
        body[component][5]["count"] += 2
        return 0, 2

    return change


def increase_channel_messages(body: bytes, context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
    """Increase the channel's number and its interval: the response agrees with itself and not with the overview."""
    if context.get("channel_id") != "ch-web-1":
        return None
    value = json.loads(body)
    value["MESSAGE_COUNT_FOR_CHANNEL_ID"] += 4
    value["MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID"][0]["count"] += 4
    return json.dumps(value).encode(), (0, 4)


def edit_export_lines(change: Callable[[list[dict[str, str]]], Deltas]) -> ResponseEdit:
    """Return an edit of the export's lines of the day."""

    def edit(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas]:
        lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        deltas = change(lines)
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue().encode(), deltas

    return edit


def _line(lines: list[dict[str, str]]) -> dict[str, str]:
    afternoon = tuple(f"{DAY}T{hour}" for hour in range(12, 18))  # of UTC: that day in all zones of these tests
    return next(line for line in lines if line["startedAt"].startswith(afternoon) and line["channelType"] == "web")


def add_silent_line(lines: list[dict[str, str]]) -> Deltas:
    lines.append({**_line(lines), "conversationId": "invented", "messages": "0"})
    return 0, 1


def increase_line_messages(lines: list[dict[str, str]]) -> Deltas:
    line = _line(lines)
    line["messages"] = str(int(line["messages"]) + 7)
    return 0, 7
