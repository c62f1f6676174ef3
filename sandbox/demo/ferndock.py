"""Ferndock, an invented software house: an assistant in its documentation, with readers in all time zones."""

from sandbox.account import SandboxAccount
from sandbox.demo import rhythms
from sandbox.demo.calendar import DemoCalendar
from sandbox.profile import Event, Profile, Weighted


def list_accounts(calendar: DemoCalendar) -> tuple[SandboxAccount, ...]:
    """Return the account. A release of its software on the calendar's day brings readers for a few days."""
    return (
        SandboxAccount(
            "ferndock-docs",
            "inkeep",
            "UTC",
            daily_conversations=75,
            profile=Profile(
                rhythms.OFFICE_DAYS,
                rhythms.WORLD_HOURS,
                rhythms.WORLD_HOURS,
                growth=0.08,
                growth_from=calendar.first_day,
                pools={"types": Weighted({"openai": 78, "support_copilot": 13, "support_ticket": 9})},
                events=(Event(calendar.release, 4, 1.35),),
            ),
        ),
    )
