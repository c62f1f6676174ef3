"""The plan of a run on several workers: provider × shard of accounts × range of days. Nothing is sent or run here.

Accounts that share a limit of requests, or a credential, are in one shard, so that the rate limiter in one process is
exact. Other shards follow the shards of the lake, so that two writers do not meet. The ranges of a shard are worked on
one after the other, newest first: an account has one fetch at a time, as on one machine.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

from extractors.account import Account
from extractors.http.shared_limits import account_limits, limiter_key
from extractors.registry import get_provider
from extractors.windows import group_into_windows
from pipelines.loads.plan import LoadJob

MAX_SHARD_ACCOUNTS = 100
"""The most accounts of a shard, unless more share a limit."""

MAX_RANGE_DAYS = 366
"""The most days of an account in one range, unless no window of its streams begins in time."""


@dataclass(frozen=True)
class Shard:
    """Accounts of one provider that one task at a time works on.

    ``ranges`` are the tasks, in their order: the jobs of each. A shard of accounts with a limit has one.
    """

    name: str
    provider: str
    ranges: tuple[tuple[LoadJob, ...], ...]

    @property
    def accounts(self) -> list[Account]:
        """The accounts, ordered by name."""
        return sorted({job.account.name: job.account for jobs in self.ranges for job in jobs}.values(), key=_name_of)

    @property
    def slices(self) -> int:
        """The number of slices of all ranges."""
        return sum(len(job.days) for jobs in self.ranges for job in jobs)


def plan_shards(jobs: Sequence[LoadJob], lake_shards: Mapping[str, int]) -> list[Shard]:
    """Return the shards of a run's jobs, largest first. Jobs without days are left out.

    Every account is in exactly one shard; the plan depends on nothing but its arguments. ``lake_shards`` has the shard
    of the warehouse of each account's name. Accounts with a limit of requests are one shard and one range, whatever
    their number: a second task would begin with a limiter that knows nothing of the first.
    """
    shards = []
    by_provider: dict[str, list[LoadJob]] = defaultdict(list)
    for job in sorted(jobs, key=lambda job: job.account.name):
        if job.days:
            by_provider[job.account.provider].append(job)
    for provider, provider_jobs in sorted(by_provider.items()):
        limited = _limited_keys(provider_jobs)
        packs = _pack(_group_by_limit(provider_jobs, limited), limited, lake_shards)
        for number, pack in enumerate(packs):
            is_limited = limiter_key(pack[0].account) in limited
            ranges = (tuple(pack),) if is_limited else tuple(_cut_ranges(pack))
            shards.append(Shard(f"{provider}-{number}", provider, ranges))
    return sorted(shards, key=lambda shard: (-shard.slices, shard.name))


def _name_of(account: Account) -> str:
    return account.name


def _limited_keys(jobs: Sequence[LoadJob]) -> set[Hashable]:
    """Return the rate limiters that have a limit: of the provider, or of one of the accounts that share it."""
    return {
        limiter_key(job.account)
        for job in jobs
        if account_limits(job.account, get_provider(job.account.provider).limits).requests is not None
    }


def _group_by_limit(jobs: Sequence[LoadJob], limited: set[Hashable]) -> list[list[LoadJob]]:
    """Return the jobs that must stay together: those of one limiter with a limit, else those of one credential."""
    groups: dict[Hashable, list[LoadJob]] = defaultdict(list)
    for job in jobs:
        key = limiter_key(job.account)
        credential = job.account.credential()
        secret = (frozenset(credential.headers.items()), frozenset(credential.query.items()))
        groups[key if key in limited else (key, secret)].append(job)
    return list(groups.values())


def _pack(
    groups: Sequence[list[LoadJob]], limited: set[Hashable], lake_shards: Mapping[str, int]
) -> Iterator[list[LoadJob]]:
    """Yield the jobs of each shard: groups of one lake's shard, as many as may be together."""
    by_lake_shard: dict[int, list[list[LoadJob]]] = defaultdict(list)
    for group in groups:
        account = group[0].account
        if limiter_key(account) in limited:
            yield group
        else:
            by_lake_shard[lake_shards.get(account.name, 0)].append(group)
    for _, members in sorted(by_lake_shard.items()):
        pack: list[LoadJob] = []
        for group in members:
            if pack and len(pack) + len(group) > MAX_SHARD_ACCOUNTS:
                yield pack
                pack = []
            pack = [*pack, *group]
        yield pack


def _cut_ranges(jobs: Sequence[LoadJob]) -> Iterator[tuple[LoadJob, ...]]:
    """Yield the jobs of each range, newest days first."""
    cut = [[LoadJob(job.account, days) for days in cut_days(job.account, job.days)] for job in jobs]
    for pieces in zip_longest(*(reversed(pieces) for pieces in cut)):
        yield tuple(piece for piece in pieces if piece is not None)


def cut_days(account: Account, days: Sequence[date]) -> list[tuple[date, ...]]:
    """Return local days in pieces of about ``MAX_RANGE_DAYS``, oldest first.

    A piece begins where a window of every stream begins, so that the pieces are fetched with the same requests as the
    whole.
    """
    if len(days) <= MAX_RANGE_DAYS:
        return [tuple(days)]
    starts = _common_starts(account, days)
    pieces: list[list[date]] = [[]]
    for day in sorted(days):
        if day in starts and len(pieces[-1]) >= MAX_RANGE_DAYS:
            pieces.append([])
        pieces[-1].append(day)
    return [tuple(piece) for piece in pieces]


def _common_starts(account: Account, days: Sequence[date]) -> set[date]:
    """Return the days on which a window of every stream begins."""
    streams = get_provider(account.provider).streams
    splits = dict.fromkeys(streams[name].windows for name in account.enabled_streams)  # most streams share them
    spans = group_into_windows(days)
    common: set[date] | None = None
    for split in splits:
        starts = {window.start for span in spans for window in split(account, span)}
        common = starts if common is None else common & starts
        if len(common) <= len(spans):
            break  # the beginnings of the spans are always in it
    return common or set()
