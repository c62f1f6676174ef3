"""A Singer tap of the daily requests, written with the Singer SDK. Its records go to target-duckdb.

Arguments: those of a tap (`--config FILE`, whose `origin` is the server's). It runs in an environment of its own.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from days import build_query, list_days
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th


class DailyAnalytics(RESTStream[Any]):
    """One request for each project and day."""

    name = "raw"
    path = "/projects/{project}/analytics/query"
    http_method = "POST"
    primary_keys = ("project", "day")
    records_jsonpath = "$"
    state_partitioning_keys: list[str] = []  # noqa: RUF012 - the SDK's own form
    schema = th.PropertiesList(
        th.Property("project", th.StringType),
        th.Property("day", th.StringType),
        th.Property("conversations", th.IntegerType),
        th.Property("body", th.StringType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """The server's origin."""
        return str(self.config["origin"])

    @property
    def partitions(self) -> list[dict[str, str]]:
        """All days of all projects."""
        return [{"project": project, "day": str(day)} for project, day in list_days()]

    def prepare_request_payload(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """Return the query of one day."""
        return build_query(date.fromisoformat(context["day"]))

    def parse_response(self, response: Any) -> Iterable[dict[str, Any]]:
        """Yield the one record of a day."""
        yield {"conversations": response.json()["conversations"]["total"], "body": response.text}

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Return a record with its project and day, which are its key."""
        return {**context, **row}


class CompareTap(Tap):
    """The tap."""

    name = "tap-compare"
    config_jsonschema = th.PropertiesList(th.Property("origin", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[Any]:
        """Return the only stream."""
        return [DailyAnalytics(self)]


if __name__ == "__main__":
    CompareTap.cli()
