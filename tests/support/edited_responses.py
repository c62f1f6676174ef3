"""Landed answers with one number changed, and what the change adds to either side of a comparison. No expectations."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

DAY = date(2025, 10, 28)
"""The day whose numbers are changed."""

Deltas = tuple[int, int]
"""How much more is told, and how much more is loaded."""
ResponseEdit = Callable[[bytes, Mapping[str, Any]], tuple[bytes, Deltas] | None]
"""An answer and its context to the changed answer; None for an answer that is left as it is."""


def edit_json(change: Callable[[Any], Deltas | None]) -> ResponseEdit:
    """A change of the parsed answer, in place."""

    def changed(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
        value = json.loads(body)
        deltas = change(value)
        return None if deltas is None else (json.dumps(value).encode(), deltas)

    return changed


def _item(told: Any) -> Any:
    return next(item for item in told["items"] if (item["month"], item["day"]) == (DAY.month, DAY.day))


def reduce_day_total(told: Any) -> Deltas:
    item = _item(told)
    split = sum(entry["conversations"] for entry in item["perChannel"])
    before, item["conversations"] = item["conversations"], split - 1
    return split - 1 - before, split - before


def increase_channel_count(told: Any) -> Deltas:
    item = _item(told)
    item["perChannel"][0]["conversations"] += 100
    split = sum(entry["conversations"] for entry in item["perChannel"])
    return 0, split - item["conversations"]


def increase_country_count(told: Any) -> Deltas:
    told["conversationsByCountry"][0]["value"] += 1000
    return 0, 1000


def increase_total(key: str) -> Callable[[Any], Deltas]:
    """Of a number that a whole report tells."""

    def change(told: Any) -> Deltas:
        told[key] += 6
        return 6, 0

    return change


def increase_daily_aggregate(field: str, by: int = 1) -> Callable[[Any], Deltas]:
    """Of a daily aggregate of Inkeep's."""

    def change(told: Any) -> Deltas:
        row = next(row for row in told["data"]["result"] if row["firstMessageTime_day"] == DAY.isoformat())
        row[field] += by
        return by, 0

    return change


def increase_row_messages(told: Any) -> Deltas | None:
    rows = [row for row in told["data"]["result"] if row["firstMessageTime"].startswith(DAY.isoformat())]
    if not rows:
        return None  # one of the other halves of the window
    rows[0]["userMessageCount"] += 3
    return 0, 3


def increase_series_value(told: Any, **labels: str) -> Deltas:
    """Of the first serie with these labels that tells anything."""
    data = told["data"]
    at = next(index for index, x in enumerate(data["x_values"]) if x.startswith(DAY.isoformat()))
    series = (serie for serie in data["series"] if labels.items() <= serie.get("labels", {}).items())
    serie = next(serie for serie in series if "values" in serie)
    serie["values"][at] = str(int(serie["values"][at]) + 2)
    return 0, 2


def increase_only_series_value(told: Any) -> Deltas:
    """Of a series without labels: it is the total."""
    increase_series_value(told)
    return 2, 0


def increase_member_count(component: str) -> Callable[[Any], Deltas]:
    def change(told: Any) -> Deltas:
        told[component]["web"] += 2
        return 0, 2

    return change


def increase_bucket_count(component: str) -> Callable[[Any], Deltas | None]:
    def change(told: Any) -> Deltas | None:
        if isinstance(told, list):
            return None  # the list of channels
        told[component][5]["count"] += 2
        return 0, 2

    return change


def increase_channel_messages(body: bytes, context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
    """Both the channel's number and its interval: the answer agrees with itself, and not with the overview."""
    if context.get("channel_id") != "ch-web-1":
        return None
    told = json.loads(body)
    told["MESSAGE_COUNT_FOR_CHANNEL_ID"] += 4
    told["MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID"][0]["count"] += 4
    return json.dumps(told).encode(), (0, 4)


def edit_export_lines(change: Callable[[list[dict[str, str]]], Deltas]) -> ResponseEdit:
    """A change of the export's lines of the day."""

    def changed(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas]:
        lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        deltas = change(lines)
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue().encode(), deltas

    return changed


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
