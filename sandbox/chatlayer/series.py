"""Chatlayer's SeriesData: UTC buckets, series with labels, and the fields that a gRPC gateway leaves out.

Formatting only; the endpoints in `api` choose and count the conversations.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from starlette.responses import Response

from sandbox.chatlayer.shapes import ChatlayerShapes
from sandbox.http import ApiContext, make_json_response

BUCKET_LENGTHS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "1w": timedelta(weeks=1)}
Context = ApiContext[ChatlayerShapes]
Labels = tuple[tuple[str, str], ...]


def floor_to_bucket(moment: datetime, bucket: str) -> datetime:
    """Return the start of the bucket that holds an instant, in UTC; weeks begin on Monday."""
    moment = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if bucket == "1h":
        return moment
    moment = moment.replace(hour=0)
    if bucket == "1d":
        return moment
    return moment - timedelta(days=moment.weekday()) if bucket == "1w" else moment.replace(day=1)


def list_bucket_starts(start: datetime, end: datetime, bucket: str) -> list[datetime]:
    """Return the starts, in UTC, of all buckets that overlap [start, end)."""
    starts, at = [], floor_to_bucket(start, bucket)
    while at < end:
        starts.append(at)
        at = floor_to_bucket(at + timedelta(days=32), bucket) if bucket == "1m" else at + BUCKET_LENGTHS[bucket]
    return starts


def format_x_value(context: Context, moment: datetime, bucket: str) -> str:
    """Return a bucket's start in the form of the shapes. With dates, hour buckets are instants: a date has no hour."""
    form = context.shapes.chatlayer_x_values
    if form == "date" and bucket != "1h":
        return f"{moment:%Y-%m-%d}"
    if form == "rfc3339_offset":
        return moment.astimezone(timezone(timedelta(hours=2))).isoformat()
    if form in ("epoch_s", "epoch_ms"):
        return str(int(moment.timestamp()) * (1000 if form == "epoch_ms" else 1))
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def build_series_response(
    context: Context,
    counts: Mapping[Labels, Counter[datetime]],
    buckets: Sequence[datetime],
    bucket: str,
) -> Response:
    """Return the response `{"data": SeriesData}` of counts per group and bucket.

    A label with an empty value is left out. One series without labels is an ungrouped response.
    """
    if context.shapes.chatlayer_buckets == "sparse":
        buckets = [at for at in buckets if any(counter[at] for counter in counts.values())]
    groups = {labels: [counter[at] for at in buckets] for labels, counter in counts.items()}
    return wrap_in_envelope(context, groups, [format_x_value(context, at, bucket) for at in buckets])


def wrap_in_envelope(context: Context, groups: Mapping[Labels, Sequence[int]], x_values: Sequence[str]) -> Response:
    """Return the response with groups of values, without the fields that the gateway omits."""
    if not any(any(values) for values in groups.values()) and context.shapes.chatlayer_zeros == "omit":
        return make_json_response({} if context.shapes.chatlayer_empty == "bare" else {"data": {}})
    data: dict[str, Any] = {"series": [_build_series(context, labels, values) for labels, values in groups.items()]}
    single = all(len(labels) < 2 for labels in groups)
    if context.shapes.chatlayer_labels != "labels" and single:
        as_title = context.shapes.chatlayer_labels == "both"
        data["series_labels"] = [_series_label(labels, as_title=as_title) for labels in groups]
    return make_json_response({"data": context.add_unknown_field({**data, "x_values": list(x_values)})})


def _series_label(labels: Labels, *, as_title: bool) -> str:
    """Return the entry in `series_labels`: the member, or beside `labels` a title that must not be read as one."""
    value = labels[0][1] if labels else ""
    has_title = labels and labels[0][0] in ("channel_type", "language")
    return value.upper() + " (title)" if as_title and has_title and value else value


def _build_series(context: Context, labels: Labels, values: Sequence[int]) -> dict[str, Any]:
    total = sum(values)
    full: dict[str, Any] = {
        "values": [context.format_count(value) for value in values],
        "mean": context.format_count(total // len(values) if values else 0),
        "max": context.format_count(max(values, default=0)),
        "min": context.format_count(min(values, default=0)),
        "sum": context.format_count(total),
    }
    if context.shapes.chatlayer_zeros == "omit":
        if not total:
            full = {}
        full = {name: value for name, value in full.items() if name == "values" or value not in (0, "0")}
    visible_labels = {name: value for name, value in labels if value}
    if visible_labels and (context.shapes.chatlayer_labels != "series_labels" or len(labels) > 1):
        full["labels"] = visible_labels
    # An unknown field is not allowed where the gateway omits the values.
    return context.add_unknown_field(full) if "values" in full else full
