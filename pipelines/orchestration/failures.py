"""Failures of Dagster steps: our own errors, and accounts that failed, as one sentence without secrets.

Alerts and the texts about accounts do not belong here; they are in ``loads.alerts`` and ``loads.failures``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from extractors.errors import ChatmartError
from extractors.foreign_text import clean_lines
from pipelines.loads.failures import build_account_metadata
from warehouse.errors import WarehouseError


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Run a block and turn its ChatmartError or WarehouseError into a failure that Dagster does not retry.

    Raises dagster.Failure with the error's sentence as description, secrets redacted.
    """
    try:
        yield
    except (ChatmartError, WarehouseError) as error:
        # Dagster would keep the error's trace for ever, and the trace is not redacted
        raise dg.Failure(clean_lines(str(error)), allow_retries=False) from None


def build_failure(errors_by_account: Mapping[str, str], account_count: int, other_accounts: str) -> dg.Failure:
    """Return the failure of a run in which accounts failed: the first five names, and the first error in full.

    ``other_accounts`` is a clause about the accounts that did not fail. The metadata has each failed account's error.
    Dagster does not retry the failure.
    """
    metadata = build_account_metadata(errors_by_account)
    names = ", ".join(list(errors_by_account)[:5]) + (" and others" if len(errors_by_account) > 5 else "")
    return dg.Failure(
        f"{len(errors_by_account)} of {account_count} accounts failed ({names}); {other_accounts}. "
        f"{next(iter(metadata.values()))}",
        metadata=metadata,
        allow_retries=False,
    )
