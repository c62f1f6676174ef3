"""The plan of a run on several workers: every account once, limits in one place, bounded tasks."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from extractors.account import Account
from extractors.registry import PROVIDERS, get_account_model, get_provider
from extractors.windows import group_into_windows
from pipelines.configuration.init_file import required_ids, required_secrets
from pipelines.loads.cluster.shards import MAX_RANGE_DAYS, MAX_SHARD_ACCOUNTS, Shard, cut_days, plan_shards
from pipelines.loads.plan import LoadJob

FIRST = date(2020, 1, 1)
WITHOUT_LIMIT = [name for name in PROVIDERS if get_provider(name).limits.requests is None]
IDS = {"project_id": "5" * 24}


def build_account(provider: str, name: str, **settings: Any) -> Account:
    model = get_account_model(provider)
    texts = {key: IDS.get(key, f"{key}-{name}") for key in required_ids(model)}
    secrets = dict.fromkeys(required_secrets(model), f"secret-of-{name}")
    account: Account = model.model_validate({"name": name, **texts, **secrets, **settings})
    return account


def build_jobs(provider: str, count: int, days: int = 4, **settings: Any) -> list[LoadJob]:
    span = tuple(FIRST + timedelta(day) for day in range(days))
    return [LoadJob(build_account(provider, f"{provider}-{number:05d}", **settings), span) for number in range(count)]


def names_of(shard: Shard) -> set[str]:
    return {account.name for account in shard.accounts}


def count_slices(shards: Sequence[Shard]) -> Counter[tuple[str, date]]:
    return Counter(
        (job.account.name, day) for shard in shards for jobs in shard.ranges for job in jobs for day in job.days
    )


def test_every_account_and_day_is_in_one_task() -> None:
    jobs = [job for provider in PROVIDERS for job in build_jobs(provider, 30, days=5)]
    shards = plan_shards(jobs, {job.account.name: number % 7 for number, job in enumerate(jobs)})
    assert count_slices(shards) == Counter((job.account.name, day) for job in jobs for day in job.days)
    assert max(Counter(name for shard in shards for name in names_of(shard)).values()) == 1
    assert all({account.provider for account in shard.accounts} == {shard.provider} for shard in shards)
    assert len({shard.name for shard in shards}) == len(shards)


def test_the_plan_rests_on_nothing_but_its_arguments() -> None:
    jobs = [job for provider in PROVIDERS for job in build_jobs(provider, 20)]
    lake_shards = {job.account.name: number % 3 for number, job in enumerate(jobs)}
    assert plan_shards(jobs, lake_shards) == plan_shards(jobs[::-1], lake_shards)


def test_jobs_without_days_are_left_out() -> None:
    assert plan_shards(build_jobs("inkeep", 3, days=0), {}) == []


def test_accounts_behind_one_limit_are_one_task_whatever_its_size() -> None:
    jobs = build_jobs("cognigy", 250, days=3 * MAX_RANGE_DAYS)
    elsewhere = build_jobs("cognigy", 251, base_url="https://cognigy.example/new")[250:]
    shards = plan_shards([*jobs, *elsewhere], {job.account.name: number for number, job in enumerate(jobs)})
    assert [len(shard.accounts) for shard in shards] == [250, 1]
    assert [len(shard.ranges) for shard in shards] == [1, 1]


@pytest.mark.parametrize("provider", WITHOUT_LIMIT)
def test_a_limit_of_one_account_counts_for_its_address(provider: str) -> None:
    jobs = build_jobs(provider, 4)
    limited = LoadJob(build_account(provider, "slow", rate_limit={"requests": 5}), jobs[0].days)
    lake_shards = {job.account.name: number for number, job in enumerate(jobs)}
    assert len(plan_shards(jobs, lake_shards)) == 4
    assert len(plan_shards([*jobs, limited], lake_shards)) == 1


def test_accounts_of_one_credential_are_together() -> None:
    jobs = build_jobs("inkeep", 6)
    shared = [job.account.model_copy(update={"api_key": jobs[0].account.api_key}) for job in jobs[:3]]
    mixed = [LoadJob(account, jobs[0].days) for account in shared] + jobs[3:]
    shards = plan_shards(mixed, {job.account.name: number for number, job in enumerate(mixed)})
    assert sorted(len(shard.accounts) for shard in shards) == [1, 1, 1, 3]


@pytest.mark.parametrize("provider", WITHOUT_LIMIT)
def test_shards_without_a_limit_are_bounded_and_follow_the_lake(provider: str) -> None:
    jobs = build_jobs(provider, 1000, days=1)
    lake_shards = {job.account.name: number % 8 for number, job in enumerate(jobs)}
    shards = plan_shards(jobs, lake_shards)
    assert all(len({lake_shards[name] for name in names_of(shard)}) == 1 for shard in shards)
    assert max(len(shard.accounts) for shard in shards) == MAX_SHARD_ACCOUNTS
    assert len(shards) == 16


@pytest.mark.parametrize("provider", WITHOUT_LIMIT)
def test_ranges_are_newest_first_and_cost_no_request(provider: str) -> None:
    [job] = build_jobs(provider, 1, days=5 * 365)
    [shard] = plan_shards([job], {})
    ranges = [jobs[0].days for jobs in shard.ranges]
    assert ranges == cut_days(job.account, job.days)[::-1]
    assert all(min(newer) > max(older) for newer, older in pairwise(ranges))
    if provider != "chatcaptain":  # the windows of its reports and of its exports never begin on one day again
        assert all(len(days) < 2 * MAX_RANGE_DAYS for days in ranges)
    for stream in job.account.enabled_streams:
        windows = get_provider(provider).streams[stream].windows
        whole = [window for span in group_into_windows(job.days) for window in windows(job.account, span)]
        parts = [w for days in ranges for span in group_into_windows(days) for w in windows(job.account, span)]
        assert sorted(parts, key=lambda window: window.start) == whole
