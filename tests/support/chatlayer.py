"""A Chatlayer account of tests, in the sandbox or with hand-made answers. No expectations."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from extractors.chatlayer.account import ChatlayerAccount
from extractors.windows import Window
from sandbox.accounts import SandboxAccount, fake_credential
from sandbox.server import Sandbox
from sandbox.shapes import Switches
from sandbox.world import World
from tests.support.landed_chunks import Landings, Told
from transforms.facts import Staged

NAME = "acme-bot"
NOON = datetime(2025, 12, 31, 12, tzinfo=UTC)
OCTOBER = Window(date(2025, 10, 24), date(2025, 11, 3))
"""Ten local days with the change to winter time in Europe and in America."""
FIRST, SECOND = date(2025, 3, 1), date(2025, 3, 2)
TWO_DAYS = Window(FIRST, date(2025, 3, 3))
ONE_DAY = Window.of_day(FIRST)
X = ["2025-03-01T00:00:00Z", "2025-03-02T00:00:00Z"]


def account(**settings: Any) -> ChatlayerAccount:
    token_id, token_secret = fake_credential(NAME, "chatlayer").split(":")
    given = {"name": NAME, "bot_id": "b1", "token_id": token_id, "token_secret": token_secret, **settings}
    return ChatlayerAccount(**given)


def sandbox(zone: str = "UTC", **switches: Any) -> Sandbox:
    bot = SandboxAccount(NAME, "chatlayer", zone, {"bot_id": "b1", "team_id": "t1"}, daily=12)
    return Sandbox(World(5, (bot,), clock=lambda: NOON), Switches(**switches))


def account_in(running: Sandbox, **settings: Any) -> ChatlayerAccount:
    zone = running.world.accounts[NAME].timezone
    return account(base_url=running.base_url("chatlayer"), timezone=zone, **settings)


def transformed(
    root: Path, stream: str, *bodies: Any, window: Window = TWO_DAYS, context: Any = None, query: Any = None, **own: Any
) -> Staged:
    """What one batch of one stream becomes."""
    bot = account(streams=[stream], **own)
    asked = query or {"bucket": "1d" if bot.days_are_utc else "1h"}
    landings = Landings(root)
    landings.land(bot, stream, window, *(Told(body, asked, context or {}) for body in bodies))
    return landings.transformed(bot, window)


def data(*series: Any, x: Any = X, **more: Any) -> dict[str, Any]:
    return {"data": {"series": list(series), "x_values": x, **more}}
