"""A Chatlayer account of tests, in the sandbox or with hand-made responses. No expectations."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from extractors.chatlayer.account import SERIES, ChatlayerAccount
from extractors.chatlayer.buckets import UTC_ZONE, build_bucket_query, build_range_query
from extractors.windows import Window
from sandbox.account import SandboxAccount, fake_credential
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.support.landed_chunks import ChunkBuilder, FakeResponse
from transforms.facts import TransformResult

NAME = "acme-bot"
NOON = datetime(2025, 12, 31, 12, tzinfo=UTC)
OCTOBER = Window(date(2025, 10, 24), date(2025, 11, 3))
"""Ten local days with the change to winter time in Europe and in America."""
FIRST_DAY, SECOND_DAY = date(2025, 3, 1), date(2025, 3, 2)
TWO_DAYS = Window(FIRST_DAY, date(2025, 3, 3))
ONE_DAY = Window.of_day(FIRST_DAY)
X_VALUES = ["2025-03-01T00:00:00Z", "2025-03-02T00:00:00Z"]


def build_account(**settings: Any) -> ChatlayerAccount:
    token_id, token_secret = fake_credential(NAME, "chatlayer").split(":")
    values = {"name": NAME, "bot_id": "b1", "token_id": token_id, "token_secret": token_secret, **settings}
    return ChatlayerAccount(**values)


def build_sandbox(zone: str = "UTC", **switches: Any) -> Sandbox:
    bot = SandboxAccount(NAME, "chatlayer", zone, {"bot_id": "b1", "team_id": "t1"}, daily_conversations=12)
    return Sandbox(World(5, (bot,), clock=lambda: NOON), ResponseShapes(**switches))


def configure_account(sandbox: Sandbox, **settings: Any) -> ChatlayerAccount:
    zone = sandbox.world.accounts[NAME].timezone
    return build_account(base_url=sandbox.base_url("chatlayer"), timezone=zone, **settings)


def transform_bodies(
    root: Path, stream: str, *bodies: Any, window: Window = TWO_DAYS, context: Any = None, query: Any = None, **own: Any
) -> TransformResult:
    """Transform one batch of one stream with these bodies. ``query`` is added to the range of the request."""
    bot = build_account(streams=[stream], **own)
    if stream == "team_usage":
        request_query = build_bucket_query(window, UTC_ZONE, "1d")
    elif stream in SERIES:
        bucket = "1d" if bot.has_utc_days else "1h"
        request_query = {"version": bot.version, **build_bucket_query(window, bot.zone, bucket)}
    else:
        request_query = build_range_query(bot, window)
    request_query.update(query or {})
    path = "/v1/teams/t1/conversations" if stream == "team_usage" else bot.bot_path(stream)
    landings = ChunkBuilder(root)
    landings.land(
        bot, stream, window, *(FakeResponse(body, request_query, context or {}, path=path) for body in bodies)
    )
    return landings.transform(bot, window)


def series_body(*series: Any, x_values: Any = X_VALUES, **more: Any) -> dict[str, Any]:
    return {"data": {"series": list(series), "x_values": x_values, **more}}
