"""The shared parts of all vendors' endpoints: exact JSON, numbers in the form of the shapes, instants, refusals.

No vendor's own words and no figures. Decimals are written digit by digit and never pass through a float.
"""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic

from starlette.requests import Request
from starlette.responses import Response

from sandbox.account import SandboxAccount
from sandbox.common_shapes import S

if TYPE_CHECKING:  # the world imports the vendors' declarations, which import this module
    from sandbox.world import World

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


@dataclass
class ApiContext(Generic[S]):
    """The world, the shapes in use, the origin of downloads, and the export jobs by id. All vendors share one."""

    world: "World"
    shapes: S
    download_base: str = ""
    jobs: dict[str, Any] = field(default_factory=dict)

    def find_account(self, provider: str, credential: str | None) -> SandboxAccount | None:
        """Return the provider's account with this credential, or None."""
        for account in self.world.accounts.values():
            if account.provider == provider and credential == account.credential:
                return account
        return None

    def format_count(self, value: int | None) -> object:
        """Return a count as int, float or text, as `shapes.numbers` says; None stays None."""
        if value is None or self.shapes.numbers == "int":
            return value
        return str(value) if self.shapes.numbers == "string" else float(value)

    def add_unknown_field(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object; with `shapes.extra_fields` it has a field that is in no vendor's reference."""
        return {**body, "novelty": {"score": 1}} if self.shapes.extra_fields else dict(body)

    def format_decimal(self, value: Decimal | None) -> object:
        """Return a fractional number or money, exact, as JSON number or as text; None stays None."""
        if value is None:
            return None
        text = format(value.normalize(), "f") if value else "0"
        return text if "string" in (self.shapes.money, self.shapes.numbers) else Decimal(text)


EndpointHandler = Callable[[ApiContext[S], Request], Awaitable[Response]]


class ApiError(Exception):
    """A response other than 200, raised where a request turns out to be wrong."""

    def __init__(self, status: int, body: object, media_type: str = "application/json") -> None:
        super().__init__(str(body))
        self.response = make_json_response(body, status, media_type)


def dump_json(value: object) -> str:
    """Return JSON text; a Decimal becomes a number with all of its digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(key), ensure_ascii=False)}:{dump_json(inner)}" for key, inner in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dump_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def make_json_response(
    body: object, status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response."""
    return Response(dump_json(body).encode(), status, dict(headers or {}), media_type)


def make_endpoint(context: ApiContext[S], handler: EndpointHandler[S]) -> Callable[[Request], Awaitable[Response]]:
    """Return the starlette endpoint of a handler; an `ApiError` becomes its response."""

    async def respond(request: Request) -> Response:
        if context.shapes.delay_seconds:
            await asyncio.sleep(context.shapes.delay_seconds)
        try:
            return await handler(context, request)
        except ApiError as error:
            return error.response

    return respond


def record_account(request: Request, account: SandboxAccount) -> None:
    """Note in the request log that this request is the account's."""
    request.scope.get("sandbox", {})["account"] = account.name


def parse_instant(text: str | None) -> datetime | None:
    """Return an RFC 3339 instant with an offset, in UTC; None for any other text."""
    if text is None or not INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def format_instant(moment: datetime) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_basic_credential(header: str | None) -> str | None:
    """Return the `user:password` of a Basic header, or None."""
    if not header or not header.startswith("Basic "):
        return None
    try:
        return base64.b64decode(header[6:], validate=True).decode()
    except ValueError:
        return None
