"""The demo's world: its accounts, and the week that its provider reports too small at first."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.demo import brunnfelder, clairmeuse, ferndock, passelby
from sandbox.demo.calendar import DEMO_DAYS, DemoCalendar
from sandbox.world import World, utc_now

_COMPANIES = {"Brunnfelder": brunnfelder, "Passelby": passelby, "Clairmeuse": clairmeuse, "Ferndock": ferndock}
_MARKETS = {"Europe/Berlin": "DE", "Europe/Brussels": "BE", "America/New_York": "US", "UTC": "world"}


def list_demo_accounts(first_day: date) -> tuple[SandboxAccount, ...]:
    """Return the accounts of a demo that begins on a day.

    A provider that no company uses has its sample accounts: every provider is in the demo.
    """
    calendar = DemoCalendar(first_day)
    accounts = [account for company in _COMPANIES.values() for account in company.list_accounts(calendar)]
    served = {account.provider for account in accounts}
    return (*accounts, *(account for account in SAMPLE_ACCOUNTS if account.provider not in served))


def label_demo_accounts(first_day: date) -> dict[str, dict[str, str]]:
    """Return the labels of each account of a company: the customer, and the market by the account's zone."""
    calendar = DemoCalendar(first_day)
    return {
        account.name: {"customer": customer, "market": _MARKETS[account.timezone]}
        for customer, company in _COMPANIES.items()
        for account in company.list_accounts(calendar)
    }


def build_demo_world(first_day: date, seed: int = 7, clock: Callable[[], datetime] = utc_now) -> World:
    """Return the world before its restatement: as the providers report it at first."""
    return World(seed, list_demo_accounts(first_day), clock)


def restate_demo_week(world: World, first_day: date) -> tuple[str, tuple[date, ...]]:
    """Let late conversations appear in the restated week. Return its account and its local days."""
    days = DemoCalendar(first_day).restated_week
    for day in days:
        world.restate(clairmeuse.RESTATED_ACCOUNT, day, "late")
    return clairmeuse.RESTATED_ACCOUNT, days


def build_restated_demo_world(first_day: date, seed: int = 7) -> World:
    """Return the world after its restatement: as the providers report it from then on."""
    world = build_demo_world(first_day, seed)
    restate_demo_week(world, first_day)
    return world


def choose_first_day(end: date) -> date:
    """Return the first day of a new demo whose last day is the one before `end`."""
    return end - timedelta(days=DEMO_DAYS)
