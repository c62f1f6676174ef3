"""Clairmeuse, an invented Belgian energy supplier: an assistant in four languages, with intents in French.

A release makes a new intent rise; one week of its numbers is restated after the first load.
"""

from sandbox.account import SandboxAccount
from sandbox.demo import rhythms
from sandbox.demo.calendar import DemoCalendar
from sandbox.profile import Event, Profile, Weighted

RESTATED_ACCOUNT = "clairmeuse-aide"

_INTENTS = {
    "Consulter ma facture": 30,
    "Relever le compteur": 20,
    "Déménagement": 14,
    "Changer de tarif": 12,
    "Panne de courant": 9,
    "Plan de paiement": 8,
    "Parler à un conseiller": 7,
}


def list_accounts(calendar: DemoCalendar) -> tuple[SandboxAccount, ...]:
    """Return the account, with the release on the calendar's day."""
    return (
        SandboxAccount(
            RESTATED_ACCOUNT,
            "chatlayer",
            "Europe/Brussels",
            {"bot_id": "bot-clairmeuse"},
            daily_conversations=130,
            profile=Profile(
                rhythms.OFFICE_DAYS,
                rhythms.OFFICE_HOURS,
                rhythms.WEEKEND_HOURS,
                growth=0.06,
                growth_from=calendar.first_day,
                pools={
                    "channels": Weighted({"webchat": 62, "whatsapp": 22, "facebook": 12, "voice": 4}),
                    "languages": Weighted({"fr": 51, "nl": 34, "en": 10, "de": 5}),
                    "intents": Weighted(_INTENTS),
                    "steps": ("accueil", "identification", "réponse", "satisfaction", "conseiller"),
                },
                events=(
                    Event(
                        calendar.release,
                        factor=1.12,
                        pools={"intents": Weighted({**_INTENTS, "Installer une borne de recharge": 24})},
                    ),
                ),
            ),
        ),
    )
