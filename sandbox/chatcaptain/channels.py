"""ChatCaptain's channels: those of an account, which types take calls, and which type is test traffic.

Values only; no report and no HTTP.
"""

from sandbox.conversations import Conversation
from sandbox.vendor import SandboxChannel

CALL_CHANNEL_TYPES = frozenset({"voice", "audiocodes"})
TEST_CHANNEL_TYPE = "debug"
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


def is_test(item: Conversation) -> bool:
    """Return whether a conversation is test traffic."""
    return item.channel == TEST_CHANNEL_TYPE
