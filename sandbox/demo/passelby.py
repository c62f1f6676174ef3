"""Passelby, an invented American travel agency: a support bot, and a telephone bot that starts during the demo."""

from dataclasses import replace
from datetime import timedelta

from sandbox.account import SandboxAccount
from sandbox.demo import rhythms
from sandbox.demo.calendar import DemoCalendar
from sandbox.profile import Event, Profile, Weighted
from sandbox.vendor import SandboxChannel

ZONE = "America/New_York"
_END_REASONS = Weighted({"user_hangup": 47, "bot_hangup": 25, "transfer": 25, "timeout": 3})
_CHANNELS = (
    SandboxChannel("ch-main-line", "Main line", "voice"),
    SandboxChannel("ch-text", "Text messages", "twilio-sms"),
    SandboxChannel("ch-debug", "Test line", "debug"),
)


def list_accounts(calendar: DemoCalendar) -> tuple[SandboxAccount, ...]:
    """Return the two accounts. Nothing happens on the telephone before the calendar's rollout."""
    profile = Profile(
        rhythms.TRAVEL_DAYS,
        rhythms.OFFICE_HOURS,
        rhythms.WEEKEND_HOURS,
        growth=0.04,
        growth_from=calendar.first_day,
        pools={
            "channels": Weighted({"webchat2": 66, "microsoftTeams": 6, "voiceGateway2": 28}),
            "end_reasons": _END_REASONS,
        },
        events=(Event(calendar.rollout + timedelta(days=7), factor=0.85),),  # the telephone takes some of its calls
    )
    support = SandboxAccount(
        "passelby-support",
        "cognigy",
        ZONE,
        {"project_id": "65d0a2b8c4e61f37d9a5b0c2"},
        daily_conversations=140,
        profile=profile,
    )
    phone_profile = replace(
        profile,
        hours=rhythms.PHONE_HOURS,
        growth=0.55,
        growth_from=calendar.rollout,
        pools={
            "channels": Weighted(dict(zip(_CHANNELS, (80, 17, 3), strict=True))),
            "intents": Weighted(
                {
                    "Change booking": 28,
                    "Cancel booking": 18,
                    "Baggage allowance": 15,
                    "Flight delayed": 12,
                    "Cambiar reserva": 9,
                    "Refund status": 8,
                    "Speak to an agent": 6,
                    "Equipaje perdido": 4,
                }
            ),
            "languages": Weighted({"en-US": 74, "es-US": 21, "fr-CA": 5}),
            "end_reasons": _END_REASONS,
            "steps": Weighted({"Welcome": 38, "Find booking": 30, "Confirm change": 18, "Agent hand-over": 14}),
            "transfer_targets": Weighted({"Booking desk": 55, "Baggage desk": 25, "Premium desk": 20}),
        },
        events=(Event(calendar.rollout, 3, 0.6),),
    )
    phone = SandboxAccount(
        "passelby-phone",
        "chatcaptain",
        ZONE,
        {"chatbot_id": "cb-passelby"},
        start_date=calendar.rollout,
        channels=_CHANNELS,
        daily_conversations=45,
        profile=phone_profile,
    )
    return support, phone
