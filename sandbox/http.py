"""What all five providers' endpoints need to answer: exact JSON, numbers in the switched form, instants, refusals.

No provider's words and no figures. Decimals are written digit by digit and never pass through a float.
"""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.accounts import SandboxAccount
from sandbox.shapes import ResponseShapes
from sandbox.world import World

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
EndpointHandler = Callable[["ApiContext", Request], Awaitable[Response]]


@dataclass
class ApiContext:
    """What an endpoint looks at: the world, the shapes in use, and where downloads live."""

    world: World
    shapes: ResponseShapes
    download_base: str = ""
    jobs: dict[str, Any] = field(default_factory=dict)

    def find_account(self, provider: str, credential: str | None) -> SandboxAccount | None:
        """The account of the provider that this credential opens."""
        for account in self.world.accounts.values():
            if account.provider == provider and credential == account.credential:
                return account
        return None

    def format_count(self, value: int | None) -> object:
        """A count in the switched form."""
        if value is None or self.shapes.numbers == "int":
            return value
        return str(value) if self.shapes.numbers == "string" else float(value)

    def add_unknown_field(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """An object; when switched so, with a field that stands in no vendor's reference."""
        return {**told, "novelty": {"score": 1}} if self.shapes.extra_fields else dict(told)

    def format_decimal(self, value: Decimal | None) -> object:
        """A fractional number or money, exact, as JSON number or as text."""
        if value is None:
            return None
        text = format(value.normalize(), "f") if value else "0"
        return text if "string" in (self.shapes.money, self.shapes.numbers) else Decimal(text)


class ApiError(Exception):
    """An answer other than 200, raised from wherever the request turned out wrong."""

    def __init__(self, status: int, body: object, media_type: str = "application/json") -> None:
        super().__init__(str(body))
        self.response = json_response(body, status, media_type)


def dump_json(value: object) -> str:
    """JSON text; a Decimal is written as the number it is."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return (
            "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{dump_json(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dump_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_response(
    body: object, status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response."""
    return Response(dump_json(body).encode(), status, dict(headers or {}), media_type)


def make_endpoint(desk: ApiContext, handler: EndpointHandler) -> Callable[[Request], Awaitable[Response]]:
    """A starlette endpoint of a handler; a refusal becomes its response."""

    async def endpoint(request: Request) -> Response:
        if desk.shapes.delay_seconds:
            await asyncio.sleep(desk.shapes.delay_seconds)
        try:
            return await handler(desk, request)
        except ApiError as refused:
            return refused.response

    return endpoint


def record_account(request: Request, account: SandboxAccount) -> None:
    """Tell the book of requests whose request this is."""
    request.scope.get("sandbox", {})["account"] = account.name


def parse_instant(text: str | None) -> datetime | None:
    """An RFC 3339 instant with an offset, in UTC; None for anything else."""
    if text is None or not INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_basic_credential(header: str | None) -> str | None:
    """The `user:password` of a Basic header."""
    if not header or not header.startswith("Basic "):
        return None
    try:
        return base64.b64decode(header[6:], validate=True).decode()
    except ValueError:
        return None
