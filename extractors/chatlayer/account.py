"""A Chatlayer account: its ids, its credential, its streams, and the zones it can serve. No request is sent here.

Source: the vendor's analytics reference. Buckets begin at whole hours of UTC, which excludes some zones.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import ClassVar, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, model_validator

from extractors import redaction
from extractors.account import Account, BaseUrl, Credential, PathId
from extractors.clock import SYSTEM_CLOCK

SERIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "conversations": ("conversations", {}),
    "conversations_by_channel": ("conversations", {"group_by": "channel_type"}),
    "conversations_by_language": ("conversations", {"group_by": "language"}),
    "messages": ("messages", {}),
    "users": ("users", {}),
}
"""The streams that return a series of the bot: endpoint, and the parameters of its grouping."""

_FIRST_DAY = date(2015, 1, 1)  # for accounts without a start_date: before the provider existed
_CHECKED_AHEAD = timedelta(days=2 * 366)


@cache
def _list_offsets(timezone: str, first: date, last: date) -> frozenset[timedelta]:
    """Return every offset from UTC with which days of a zone begin, both days included."""
    zone = ZoneInfo(timezone)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    starts = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in days)
    return frozenset(start.utcoffset() or timedelta() for start in starts)


class ChatlayerAccount(Account):
    """A bot in one of its versions, and perhaps the team whose usage is loaded with it."""

    PROVIDER: ClassVar[str] = "chatlayer"
    STREAMS: ClassVar[tuple[str, ...]] = (*SERIES, "insights", "intents", "team_usage", "events", "flow")
    PRIVACY_SETTINGS: ClassVar[tuple[str, ...]] = ("conversation_ids",)

    base_url: BaseUrl = "https://analytics.api.chatlayer.ai"
    bot_id: PathId = Field(description="The bot's id")
    version: Literal["DRAFT", "LIVE"] = Field(default="LIVE", description="Version whose conversations are counted")
    team_id: PathId | None = Field(default=None, description="The team whose usage is loaded too; at one account only")
    conversation_ids: tuple[PathId, ...] = Field(default=(), description="Conversations whose flows are loaded")
    token_id: SecretStr = Field(description="Id of the access token")
    token_secret: SecretStr = Field(description="Secret of the access token")

    @model_validator(mode="after")
    def _check_stream_settings(self) -> "ChatlayerAccount":
        if "team_usage" in self.enabled_streams and self.team_id is None:
            raise ValueError("streams: team_usage needs a team_id")
        if "flow" in self.enabled_streams and not self.conversation_ids and "events" not in self.enabled_streams:
            raise ValueError("streams: flow needs conversation_ids, or the stream events that finds them")
        if ":" in self.token_id.get_secret_value():
            raise ValueError("token_id: has a colon, which HTTP Basic cannot carry; check that it is the id alone")
        return self

    def validate_zone(self) -> str | None:
        """Return the reason why days of this zone cannot be counted: buckets are whole hours of UTC."""
        if all(offset % timedelta(hours=1) == timedelta() for offset in self._loadable_offsets()):
            return None
        return (
            f"timezone: Chatlayer counts by whole hours of UTC, and days of {self.timezone} begin within one; "
            "use UTC or a zone whose offset is whole hours"
        )

    @property
    def has_utc_days(self) -> bool:
        """Whether the account's local days are days of UTC."""
        return self._loadable_offsets() == {timedelta()}

    def _loadable_offsets(self) -> frozenset[timedelta]:
        today = SYSTEM_CLOCK.now().date()
        return _list_offsets(self.timezone, min(self.start_date or _FIRST_DAY, today), today + _CHECKED_AHEAD)

    @classmethod
    def validate_accounts(cls, accounts: Sequence[Account]) -> list[str]:
        """Return a problem for each account that loads the usage of a team which another account loads already."""
        accounts_by_team: dict[str, list[str]] = {}
        for account in accounts:
            if isinstance(account, cls) and account.team_id is not None and "team_usage" in account.enabled_streams:
                accounts_by_team.setdefault(account.team_id, []).append(account.name)
        return [
            f"account {name}: team_id: {names[0]} already pulls the usage of team {team}; "
            "name the other streams in `streams` and leave out team_usage"
            for team, names in accounts_by_team.items()
            for name in names[1:]
        ]

    @property
    def external_id(self) -> str:
        """The bot and its version."""
        return f"{self.bot_id}/{self.version}"

    def credential(self) -> Credential:
        """Return HTTP Basic. The pair is a form of the secret, so it is registered for redaction too."""
        pair = f"{self.token_id.get_secret_value()}:{self.token_secret.get_secret_value()}"
        redaction.register_secrets(pair)
        return Credential(headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})

    def default_streams(self) -> tuple[str, ...]:
        """Return all streams of the bot; the team's with a ``team_id``, flows with ``conversation_ids``.

        Distinct users are reported by UTC day and cannot be added up to other days, so ``users`` is among them only
        where local days are days of UTC.
        """
        streams = [stream for stream in SERIES if stream != "users" or self.has_utc_days]
        streams += ["insights", "intents"]
        streams += ["team_usage"] if self.team_id is not None else []
        streams += ["flow"] if self.conversation_ids else []
        return tuple(streams)

    def bot_path(self, *parts: str) -> str:
        """Return the path of an endpoint of this bot; ``parts`` are quoted."""
        return "/".join(["/v1/bots", *(quote(part, safe="") for part in (self.bot_id, *parts))])


ACCOUNT = ChatlayerAccount
