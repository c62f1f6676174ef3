"""Brunnfelder, an invented German mail-order shop: a help desk, a hotline, and an assistant in the shop.

Its campaign of a week brings a peak to the shop and, a little later, to the help desk; one day the help desk is down.
"""

from datetime import timedelta
from typing import Any

from sandbox.account import SandboxAccount
from sandbox.demo import rhythms
from sandbox.demo.calendar import DemoCalendar
from sandbox.profile import Event, Pool, Profile, Weighted
from sandbox.vendor import SandboxChannel

ZONE = "Europe/Berlin"

_INTENTS = {
    "Sendung verfolgen": 30,
    "Retoure anmelden": 22,
    "Lieferzeit": 14,
    "Rechnung anfordern": 9,
    "Adresse ändern": 7,
    "Bestellung stornieren": 6,
    "Artikel defekt": 5,
    "Mit Mitarbeiter sprechen": 5,
    "Newsletter abbestellen": 2,
}
_CAMPAIGN_INTENTS = {**_INTENTS, "Gutschein einlösen": 45, "Lieferzeit": 24}
_SHOP_INTENTS = {
    "Größe beraten": 26,
    "Produkt suchen": 24,
    "Verfügbarkeit": 18,
    "Versandkosten": 12,
    "Zahlungsarten": 9,
    "Geschenk finden": 7,
    "Gutschein einlösen": 4,
}
_LANGUAGES = Weighted({"de": 84, "en": 7, "tr": 5, "pl": 4})
_END_REASONS = Weighted({"user_hangup": 58, "bot_hangup": 24, "transfer": 15, "timeout": 3})
_CHANNELS = (
    SandboxChannel("ch-hotline", "Hotline", "voice"),
    SandboxChannel("ch-website", "Kundenkonto", "web"),
    SandboxChannel("ch-whatsapp", "WhatsApp Service", "meta-whatsapp"),
    SandboxChannel("ch-debug", "Testkanal", "debug"),
)
_SHOP_POOLS: dict[str, Pool[Any]] = {
    "intents": Weighted(_SHOP_INTENTS),
    "end_reasons": _END_REASONS,
    "countries": Weighted({"DE": 82, "AT": 11, "CH": 5, "LU": 1, "NL": 1}),
    "topics": Weighted(
        {
            ("t1", "Größen und Passform"): 30,
            ("t2", "Lieferung"): 26,
            ("t3", "Bezahlung"): 16,
            ("t4", "Pflegehinweise"): 12,
            ("t5", "Gutscheine"): 8,
            ("t6", "Filialen"): 8,
        }
    ),
    "models": Weighted({"lumen-small": 75, "lumen-large": 25}),
    "misunderstood_texts": Weighted(
        {"hab ihr das auch in petrol?": 4, "wo ist mein paket jetzt genau": 3, "ja aber das andere": 2, "??": 2}
    ),
}


def list_accounts(calendar: DemoCalendar) -> tuple[SandboxAccount, ...]:
    """Return the three accounts, with the campaign and the outage on the calendar's days."""
    campaign = calendar.campaign
    return (
        SandboxAccount(
            "brunnfelder-service",
            "cognigy",
            ZONE,
            {"project_id": "64c8e1f7a3b95d20c7f4e6a1"},
            daily_conversations=210,
            profile=Profile(
                rhythms.OFFICE_DAYS,
                rhythms.OFFICE_HOURS,
                rhythms.WEEKEND_HOURS,
                growth=0.05,
                growth_from=calendar.first_day,
                pools={
                    "channels": Weighted({"webchat3": 55, "whatsapp": 30, "voiceGateway2": 15}),
                    "end_reasons": _END_REASONS,
                },
                events=(
                    Event(campaign + timedelta(days=2), 7, 1.45),
                    Event(calendar.outage, 1, 0.07),
                    Event(calendar.outage + timedelta(days=1), 1, 1.3),
                ),
            ),
        ),
        SandboxAccount(
            "brunnfelder-shop",
            "chatdash",
            ZONE,
            {"project_id": "p_brunnfelder"},
            daily_conversations=120,
            profile=Profile(
                rhythms.SHOP_DAYS,
                rhythms.EVENING_HOURS,
                rhythms.WEEKEND_HOURS,
                growth=0.09,
                growth_from=calendar.first_day,
                call_share=0.08,
                pools=_SHOP_POOLS,
                events=(
                    Event(campaign, 2, 2.6, {"intents": Weighted({**_SHOP_INTENTS, "Gutschein einlösen": 60})}),
                    Event(
                        campaign + timedelta(days=2),
                        5,
                        1.8,
                        {"intents": Weighted({**_SHOP_INTENTS, "Gutschein einlösen": 40})},
                    ),
                ),
            ),
        ),
        SandboxAccount(
            "brunnfelder-hotline",
            "chatcaptain",
            ZONE,
            {"chatbot_id": "cb-brunnfelder"},
            channels=_CHANNELS,
            daily_conversations=95,
            profile=Profile(
                rhythms.OFFICE_DAYS,
                rhythms.PHONE_HOURS,
                rhythms.WEEKEND_HOURS,
                growth=0.03,
                growth_from=calendar.first_day,
                pools={
                    "channels": Weighted(dict(zip(_CHANNELS, (52, 28, 18, 2), strict=True))),
                    "intents": Weighted(_INTENTS),
                    "languages": _LANGUAGES,
                    "end_reasons": _END_REASONS,
                    "steps": Weighted(
                        {"Begrüßung": 40, "Anliegen erfragen": 30, "Bestellnummer": 18, "Übergabe": 8, "Abschied": 4}
                    ),
                    "transfer_targets": Weighted(
                        {"Service-Team": 60, "Retouren": 25, "Buchhaltung": 15},
                    ),
                },
                events=(Event(campaign + timedelta(days=1), 7, 1.35, {"intents": Weighted(_CAMPAIGN_INTENTS)}),),
            ),
        ),
    )
