from typing import Any
from zoneinfo import available_timezones

import duckdb
import pytest
from pydantic import ValidationError

from extractors.cognigy.account import CognigyAccount

GOOD = {"name": "acme-1", "project_id": "5f0c2f4e8a1b2c3d4e5f6a7b", "api_key": "fake"}


def build_account(**settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate({**GOOD, **settings})


def read_problem(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        build_account(**settings)
    (error,) = caught.value.errors(include_input=False)
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def test_the_defaults_of_an_account() -> None:
    account = build_account()
    assert (account.timezone, account.lookback_days, account.start_date, account.max_wait_seconds) == (
        "UTC",
        3,
        None,
        60,
    )
    assert account.enabled_streams == ("conversation_counter",)
    assert account.privacy.user_ids == "hash"
    assert (account.privacy.message_texts, account.privacy.properties) == ("drop", "drop")
    assert account.rate_limit.requests is None


@pytest.mark.parametrize("name", ["", "Acme", "-acme", "acme_1", "acme/1", "..", "a" * 101, "ümlaut", "acme\n"])
def test_a_name_is_a_slug(name: str) -> None:
    assert read_problem(name=name).startswith("name: ")


@pytest.mark.parametrize(
    "zone",
    ["", "Berlin", "Europe/berlin", "../etc/passwd", "/etc/localtime", "Europe", "localtime", "x" * 300],
)
def test_a_zone_is_one_that_everybody_knows(zone: str) -> None:
    assert "there is no time zone" in read_problem(timezone=zone)


def test_every_zone_that_is_accepted_is_known_to_the_warehouse() -> None:
    zones = [zone for zone in sorted(available_timezones()) if zone != "localtime"]
    assert all(build_account(timezone=zone).timezone == zone for zone in zones)
    with duckdb.connect() as con:
        con.execute("SELECT timezone(zone, now()) FROM (SELECT unnest(?) AS zone)", [zones]).fetchall()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://x",
        "https://",
        "https://key@host",
        "https://u:p@host",
        "https://host?api_key=1",
        "https://host#x",
        "https://host:port",
        "https://host:99999",
        "https://[::1",
    ],
)
def test_a_base_url_is_an_address_and_nothing_else(url: str) -> None:
    assert read_problem(base_url=url).startswith("base_url: ")


def test_a_base_url_has_no_slash_at_its_end() -> None:
    assert build_account(base_url="http://127.0.0.1:8600/cognigy/new/").base_url == "http://127.0.0.1:8600/cognigy/new"


def test_streams_are_named_with_or_without_their_provider() -> None:
    assert build_account(streams=["cognigy.call_counter", "call_counter"]).enabled_streams == ("call_counter",)
    assert "there is no stream calls; cognigy has conversation_counter" in read_problem(streams=["calls"])
    assert "at least one stream" in read_problem(streams=[])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lookback_days", -1),
        ("lookback_days", 1.5),
        ("max_wait_seconds", -1),
        ("max_wait_seconds", float("nan")),
        ("max_wait_seconds", float("inf")),
        ("rate_limit", {"requests": 0}),
        ("rate_limit", {"period_seconds": 0}),
        ("rate_limit", {"period_seconds": float("inf")}),
        ("rate_limit", {"concurrency": 0}),
        ("rate_limit", {"concurency": 1}),
        ("privacy", {"user_ids": "keep"}),
        ("start_date", "tomorrow"),
        ("api_keys", "x"),
        ("project_id", "too-short"),
        ("project_id", "../../../../../../../../"),
        ("auth", "cookie"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(key: str, value: object) -> None:
    assert read_problem(**{key: value}).startswith(key)


def test_a_secret_is_not_shown() -> None:
    assert "fake-key-1" not in repr(build_account(api_key="fake-key-1"))
