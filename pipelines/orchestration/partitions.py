"""The local days of a partition, of a range of partitions and of a schedule's tick.

No request and no warehouse query belongs here. A partition key is the label of a local day: the same key means
Berlin's day for a Berlin account and New York's for an account in New York. Accounts are data, not partitions.
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
"""The first partition of an account without a ``start_date``."""

GRACE_PERIOD = timedelta(hours=2)
"""How long a daily load may take before its days count as missing."""


def build_partitions(config: Config, provider: str) -> dg.DailyPartitionsDefinition:
    """Return a provider's partitions: from the first day of its earliest account to the newest day that has ended.

    A day ends at a fixed offset from UTC, the furthest east of all accounts' zones. So yesterday is a partition for
    each account at any hour, and today is not shown as missing. Providers that begin on the same day have equal
    partitions, so that Dagster can back-fill them together.
    """
    first = min(account.start_date or FIRST_DAY for account in config.select_accounts(providers=[provider]))
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=_furthest_east_zone(config.accounts))


def _furthest_east_zone(accounts: Sequence[Account]) -> str:
    offsets = [datetime(2025, month, 1, tzinfo=account.zone).utcoffset() for account in accounts for month in (1, 7)]
    hours = max((math.ceil(offset / timedelta(hours=1)) for offset in offsets if offset is not None), default=0)
    return f"Etc/GMT{-hours:+d}"  # POSIX counts westward


def partition_window(context: dg.AssetExecutionContext) -> Window:
    """Return the local days of the partitions that the step runs for."""
    time_window = context.partition_time_window
    return Window(time_window.start.date(), time_window.end.date())


def plan_ended_days(accounts: Sequence[Account], window: Window, now: datetime) -> list[LoadJob]:
    """Return the days of a window by account: not before its start date, and ended in its zone at ``now``.

    Accounts without such a day are left out.
    """
    windows = [(account, clip_window(account, window, now)) for account in accounts]
    return [LoadJob(account, ended.days()) for account, ended in windows if ended is not None]


def due_day(account: Account, schedule: Schedule, now: datetime) -> date:
    """Return the newest local day that should be loaded at ``now``: yesterday, when the last daily load was due.

    A load is due ``GRACE_PERIOD`` after its scheduled start.
    """
    tick = schedule.provider_time(account.provider).last_before(now - GRACE_PERIOD)
    return today(account.zone, tick) - timedelta(days=1)
