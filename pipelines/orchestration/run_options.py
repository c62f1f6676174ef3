"""The options of a run, which a person sets in Dagster's launchpad: accounts, and fetching anew.

What the options do to the days of a run is in ``assets``.
"""

from typing import Any

import dagster as dg
from pydantic import Field


class LandingConfig(dg.Config):
    """Options of a run that fetches."""

    accounts: list[str] = Field(default=[], description="Names of the accounts to load; all of the provider if empty.")
    refetch: bool = Field(default=False, description="Fetch settled days again, too.")


class SlicesConfig(dg.Config):
    """Options of a run that loads what is landed."""

    accounts: list[str] = Field(
        default=[], description="Names of the accounts to load; those of the run's landing step if empty."
    )


def landing_accounts(context: dg.AssetExecutionContext, landing_key: dg.AssetKey) -> list[str]:
    """Return the names that the run's options give to its landing step; none for all accounts."""
    run_config: Any = context.run.run_config
    options = run_config.get("ops", {}).get(landing_key.to_python_identifier(), {}).get("config", {})
    return list(options.get("accounts", []))
