"""Which local days a partition, a range of partitions or a schedule's tick is about. No request, no warehouse.

A partition's key is the label of a local day: the same key means Berlin's day for a Berlin account and New York's for
one in New York. Accounts are data, not partitions.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import dagster as dg

from extractors.account import Account
from extractors.windows import Window, today
from pipelines.configuration.config import Config
from pipelines.configuration.settings import Schedule
from pipelines.loads.plan import clip_window
from pipelines.loads.run import LoadJob

FIRST_DAY = date(2025, 1, 1)
"""Where an account's partitions begin whose configuration names no ``start_date``."""

GRACE_PERIOD = timedelta(hours=2)
"""How long a daily load may take before what it was to bring counts as missing."""


def build_partitions(config: Config, provider: str) -> dg.DailyPartitionsDefinition:
    """A provider's partitions: from its earliest account's first day to the newest that has ended somewhere.

    They are cut at a fixed offset from UTC, the furthest east of all accounts' zones, so that yesterday exists for
    each of them at any hour and today does not stand there as missing. Providers that begin on one day have equal
    partitions: Dagster back-fills them together.
    """
    first = min(account.start_date or FIRST_DAY for account in config.select_accounts(providers=[provider]))
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=_furthest_east(config.accounts))


def _furthest_east(accounts: Sequence[Account]) -> str:
    offsets = [datetime(2025, month, 1, tzinfo=each.zone).utcoffset() for each in accounts for month in (1, 7)]
    hours = max((math.ceil(offset / timedelta(hours=1)) for offset in offsets if offset is not None), default=0)
    return f"Etc/GMT{-hours:+d}"  # POSIX counts westward


def partition_window(context: dg.AssetExecutionContext) -> Window:
    """The days whose partitions the step was asked for."""
    asked = context.partition_time_window
    return Window(asked.start.date(), asked.end.date())


def plan_ended_days(accounts: Sequence[Account], window: Window, now: datetime) -> list[LoadJob]:
    """The days of a window that each account has and that have ended where it is; accounts with none are left out."""
    jobs = []
    for account in accounts:
        possible = clip_window(account, window, now)
        days = [day for day in possible.days() if day < today(account.zone, now)] if possible else []
        if days:
            jobs.append(LoadJob(account, tuple(days)))
    return jobs


def due_day(account: Account, schedule: Schedule, now: datetime) -> date:
    """The newest day that ought to be loaded by now: the account's yesterday when the last daily load was due."""
    tick = schedule.provider_time(account.provider).last_before(now - GRACE_PERIOD)
    return today(account.zone, tick) - timedelta(days=1)
