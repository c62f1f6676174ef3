"""The keys of the configuration file, apart from those of its accounts. No file is read here.

Accounts are validated by the model of their provider, ``extractors.registry.get_account_model(name)``.
"""

from datetime import date
from typing import Any

from pydantic import Field

from extractors.account import Budget, Privacy, RateLimit, Settings, ZoneName
from pipelines.configuration.settings import OperatingSettings, Schedule


class Defaults(Settings):
    """Settings of the accounts that have no value of their own."""

    timezone: ZoneName = Field(default="UTC", description="IANA zone whose calendar days are loaded")
    lookback_days: int = Field(
        default=3, ge=0, le=400, description="Days before the loaded day that the daily load reads again"
    )
    start_date: date | None = Field(
        default=None, description="First day that is loaded; a later day without data is a gap"
    )
    max_wait_seconds: float = Field(default=60, ge=0, description="The longest a run waits for one limit")
    rate_limit: RateLimit = Field(default=RateLimit(), description="Limits of the requests to the provider")
    budget: Budget = Field(default=Budget(), description="What a run may ask of the provider before it stops")
    privacy: Privacy = Field(default=Privacy(), description="Personal data that may reach the warehouse")


class Document(OperatingSettings):
    """The whole file. Accounts are validated one by one, each by its provider's model."""

    landing: str = Field(
        default="data/landing",
        description="Folder of the providers' responses, relative to this file's folder; or s3://bucket/prefix",
    )
    warehouse: str = Field(
        default="duckdb://data/warehouse.duckdb",
        description="The warehouse that people and tools open; the path after :// is relative to this file's folder",
    )
    defaults: Defaults = Field(
        default=Defaults(), description="Settings of the accounts that have no value of their own"
    )
    schedule: Schedule = Field(default=Schedule(), description="When Dagster starts the daily load")
    accounts: list[dict[str, Any]] = Field(min_length=1, description="The bots, projects and chatbots to load")
