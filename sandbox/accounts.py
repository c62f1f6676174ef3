"""The invented accounts of the sandbox: who has which ids, credential, zone and channels at which provider.

Data only. No conversation, no HTTP, and never a real credential: every value here says that it is fake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

PROVIDERS = ("cognigy", "chatdash", "chatlayer", "chatcaptain", "inkeep")
CALL_CHANNEL_TYPES = frozenset({"voice", "audiocodes"})
TEST_CHANNEL_TYPE = "debug"
PERMISSIONS = frozenset({"chatbots.statistics.get", "chatbots.statistics.export"})


@dataclass(frozen=True)
class SandboxChannel:
    """One ChatCaptain channel; `listed=False` is traffic of a type the channel list does not know."""

    id: str
    name: str
    type: str
    listed: bool = True


CHATCAPTAIN_CHANNELS = (
    SandboxChannel("ch-web-1", "Website", "web"),
    SandboxChannel("ch-web-2", "Shop; \"beta\", 'new'", "web"),
    SandboxChannel("ch-voice-1", "Hotline", "voice"),
    SandboxChannel("ch-audio-1", "Hotline Süd", "audiocodes"),
    SandboxChannel("ch-wa-1", "WhatsApp", "meta-whatsapp"),
    SandboxChannel("ch-debug-1", "Debugger", TEST_CHANNEL_TYPE),
    SandboxChannel("gone-telegram", "gone", "telegram", listed=False),
    SandboxChannel("gone-qx", "gone", "qx-new", listed=False),
)


@dataclass(frozen=True)
class SandboxAccount:
    """One account of the world.

    `ids` holds the provider's own ids under the names of the configuration (`project_id`, `bot_id`, `team_id`,
    `version`, `chatbot_id`, `conversation_ids`). `credential` is the key; for chatlayer `token_id:token_secret`.
    Nothing happens before `start_date`. `daily` scales the traffic. `lacks`: ChatDash metrics that stay absent;
    `refuses`: those answered with 400. `burst`: so many more conversations at one single instant of each busy day.
    """

    name: str
    provider: str
    timezone: str
    ids: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    start_date: date = date(2024, 1, 1)
    daily_conversations: int = 60
    quiet_share: float = 0.06
    absent_metrics: frozenset[str] = frozenset()
    refused_metrics: frozenset[str] = frozenset()
    permissions: frozenset[str] = PERMISSIONS
    channels: tuple[SandboxChannel, ...] = CHATCAPTAIN_CHANNELS
    burst_size: int = 0

    def __post_init__(self) -> None:
        if self.provider not in PROVIDERS:
            raise ValueError(f"account {self.name}: no provider {self.provider!r}; there are {PROVIDERS}")
        if not self.credential:
            object.__setattr__(self, "credential", fake_credential(self.name, self.provider))
        object.__setattr__(self, "ids", {**default_ids(self.name, self.provider), **self.ids})

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days are the account's days."""
        return ZoneInfo(self.timezone)

    @property
    def external_id(self) -> str:
        """The id that stands in the provider's paths; empty for Inkeep, whose key says it all."""
        return self.ids.get({"chatlayer": "bot_id", "chatcaptain": "chatbot_id"}.get(self.provider, "project_id"), "")

    @property
    def version(self) -> str:
        """The Chatlayer version the account reads."""
        return self.ids.get("version", "LIVE")


def fake_credential(name: str, provider: str) -> str:
    """An invented credential, the same for the same name."""
    if provider == "chatlayer":
        return f"fake-token-{name}:fake-secret-{name}-not-real"
    return f"fake-key-{name}-not-real"


def default_ids(name: str, provider: str) -> dict[str, str]:
    """The provider's ids of an account that brings none."""
    digest = name.encode().hex()
    return {
        "cognigy": {"project_id": (digest + "5f0c2f4e8a1b2c3d4e5f6a7b")[:24]},
        "chatdash": {"project_id": f"p_{name}"},
        "chatlayer": {"bot_id": f"bot-{name}"},
        "chatcaptain": {"chatbot_id": f"cb-{name}"},
        "inkeep": {},
    }[provider]


DEMO_ACCOUNTS = (
    SandboxAccount("acme-support", "cognigy", "Europe/Berlin", {"project_id": "5f0c2f4e8a1b2c3d4e5f6a7b"}),
    SandboxAccount("acme-sales", "chatdash", "Europe/Berlin", {"project_id": "p_1"}),
    SandboxAccount("acme-bot", "chatlayer", "UTC", {"bot_id": "b1"}),
    SandboxAccount("acme-voice", "chatcaptain", "Europe/Berlin", {"chatbot_id": "c1"}),
    SandboxAccount("acme-docs", "inkeep", "UTC"),
    SandboxAccount("globex-support", "cognigy", "America/New_York", {"project_id": "6a1b2c3d4e5f6a7b8c9d0e1f"}),
    SandboxAccount("globex-voice", "chatcaptain", "America/New_York", {"chatbot_id": "c2"}),
)
