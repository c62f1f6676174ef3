"""The behaviour that all providers share, over HTTP with the sandbox, for every name in the registry.

What is peculiar to one provider is tested beside its modules. Its facts are in ``cases/<provider>.py``.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from extractors.http.client import Client
from extractors.http.messages import Response
from extractors.landing.zone import LandingZone
from extractors.registry import PROVIDERS, get_provider
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.vendors import get_vendor
from sandbox.world import World
from tests.conformance.cases import COMMON_SHAPES, DAY, AccountVariant, get_cases
from tests.support.clock import FakeClock
from tests.support.day_range import DayRange
from tests.support.installation import Installation, days_from
from tests.support.provider_account import build_provider_account
from tests.support.pull_account import pull_account
from tests.support.sample_world import begin_warehouse
from tests.support.secret_scan import find_secrets, read_files
from transforms.registry import get_transform

NAME = "acme"
TWO_DAYS = Window(date(2025, 10, 25), date(2025, 10, 27))  # 25 hours in Berlin on the second one
YEAR = Window(date(2025, 1, 17), date(2026, 1, 17))
FOREVER = 10**6
CLOCK_CHANGES = (date(2025, 3, 30), date(2025, 10, 26))
SHAPES_THAT_DELAY_OR_FAIL = {"delay_seconds", "export_link_seconds", "export_error", "csv_cut_bytes"}


@contextmanager
def open_provider(
    provider: str, variant: AccountVariant | None = None, zone: str = "UTC", **shapes: Any
) -> Iterator[tuple[Sandbox, SandboxAccount]]:
    """Run a sandbox with one small account of the provider."""
    traits = {"daily_conversations": 8, **(variant or get_cases(provider).variants[0]).traits}
    account = SandboxAccount(NAME, provider, zone, **traits)
    with Sandbox(World(7, [account]), ResponseShapes(**shapes)) as sandbox:
        yield sandbox, account


def list_settings(provider: str, variant: AccountVariant, world: World, days: DayRange) -> dict[str, Any]:
    """Return the configuration keys of a variant; all streams are enabled unless it names its own."""
    settings = {"streams": [*get_provider(provider).streams], **variant.settings}
    if variant.name_conversations:
        named = [item.id for _, items in world.conversations_by_day(NAME, days) for item in items]
        settings["conversation_ids"] = [*named, f"{NAME}-250301-gone"]
    return settings


def list_bodies(root: Path, account: Account) -> dict[tuple[str, str], list[bytes]]:
    """Return the landed bodies by stream and window."""
    landing = LandingZone(root / "landing")
    return {
        (stream, str(batch.window)): [body for _, body in batch.iter_bodies()]
        for stream in get_provider(account.provider).streams
        for batch in landing.list_batches(account.provider, account.name, stream)
    }


# the declarations


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_declarations_name_the_same_provider_and_streams(provider: str) -> None:
    declared, vendor = get_provider(provider), get_vendor(provider)
    assert declared.name == declared.account.PROVIDER == vendor.name == provider
    streams = set(declared.streams)
    assert streams == set(declared.account.STREAMS)
    assert streams == set(get_cases(provider).streams)
    assert streams == set(get_transform(provider).fields)
    assert streams >= set(vendor.default_streams)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_own_shape_is_in_the_cases_with_its_default_first(provider: str) -> None:
    defaults = vars(get_vendor(provider).shapes())
    own = set(defaults) - set(COMMON_SHAPES) - SHAPES_THAT_DELAY_OR_FAIL
    shapes = get_cases(provider).shapes
    assert set(shapes) == own
    assert {name: values[0] for name, values in shapes.items()} == {name: defaults[name] for name in own}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_windows_cover_a_range_once_in_order_and_none_is_too_wide(provider: str) -> None:
    with open_provider(provider) as (sandbox, sandbox_account):
        for zone in get_cases(provider).zones:
            for stream, widest_days in get_cases(provider).streams.items():
                account = build_provider_account(sandbox, sandbox_account, timezone=zone)
                for window in (YEAR, DAY):
                    windows = get_provider(provider).streams[stream].windows(account, window)
                    assert [day for part in windows for day in part.days()] == list(window.days()), (stream, zone)
                    assert widest_days is None or max(map(len, windows)) <= widest_days, (stream, zone)


# requests


def probe_account(account: Account) -> Response | None:
    async def run() -> Response | None:
        declared = get_provider(account.provider)
        async with Client(clock=FakeClock()) as client:
            return await declared.probe(client.open_session(account, declared.limits), DAY)

    return asyncio.run(run())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_probe_sends_one_request_and_creates_nothing(provider: str) -> None:
    with open_provider(provider) as (sandbox, sandbox_account):
        for streams in (None, *([stream] for stream in get_provider(provider).streams)):
            variant = get_cases(provider).variants[0]
            named = {"conversation_ids": ["some"]} if variant.name_conversations else {}
            account = build_provider_account(sandbox, sandbox_account, **named, streams=streams)
            sandbox.request_log.clear()
            response = probe_account(account)
            assert len(sandbox.requests) == (response is not None), streams
            assert response is None or response.status == 200
            assert streams or response
            assert sandbox.jobs == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_fetches_land_the_same_bytes(provider: str, tmp_path: Path) -> None:
    variant = get_cases(provider).variants[0]
    with open_provider(provider, variant, get_cases(provider).zones[0]) as (sandbox, sandbox_account):
        settings = list_settings(provider, variant, sandbox.world, DayRange(TWO_DAYS.start, TWO_DAYS.start))
        account = build_provider_account(sandbox, sandbox_account, **settings)
        for name in ("first", "second"):
            assert pull_account(account, TWO_DAYS, tmp_path / name) == []
    bodies = list_bodies(tmp_path / "first", account)
    assert bodies == list_bodies(tmp_path / "second", account)
    assert {stream for stream, _ in bodies} == set(account.enabled_streams)


@pytest.mark.e2e
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_request_is_sent_that_is_not_needed(provider: str, zone: str, tmp_path: Path) -> None:
    cases = get_cases(provider)
    with open_provider(provider, zone=zone, **cases.request_shapes) as (sandbox, account):
        product = open_installation(tmp_path, sandbox, account, {})
        assert product.load([*cases.window]).is_ok
        assert len(sandbox.requests) == cases.least_requests(sandbox.world, account, cases.window)


# secrets


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_secret_is_in_any_landed_byte_log_or_error(
    provider: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("chatmart").propagate = True
    secrets = [f"planted-{secret.key}/+\"9'&=%41==" for secret in get_vendor(provider).secrets]
    for number, variant in enumerate(get_cases(provider).variants):
        root = tmp_path / str(number)
        planted = replace(variant, traits={**variant.traits, "credential": ":".join(secrets)})
        with open_provider(provider, planted) as (sandbox, sandbox_account), caplog.at_level(logging.DEBUG, "chatmart"):
            settings = list_settings(provider, variant, sandbox.world, DayRange(DAY.start, DAY.start))
            account = build_provider_account(sandbox, sandbox_account, **settings)
            assert pull_account(account, DAY, root) == []
            refusal = json.dumps({"message": f"unknown key {' or '.join(secrets)}"})
            for status in (401, 400, 500):
                sandbox.plan_faults(Fault(times=FOREVER, status=status, body=refusal))
                errors = pull_account(account, DAY, tmp_path / "refused", clock=FakeClock())
                assert errors
                texts = [(f"error {status}", str(error).encode()) for error in errors]
                assert find_secrets(secrets, texts) == []
                sandbox.request_log.clear()
    hidden = [*secrets, *get_cases(provider).response_secrets]
    assert find_secrets(hidden, [("log", caplog.text.encode()), *read_files(tmp_path)]) == []
    assert any(name.endswith("unpacked") for name, _ in read_files(tmp_path))
    assert "chatmart" in caplog.text


# the truth


@dataclass(frozen=True)
class ShapeCombination:
    """One value of every shape of a provider, and one way to set up its account."""

    provider: str
    number: int
    shapes: dict[str, Any]
    variant: AccountVariant
    zone: str

    def __str__(self) -> str:
        return f"{self.provider}-{self.number}"


def build_shape_combinations(provider: str) -> list[ShapeCombination]:
    """Return as many combinations as the longest list of values has: every value occurs in one of them."""
    cases = get_cases(provider)
    shapes = {**COMMON_SHAPES, **cases.shapes}
    length = max(map(len, (*shapes.values(), cases.variants, cases.zones)))
    return [
        ShapeCombination(
            provider,
            number,
            {name: values[number % len(values)] for name, values in shapes.items()},
            cases.variants[number % len(cases.variants)],
            cases.zones[number % len(cases.zones)],
        )
        for number in range(length)
    ]


def open_installation(
    folder: Path, sandbox: Sandbox, account: SandboxAccount, settings: dict[str, Any]
) -> Installation:
    """Return an installation for one account, with an empty warehouse."""
    begin_warehouse(folder / "data/warehouse.duckdb")
    return Installation(folder, sandbox, [account], {account.name: settings})


@pytest.mark.e2e
@pytest.mark.parametrize(
    "combination", [row for provider in PROVIDERS for row in build_shape_combinations(provider)], ids=str
)
def test_a_load_equals_the_truth_in_every_shape(tmp_path: Path, combination: ShapeCombination) -> None:
    provider, variant = combination.provider, combination.variant
    change = CLOCK_CHANGES[combination.number % len(CLOCK_CHANGES)]
    days = days_from(change.replace(day=change.day - 1), 3)
    with open_provider(provider, variant, combination.zone, **combination.shapes) as (sandbox, account):
        settings = list_settings(provider, variant, sandbox.world, DayRange(days[0], days[-1]))
        product = open_installation(tmp_path, sandbox, account, settings)
        result = product.load(days)
        row_count, lines = product.compare_with_truth(days)
    assert [error for outcome in result.outcomes for error in outcome.errors] == []
    assert lines == []
    assert row_count >= len(days)
    if not combination.shapes.get("totals_count_tests"):  # the exported lines are compared without test traffic
        assert product.read_unexplained() == []
