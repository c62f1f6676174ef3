"""Chatlayer's SeriesData: UTC buckets, series with labels, and what a gRPC gateway leaves out.

Shapes only; which conversations are counted is the endpoints' business.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from starlette.responses import Response

from sandbox.http import ApiContext, json_response

BUCKET_LENGTHS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "1w": timedelta(weeks=1)}
Labels = tuple[tuple[str, str], ...]


def floor_to_bucket(moment: datetime, bucket: str) -> datetime:
    """The start of the bucket an instant lies in, aligned to UTC; weeks begin on Monday."""
    moment = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if bucket == "1h":
        return moment
    moment = moment.replace(hour=0)
    if bucket == "1d":
        return moment
    return moment - timedelta(days=moment.weekday()) if bucket == "1w" else moment.replace(day=1)


def bucket_starts(start: datetime, end: datetime, bucket: str) -> list[datetime]:
    """The starts of all buckets that touch [start, end)."""
    found, at = [], floor_to_bucket(start, bucket)
    while at < end:
        found.append(at)
        at = floor_to_bucket(at + timedelta(days=32), bucket) if bucket == "1m" else at + BUCKET_LENGTHS[bucket]
    return found


def format_x_value(desk: ApiContext, moment: datetime, bucket: str) -> str:
    """A bucket start in the switched form; a date cannot say an hour, so hours are instants then."""
    form = desk.shapes.chatlayer_x_values
    if form == "date" and bucket != "1h":
        return f"{moment:%Y-%m-%d}"
    if form == "rfc3339_offset":
        return moment.astimezone(timezone(timedelta(hours=2))).isoformat()
    if form in ("epoch_s", "epoch_ms"):
        return str(int(moment.timestamp()) * (1000 if form == "epoch_ms" else 1))
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def series_response(
    desk: ApiContext,
    counts: Mapping[Labels, Counter[datetime]],
    buckets: Sequence[datetime],
    bucket: str,
) -> Response:
    """`{"data": SeriesData}` of counts per group and bucket.

    A label with an empty value is an empty text and left out. One serie without labels is an ungrouped answer.
    """
    if desk.shapes.chatlayer_buckets == "sparse":
        buckets = [at for at in buckets if any(counter[at] for counter in counts.values())]
    groups = {labels: [counter[at] for at in buckets] for labels, counter in counts.items()}
    return wrap_in_envelope(desk, groups, [format_x_value(desk, at, bucket) for at in buckets])


def wrap_in_envelope(desk: ApiContext, groups: Mapping[Labels, Sequence[int]], x_values: Sequence[str]) -> Response:
    """The envelope around groups of values, with the gateway's omissions."""
    if not any(any(values) for values in groups.values()) and desk.shapes.chatlayer_zeros == "omit":
        return json_response({} if desk.shapes.chatlayer_empty == "bare" else {"data": {}})
    data: dict[str, Any] = {"series": [_serie(desk, labels, values) for labels, values in groups.items()]}
    single = all(len(labels) < 2 for labels in groups)
    if desk.shapes.chatlayer_labels != "labels" and single:
        shown_too = desk.shapes.chatlayer_labels == "both"
        data["series_labels"] = [_fallback(labels, spelled=shown_too) for labels in groups]
    return json_response({"data": desk.add_unknown_field({**data, "x_values": list(x_values)})})


def _fallback(labels: Labels, *, spelled: bool) -> str:
    """The second name of a serie; next to real labels it is only a title, which nobody should take for the member."""
    value = labels[0][1] if labels else ""
    titled = labels and labels[0][0] in ("channel_type", "language")
    return value.upper() + " (title)" if spelled and titled and value else value


def _serie(desk: ApiContext, labels: Labels, values: Sequence[int]) -> dict[str, Any]:
    total = sum(values)
    full: dict[str, Any] = {
        "values": [desk.format_count(value) for value in values],
        "mean": desk.format_count(total // len(values) if values else 0),
        "max": desk.format_count(max(values, default=0)),
        "min": desk.format_count(min(values, default=0)),
        "sum": desk.format_count(total),
    }
    if desk.shapes.chatlayer_zeros == "omit":
        if not total:
            full = {}
        full = {name: value for name, value in full.items() if name == "values" or value not in (0, "0")}
    told = {name: value for name, value in labels if value}
    if told and (desk.shapes.chatlayer_labels != "series_labels" or len(labels) > 1):
        full["labels"] = told
    return (
        desk.add_unknown_field(full) if "values" in full else full
    )  # beside an omitted field nothing unheard of may stand
