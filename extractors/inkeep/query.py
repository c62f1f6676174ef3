"""Inkeep's queries about conversations: rows and daily aggregates of a range. No range is divided here.

Source: the vendor's analytics reference (conversations query). The finest time of a filter is a millisecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from extractors.errors import ErrorLocation
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.inkeep.account import InkeepAccount
from extractors.inkeep.contexts import ConversationTotalsContext
from extractors.inkeep.paging import Page, parse_conversations
from extractors.landing.writer import BatchWriter
from extractors.windows import format_rfc3339

PATH = "/query/conversations"
TIME = "firstMessageTime"
FIELDS = ("id", TIME, "userMessageCount", "type", "projectId", "integrationId", "properties", "userProperties")
ROWS = [{"type": "field", "field": name} for name in FIELDS]
COUNT = {"type": "aggregation", "aggregation": "count"}
AGGREGATES = [
    COUNT,
    {"type": "aggregation", "aggregation": "sum", "field": "userMessageCount"},
    {"type": "aggregation", "aggregation": "countDistinct", "field": "userProperties", "path": ["userId"]},
]
BY_DAY = {"type": "time", "timeUnit": "day", "field": TIME}
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class RangeQueries:
    """The queries of one batch. ``responses`` keeps all of them, so that an unreadable one can be landed too."""

    session: Session[InkeepAccount]
    stream: str
    responses: list[Response] = field(default_factory=list)

    @property
    def where(self) -> ErrorLocation:
        """The names of account and stream for errors."""
        return self.session.where(self.stream)

    async def request_rows_by_time(self, start: datetime, end: datetime) -> Page:
        """Request the rows of ``[start, end)`` in order of time. Raises ShapeError, also for a row that comes twice."""
        query = {"select": ROWS, "orderBy": [_order_by(TIME), _order_by("id")]}
        return self._parse_rows(await self._request(start, end, query))

    async def request_rows_by_id(self, start: datetime, end: datetime, after: str | None) -> Page:
        """Request the rows of ``[start, end)`` in order of id, above the id ``after``.

        Raises ShapeError, also for a row that comes twice.
        """
        query = {"select": ROWS, "orderBy": [_order_by("id")]}
        return self._parse_rows(await self._request(start, end, query, after=after))

    async def request_aggregates(
        self,
        start: datetime,
        end: datetime,
        select: list[Any],
        context: ConversationTotalsContext | None = None,
    ) -> Response:
        """Request aggregates of ``[start, end)``. Raises the errors of ``Session.request``."""
        return await self._request(start, end, {"select": select}, context)

    def _parse_rows(self, response: Response) -> Page:
        return parse_conversations(self.where, response)

    async def _request(
        self,
        start: datetime,
        end: datetime,
        query: Mapping[str, Any],
        context: ConversationTotalsContext | None = None,
        after: str | None = None,
    ) -> Response:
        conditions = [_condition(TIME, "gte", format_rfc3339(start)), _condition(TIME, "lt", format_rfc3339(end))]
        conditions += [] if after is None else [_condition("id", "gt", after)]
        body = {**query, "where": {"and": conditions}}
        response = await self.session.request(self.stream, "POST", PATH, body=body, context=context)
        self.responses.append(response)
        return response

    def add_all_to(self, batch: BatchWriter) -> None:
        """Add every response to a batch."""
        for response in self.responses:
            batch.add(response)


def _condition(name: str, operator: str, value: str) -> dict[str, Any]:
    return {"condition": {"field": name, "operator": operator, "value": value}}


def _order_by(name: str) -> dict[str, str]:
    return {"field": name, "direction": "asc"}
